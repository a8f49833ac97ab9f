package wrapper

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Answers are small and looked at often, and each is read in two steps: what stands around every answer, and then the
// answer itself. To do both with encoding/json costs as much as everything else that this package adds to a request. So a
// text is checked with it once, and then taken apart where it stands.

// members yields the names and values of an object in a JSON text that is valid; none if the text is something else.
func members(text json.RawMessage) iter.Seq2[memberName, json.RawMessage] {
	return func(yield func(memberName, json.RawMessage) bool) {
		text = bytes.TrimSpace(text)
		if len(text) == 0 || text[0] != '{' {
			return
		}
		var name memberName
		start, depth := 1, 0
		for i := 0; i < len(text); i++ {
			switch c := text[i]; c {
			case '"':
				for i++; text[i] != '"'; i++ {
					if text[i] == '\\' {
						i++
					}
				}
			case '{', '[':
				depth++
			case ':':
				if depth == 1 {
					name, start = nameIn(text[start:i]), i+1
				}
			case ',', '}', ']':
				if depth == 1 {
					if value := bytes.TrimSpace(text[start:i]); len(value) > 0 && !yield(name, value) {
						return
					}
					start = i + 1
				}
				if c != ',' {
					depth--
				}
			}
		}
	}
}

// memberName is a member's name.
type memberName []byte

// nameIn reads a name where it stands, or a copy of it if it is not written as it reads.
func nameIn(text json.RawMessage) memberName {
	text = bytes.TrimSpace(text)
	if bytes.IndexByte(text, '\\') < 0 {
		return memberName(text[1 : len(text)-1])
	}
	var name string
	_ = json.Unmarshal(text, &name)
	return memberName(name)
}

// is compares names as encoding/json does.
func (n memberName) is(name string) bool { return strings.EqualFold(string(n), name) }

// text reads a string. One that is null or not there is empty.
func text(value json.RawMessage) (_ string, ok bool) {
	switch {
	case !isSet(value):
		return "", true
	case value[0] != '"':
		return "", false
	case bytes.IndexByte(value, '\\') < 0 && utf8.Valid(value):
		return string(value[1 : len(value)-1]), true
	}
	var read string
	ok = json.Unmarshal(value, &read) == nil
	return read, ok
}

// number reads a whole number.
func number(value json.RawMessage) (n int, ok bool) {
	n, err := strconv.Atoi(string(value))
	return n, err == nil
}

func isSet(value json.RawMessage) bool { return len(value) > 0 && string(value) != "null" }
