package wrapper

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const (
	maxBody  = 1 << 20  // how much of an answer is read
	maxWords = 64 << 10 // how long one is at most that is looked through for a portal's words on a failure
	keptBody = 4 << 10  // how much of it, and of these, an Error keeps
)

// answer is the body of a success: read, looked at, and still readable for the raw client.
type answer struct {
	bytes.Reader
	raw      []byte
	response json.RawMessage // what stands under response; empty where nothing does
	secrets  *secrets        // of the request
	attempts int
}

// Close does nothing: the connection has been given back already.
func (*answer) Close() error { return nil }

// envelope is what all JSON answers have around their content, and what failures have in its place. Nothing in it is
// read before it is needed, so that one odd part hides no other.
type envelope struct {
	response, error, status, statusCode json.RawMessage
}

// envelopeIn reads a JSON text that is valid.
func envelopeIn(body []byte) (e envelope) {
	for name, value := range members(body) {
		switch {
		case name.is("response"):
			e.response = value
		case name.is("error"):
			e.error = value
		case name.is("status"):
			e.status = value
		case name.is("statusCode"):
			e.statusCode = value
		}
	}
	return e
}

// read looks at the body of a success. Portals answer 200 with no body, or without response, where nothing is queued;
// and what stands before them, or the wrong address, answers 200 with anything.
func read(resp *http.Response, body []byte) (*answer, *Error) {
	content := &answer{raw: body}
	content.Reset(body)
	text := bytes.TrimSpace(bytes.TrimPrefix(body, utf8BOM))
	if len(text) == 0 {
		return content, nil
	}
	if !json.Valid(text) {
		switch text[0] {
		case '<':
			return nil, unexpected(resp, body, errHTML)
		case '{', '[':
			return nil, unexpected(resp, body, errCutJSON)
		}
		return nil, unexpected(resp, body, errNoJSON)
	}
	wrapper := envelopeIn(text)
	status, _ := number(wrapper.status)
	reported, _ := number(wrapper.statusCode)
	if wrapper.response == nil && wrapper.error == nil && reported == 0 {
		return nil, unexpected(resp, body, errOtherKind) // such as some other service's page on its own health
	}
	if isSet(wrapper.error) || status == 1 || reported >= 400 {
		failure := portalError(resp, body)
		failure.cause = errReported
		if reported >= 400 {
			failure.reported = reported
		}
		return nil, failure
	}
	if isSet(wrapper.response) {
		content.response = wrapper.response
	}
	return content, nil
}

// portalError reads what a portal says about a failure. The status stands whatever the body is.
func portalError(resp *http.Response, body []byte) *Error {
	e := unexpected(resp, body, nil)
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		e.cause = errRedirect
		return e
	}
	e.Message, e.Type, e.Fields = saidIn(bytes.TrimPrefix(body, utf8BOM))
	if e.Message == "" && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		line, _, _ := strings.Cut(strings.TrimSpace(string(e.Body)), "\n")
		e.Message = strings.TrimSpace(line)
	}
	return e
}

var utf8BOM = []byte("\xef\xbb\xbf")

// saidIn finds a portal's words in the body of a failure: in an error envelope, in a validation problem or a plain text
// inside the wrapper of a success, or in either of these without a wrapper.
func saidIn(body []byte) (message, kind string, fields map[string][]string) {
	if len(body) > maxWords || !json.Valid(body) {
		return "", "", nil
	}
	wrapper, content := envelopeIn(body), json.RawMessage(body)
	if isSet(wrapper.response) {
		content = wrapper.response
	}
	if isSet(wrapper.error) {
		if message, ok := text(wrapper.error); ok {
			return message, "", nil
		}
		for name, value := range members(wrapper.error) {
			switch {
			case name.is("message"):
				message, _ = text(value)
			case name.is("type"):
				kind, _ = text(value)
			}
		}
		return message, kind, nil
	}
	if message, ok := text(content); ok {
		return message, "", nil
	}
	var problem struct {
		Title  string
		Errors map[string][]string
	}
	_ = json.Unmarshal(content, &problem)
	return problem.Title, "", problem.Errors
}

// unexpected is the error for an answer whose status is known, and whose body is kept.
func unexpected(resp *http.Response, body []byte, cause error) *Error {
	e := &Error{
		StatusCode: resp.StatusCode, RetryAfter: retryAfter(resp.Header), Attempts: 1,
		Body: bytes.Clone(body[:min(len(body), keptBody)]), cause: cause,
	}
	if target, err := resp.Location(); err == nil && resp.StatusCode/100 == 3 {
		e.location = "to " + address(target)
	} else if resp.Request != nil && resp.Request.Response != nil {
		e.location = "after a redirect to " + address(resp.Request.URL)
	}
	return e
}

// address is a URL as far as it may be shown: queries and user names may hold secrets.
func address(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
