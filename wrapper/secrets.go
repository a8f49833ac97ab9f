package wrapper

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// hidden stands where a portal, or whoever answers in its place, has repeated a credential.
const hidden = "[hidden]"

// How long a credential is at least, and its skeleton. What is shorter could be part of any word.
const (
	shortest         = 4
	shortestSkeleton = 7
)

// secrets are the credentials that a request was signed with.
type secrets struct {
	authorization, cookies string   // what they are taken from
	forms                  []string // as others write them, the longest first
	skeletons              [][]byte // what stays of them in any spelling
	short                  []string // the forms of those of which too little stays
}

// secretsIn returns the credentials of a request. They are the same for many requests, so that they are made once.
func (x *exchange) secretsIn(signed http.Header) *secrets {
	authorization, cookies := strings.Join(signed["Authorization"], " "), strings.Join(signed["Cookie"], ";")
	known := x.secrets.Load()
	if known == nil || known.authorization != authorization || known.cookies != cookies {
		known = newSecrets(authorization, cookies)
		x.secrets.Store(known)
	}
	return known
}

func newSecrets(authorization, cookies string) *secrets {
	s := &secrets{authorization: authorization, cookies: cookies}
	kind, token, ok := strings.Cut(authorization, " ")
	if !ok {
		token = kind
	}
	found := []string{token}
	if kind == "Basic" {
		account, _ := base64.StdEncoding.DecodeString(token)
		_, password, _ := strings.Cut(string(account), ":")
		found = append(found, password)
	}
	for pair := range strings.SplitSeq(cookies, ";") {
		_, value, _ := strings.Cut(pair, "=")
		found = append(found, strings.Trim(value, `"`))
	}
	for _, secret := range found {
		if len(secret) < shortest {
			continue
		}
		coded := base64.StdEncoding.EncodeToString([]byte(secret))
		forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), (&url.URL{Path: secret}).EscapedPath(), coded}
		s.forms = append(s.forms, forms...)
		if len(skeleton(nil, secret)) < shortestSkeleton {
			s.short = append(s.short, forms...)
		}
		decimal := ""
		for _, r := range secret {
			decimal += strconv.Itoa(int(r))
		}
		for _, form := range []string{secret, withoutEscapes(secret), coded, hex.EncodeToString([]byte(secret)), decimal} {
			if bare := skeleton(nil, form); len(bare) >= shortestSkeleton {
				s.skeletons = append(s.skeletons, bare)
			}
		}
	}
	slices.SortFunc(s.forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	s.forms = slices.Compact(s.forms)
	return s
}

// hide takes the credentials out of a text, of which it keeps 4 KiB at most; all of the text goes where one is there in
// another spelling.
func (s *secrets) hide(text string) string {
	if text == "" {
		return text
	}
	if len(text) > keptBody {
		text = s.withoutStart(strings.Clone(text[:keptBody]))
	}
	if !s.found(text) {
		return text
	}
	for _, form := range s.forms {
		text = strings.ReplaceAll(text, form, hidden)
	}
	if s.found(text) {
		return hidden
	}
	return text
}

// found tells whether a text has a credential in it, in any spelling.
func (s *secrets) found(text string) bool {
	bare := skeleton(make([]byte, 0, 128), text)
	if plain := withoutEscapes(text); plain != text {
		bare = skeleton(append(bare, ' '), plain)
	}
	for _, secret := range s.skeletons {
		if bytes.Contains(bare, secret) {
			return true
		}
	}
	return slices.ContainsFunc(s.short, func(form string) bool { return strings.Contains(text, form) })
}

// withoutStart takes off the start of a credential at the end of a text that may have been cut there.
func (s *secrets) withoutStart(text string) string {
	for _, form := range s.forms {
		for n := len(form) - 1; n >= shortest; n-- {
			text = strings.TrimSuffix(text, form[:n])
		}
	}
	return text
}

// skeleton appends what stays of a text however it is encoded, quoted, broken and capitalised: its letters and digits.
func skeleton(bare []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'A' && c <= 'Z':
			bare = append(bare, c-'A'+'a')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			bare = append(bare, c)
		}
	}
	return bare
}

// withoutEscapes is a text without what stands for a character in URLs, HTML, JSON and Go: %2B, &lt;, &#43;, \u002B, \x2b, \n.
// Letters and digits are hardly ever written so.
func withoutEscapes(text string) string {
	if !strings.ContainsAny(text, `%&\`) {
		return text
	}
	var bare strings.Builder
	for text != "" {
		length := 1
		switch text[0] {
		case '%':
			length += hexDigits(text[1:], 2)
		case '&':
			length += max(0, strings.IndexByte(text[:min(len(text), 10)], ';'))
		case '\\':
			length = len(text) - len(strings.TrimLeft(text, `\`)) // one escape may be inside another
			switch rest := text[length:]; {
			case rest == "":
			case rest[0] == 'u':
				length += 1 + hexDigits(rest[1:], 4)
			case rest[0] == 'x':
				length += 1 + hexDigits(rest[1:], 2)
			case strings.IndexByte("bfnrt", rest[0]) >= 0:
				length++
			}
		default:
			bare.WriteByte(text[0])
		}
		text = text[length:]
	}
	return bare.String()
}

// hexDigits is n if a text begins with as many of them, and otherwise 0.
func hexDigits(text string, n int) int {
	if len(text) < n || strings.Trim(text[:n], "0123456789abcdefABCDEF") != "" {
		return 0
	}
	return n
}

// hide takes the credentials out of all that the error shows.
func (e *Error) hide(s *secrets) {
	e.Message, e.Type, e.location = s.hide(s.withoutStart(e.Message)), s.hide(e.Type), s.hide(e.location)
	for field, texts := range maps.Clone(e.Fields) {
		delete(e.Fields, field)
		for i, text := range texts {
			texts[i] = s.hide(text)
		}
		e.Fields[s.hide(field)] = texts
	}
	if body := s.hide(s.withoutStart(string(e.Body))); body != string(e.Body) {
		e.Body = []byte(body)
	}
	if e.cause != nil && s.hide(e.cause.Error()) != e.cause.Error() {
		e.offline = e.offline || e.unreached()       // which the cause's type has told
		e.cause = errors.New(s.hide(plain(e.cause))) // net/http quotes what it cannot read
	}
}
