package wrapper

import (
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
	shortest       = 4
	shortestOfBare = 7
)

// secrets are the credentials that a request was signed with, in the ways in which they may come back.
type secrets struct {
	authorization, cookies string   // what they are made from
	forms                  []string // as others write them
	skeletons              []string // of these, for what is put between the parts of one, and other spellings
}

// secretsIn returns the credentials of a request. They are the same for many requests, so that they are made once.
func (x *exchange) secretsIn(signed http.Header) *secrets {
	authorization, cookies := signed.Get("Authorization"), strings.Join(signed["Cookie"], ";")
	known := x.secrets.Load()
	if known == nil || known.authorization != authorization || known.cookies != cookies {
		known = newSecrets(authorization, cookies)
		x.secrets.Store(known)
	}
	return known
}

// markup writes a text as pages do.
var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

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
		forms := []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), (&url.URL{Path: secret}).EscapedPath(), markup.Replace(secret),
			base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)),
		}
		s.forms = append(s.forms, forms...)
		for _, form := range forms {
			if bare := skeleton(form); len(bare) >= shortestOfBare {
				s.skeletons = append(s.skeletons, bare)
			}
		}
	}
	slices.SortFunc(s.forms, func(a, b string) int { return len(b) - len(a) }) // a part of one would leave the rest
	s.forms, s.skeletons = slices.Compact(s.forms), slices.Compact(s.skeletons)
	return s
}

// skeleton is what stays of a text however it is quoted, broken and spelt: its letters and digits.
func skeleton(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, text)
}

// hide takes the credentials out of a text; all of it, if it has one in pieces.
func (s *secrets) hide(text string) string {
	if text == "" {
		return text
	}
	for _, form := range s.forms {
		text = strings.ReplaceAll(text, form, hidden)
	}
	bare := skeleton(text)
	for _, secret := range s.skeletons {
		if strings.Contains(bare, secret) {
			return hidden
		}
	}
	return text
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
	body := s.hide(s.withoutStart(string(e.Body)))
	if plain := unescaped(body); s.hide(plain) != plain {
		body = hidden // it is there, but written as JSON may write it
	}
	if body != string(e.Body) {
		e.Body = []byte(body)
	}
	if e.cause != nil && s.hide(e.cause.Error()) != e.cause.Error() {
		e.offline = e.offline || e.unreached()       // which the cause's type has told
		e.cause = errors.New(s.hide(plain(e.cause))) // net/http quotes what it cannot read
	}
}

// unescaped is a JSON text as its strings read.
func unescaped(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
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
