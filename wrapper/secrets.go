package wrapper

import (
	"encoding/base64"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// hidden stands where a portal, or whoever answers in its place, has repeated a credential.
const hidden = "[hidden]"

// shortest is how long a credential is at least. What is shorter could be part of any word.
const shortest = 4

// secrets are the credentials that a request was signed with, in the forms in which they may come back.
func secrets(signed http.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		kind, token, ok := strings.Cut(signed.Get("Authorization"), " ")
		if !ok {
			token = kind
		}
		found := []string{token}
		if kind == "Basic" {
			account, _ := base64.StdEncoding.DecodeString(token)
			_, password, _ := strings.Cut(string(account), ":")
			found = append(found, password)
		}
		for _, line := range signed["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				_, value, _ := strings.Cut(pair, "=")
				found = append(found, strings.Trim(value, `"`))
			}
		}
		for _, secret := range found {
			before := ""
			for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), (&url.URL{Path: secret}).EscapedPath()} {
				if len(secret) >= shortest && form != before && !yield(form) {
					return
				}
				before = form
			}
		}
	}
}

// hide takes a request's credentials out of a text.
func hide(text string, signed http.Header) string {
	if text == "" {
		return text
	}
	bare := printed(text)
	for secret := range secrets(signed) {
		if strings.Contains(text, secret) {
			text = strings.ReplaceAll(text, secret, hidden)
			bare = printed(text)
		}
		if strings.Contains(bare, secret) {
			text = strings.ReplaceAll(bare, secret, hidden)
			bare = text
		}
	}
	return text
}

// printed is a text without what no error shows, and what could stand between the parts of a credential until then.
func printed(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

// hide takes a request's credentials out of all that the error shows.
func (e *Error) hide(signed http.Header) {
	e.Message, e.Type, e.location = hide(e.Message, signed), hide(e.Type, signed), hide(e.location, signed)
	for field, texts := range maps.Clone(e.Fields) {
		delete(e.Fields, field)
		for i, text := range texts {
			texts[i] = hide(text, signed)
		}
		e.Fields[hide(field, signed)] = texts
	}
	body := withoutStart(string(e.Body), signed)
	if clean := hide(body, signed); clean != string(e.Body) {
		e.Body = []byte(clean)
	} else if plain := unescaped(body); strings.Contains(body, `\`) && hide(plain, signed) != plain {
		e.Body = []byte(hidden) // it is there, but written in another way
	}
	if e.cause != nil && hide(e.cause.Error(), signed) != e.cause.Error() {
		e.offline = e.offline || e.unreached()             // which the cause's type has told
		e.cause = errors.New(hide(plain(e.cause), signed)) // net/http quotes what it cannot read
	}
}

// withoutStart takes off the start of a credential that the cut at the end of a kept body has left.
func withoutStart(body string, signed http.Header) string {
	if len(body) < keptBody {
		return body
	}
	for secret := range secrets(signed) {
		for n := len(secret) - 1; n >= shortest; n-- {
			body = strings.TrimSuffix(body, secret[:n])
		}
	}
	return body
}

// unescaped is a JSON text as its strings read.
func unescaped(text string) string {
	var read strings.Builder
	for {
		before, rest, found := strings.Cut(text, `\`)
		read.WriteString(before)
		if !found || rest == "" {
			return read.String()
		}
		if code, err := strconv.ParseUint(rest[1:min(5, len(rest))], 16, 16); err == nil && rest[0] == 'u' {
			read.WriteRune(rune(code))
			text = rest[min(5, len(rest)):]
		} else {
			read.WriteByte(rest[0])
			text = rest[1:]
		}
	}
}
