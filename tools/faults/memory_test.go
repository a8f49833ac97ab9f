package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/wrapper"
)

const portal = "https://portal.test"

// reply answers a request, or does not. Good is what a portal would say.
type reply func(req *http.Request, good string) (*http.Response, error)

// memoryFault is one that needs no socket.
type memoryFault struct {
	name   string
	facts  facts
	first  reply
	second reply // from the second time on, if it is another one
	auth   func() api.RequestEditorFn
	raw    func(*api.Client) // what is done to the raw client before it is called
	once   bool              // whether the row is there once more with a portal that recovers
	alone  bool              // whether it makes no difference when in the life of a job it comes
}

// memory is a portal without a socket.
type memory struct {
	fault  memoryFault
	script *script
	open   atomic.Int32
}

func (m *memory) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	m.script.note(req, req.URL.Scheme+"://"+strings.TrimSuffix(strings.ToLower(req.URL.Host), ":443"))
	resp, err := m.answer(req)
	if resp != nil {
		resp.Request = req
		if resp.Body != nil {
			m.open.Add(1)
			resp.Body = &counted{resp.Body, &m.open, atomic.Bool{}}
		}
	}
	return resp, err
}

func (m *memory) answer(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/moved") || !strings.HasSuffix(strings.ToLower(req.URL.Hostname()), "portal.test") {
		good := m.script.op.good
		if m.script.stage != direct {
			good = done
		}
		return says(200, "")(req, good)
	}
	good, nth, due := m.script.next(req.Method)
	switch {
	case !due:
		return says(200, good)(req, good)
	case nth > 1 && m.fault.second != nil:
		return m.fault.second(req, good)
	}
	return m.fault.first(req, good)
}

// counted is a body that tells when it is closed.
type counted struct {
	io.ReadCloser
	open *atomic.Int32
	done atomic.Bool
}

func (c *counted) Close() error {
	if !c.done.Swap(true) {
		c.open.Add(-1)
	}
	return c.ReadCloser.Close()
}

// says is an answer with the body, in which GOOD stands for what a portal would say, as an empty one does.
func says(status int, body string, header ...string) reply {
	return func(req *http.Request, good string) (*http.Response, error) {
		if body == "" {
			return exactly(status, good, header...)(req, good)
		}
		return exactly(status, strings.ReplaceAll(body, "GOOD", good), header...)(req, good)
	}
}

// exactly is an answer with that body and no other.
func exactly(status int, body string, header ...string) reply {
	return func(*http.Request, string) (*http.Response, error) {
		resp := &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
		resp.Header.Set("Content-Type", "application/json; charset=utf-8")
		for i := 0; i+1 < len(header); i += 2 {
			resp.Header.Add(header[i], header[i+1])
		}
		return resp, nil
	}
}

// echoes is an answer that repeats the request's credential where ECHO stands, in the body or in a header.
func echoes(status int, body string, header ...string) reply {
	return func(req *http.Request, good string) (*http.Response, error) {
		secret := signedWith(req)
		fill := strings.NewReplacer("ECHO", secret, "QUERY", url.QueryEscape(secret), "PATH", url.PathEscape(secret), "UNICODE", unicodeEscaped(secret)).Replace
		filled := make([]string, len(header))
		for i, text := range header {
			filled[i] = fill(text)
		}
		return exactly(status, fill(strings.ReplaceAll(body, "GOOD", good)), filled...)(req, good)
	}
}

func unicodeEscaped(text string) (escaped string) {
	for _, r := range text {
		escaped += fmt.Sprintf(`\u%04x`, r)
	}
	return escaped
}

// noTLS is a connection that does not come to be. As net/http does, it tells of one that is wanted, and of none that is had.
func noTLS(err error) reply {
	return func(req *http.Request, _ string) (*http.Response, error) {
		if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GetConn != nil {
			trace.GetConn("portal.test:443")
		}
		return nil, err
	}
}

// fails is no answer.
func fails(err error) reply {
	return func(*http.Request, string) (*http.Response, error) { return nil, err }
}

// hangs until the request's time is up.
func hangs(req *http.Request, _ string) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// breaks is an answer whose body ends in the error, or never where there is none.
func breaks(status int, err error, header ...string) reply {
	return func(req *http.Request, good string) (*http.Response, error) {
		resp, _ := exactly(status, good[:len(good)/2], header...)(req, good)
		resp.ContentLength = int64(len(good))
		resp.Body = io.NopCloser(io.MultiReader(resp.Body, readerFunc(func([]byte) (int, error) {
			if err == nil {
				<-req.Context().Done()
				return 0, req.Context().Err()
			}
			return 0, err
		})))
		return resp, nil
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func netError(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }

func memoryFaults() (all []memoryFault) {
	add := func(name string, f facts, first reply) {
		all = append(all, memoryFault{name: name, facts: f, first: first, once: f.passes()})
	}
	for _, one := range []struct {
		name  string
		facts facts
		err   error
	}{
		{"connect: refused", facts{never: true}, netError("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))},
		{"connect: timeout", facts{never: true}, netError("dial", os.NewSyscallError("connect", syscall.ETIMEDOUT))},
		{"connect: unreachable", facts{never: true}, netError("dial", os.NewSyscallError("connect", syscall.ENETUNREACH))},
		{"resolve: no such host", facts{never: true}, netError("dial", &net.DNSError{Err: "no such host", Name: "portal.test", IsNotFound: true})},
		{"resolve: timeout", facts{never: true}, netError("dial", &net.DNSError{Err: "i/o timeout", Name: "portal.test", IsTimeout: true})},
		{"TLS: unknown authority", facts{never: true, lasting: true}, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}},
		{"TLS: no TLS", facts{never: true, lasting: true}, tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}},
		{"TLS: plain HTTP", facts{never: true, lasting: true}, http.ErrSchemeMismatch},
		{"waiting: reset", facts{}, netError("read", os.NewSyscallError("read", syscall.ECONNRESET))},
		{"waiting: broken pipe", facts{}, netError("write", os.NewSyscallError("write", syscall.EPIPE))},
		{"waiting: timeout", facts{}, netError("read", os.NewSyscallError("read", syscall.ETIMEDOUT))},
		{"waiting: closed", facts{}, io.EOF},
		{"waiting: cut", facts{}, io.ErrUnexpectedEOF},
		{"waiting: deadline of somebody else", facts{}, context.DeadlineExceeded},
		{"waiting: cancelled by somebody else", facts{lasting: true}, context.Canceled},
		{"waiting: an error of many lines with a stack", facts{}, errors.New("it broke\r\n   at ASC.Secret() in STACKTRACE.cs\ngoroutine 7 [running]:\n\x1b[31mred")},
		{"waiting: an error of 64 KiB", facts{}, errors.New(strings.Repeat("x", 64<<10))},
	} {
		if strings.HasPrefix(one.name, "TLS") {
			add(one.name, one.facts, noTLS(one.err))
			continue
		}
		add(one.name, one.facts, fails(one.err))
	}
	add("waiting: black hole", facts{hang: true}, hangs)
	for _, status := range []int{200, 201, 299} {
		add(fmt.Sprintf("response body: %d, reset", status), facts{status: status, cut: true}, breaks(status, netError("read", syscall.ECONNRESET)))
		add(fmt.Sprintf("response body: %d, cut", status), facts{status: status, cut: true}, breaks(status, io.ErrUnexpectedEOF))
		add(fmt.Sprintf("response body: %d, black hole", status), facts{status: status, cut: true, hang: true}, breaks(status, nil))
	}
	for _, status := range []int{400, 403, 404, 408, 429, 500, 503} {
		add(fmt.Sprintf("response body: %d, reset", status), facts{status: status}, breaks(status, netError("read", syscall.ECONNRESET)))
		add(fmt.Sprintf("response body: %d, black hole", status), facts{status: status, hang: true}, breaks(status, nil))
	}
	add("response body: 503 and Retry-After, reset", facts{status: 503, wait: 7 * time.Second}, breaks(503, io.ErrUnexpectedEOF, "Retry-After", "7"))
	all = append(all, statusFaults()...)
	all = append(all, bodyFaults()...)
	all = append(all, waitFaults()...)
	all = append(all, redirectFaults()...)
	all = append(all, echoFaults()...)
	all = append(all, contextFaults()...)
	return append(all, signingFaults()...)
}

// everyone finds the usual answer in it.
const everyone = "bpPts"

func statusFaults() (all []memoryFault) {
	for _, status := range []int{200, 201, 202, 203, 206, 207, 226, 299} {
		all = append(all, memoryFault{name: fmt.Sprintf("status: %d with the usual answer", status), facts: facts{status: status, fits: everyone}, first: says(status, "")})
	}
	for _, status := range []int{200, 202, 204, 205} {
		all = append(all, memoryFault{name: fmt.Sprintf("status: %d without a body", status), facts: facts{status: status, empty: true}, first: exactly(status, "")})
	}
	const stack = `"stack":"   at ASC.People.Api.Secret() in STACKTRACE.cs:line 7\r\n   at lambda_method(Closure )","hresult":-2146233078`
	shapes := []struct{ name, body, contentType string }{
		{"no body", "", ""},
		{"an error envelope", `{"error":{"message":"It went wrong\r\n   at ASC.Secret() in STACKTRACE.cs","type":"System.Exception",` + stack + `},"status":1,"statusCode":500}`, ""},
		{"an envelope of nulls", `{"error":{"message":null,"type":null,"stack":null},"status":null,"statusCode":null}`, ""},
		{"a validation problem", `{"response":{"title":"One or more validation errors occurred.","status":400,"errors":{"$.toUserId":["It is no Guid\r\n   at STACKTRACE()"]}},"status":1,"statusCode":400}`, "application/problem+json"},
		{"a plain string", `{"response":"Access is restricted","count":1,"status":1,"statusCode":403}`, ""},
		{"HTML", "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>STACKTRACE</body></html>", "text/html"},
		{"plain text", "upstream connect error\r\n   at ASC.Secret() in STACKTRACE.cs", "text/plain"},
		{"other JSON", `[{"status":"DOWN"},17,null]`, ""},
		{"truncated JSON", `{"error":{"message":"It went wro`, ""},
		{"a success's answer", "GOOD", ""},
	}
	for _, status := range []int{
		400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 413, 414, 415, 416, 417, 418, 421, 422, 423, 425, 426, 428, 429, 431, 440, 444, 451, 494, 499,
		500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 522, 525, 530, 599, 600, 999, 100, 101, 103,
	} {
		for _, shape := range shapes {
			if status < 200 && shape.name != "no body" {
				continue // they have none
			}
			first := exactly(status, shape.body, "Content-Type", shape.contentType)
			if shape.body == "GOOD" {
				first = says(status, "")
			}
			f := facts{status: status}
			all = append(all, memoryFault{name: fmt.Sprintf("status: %d with %s", status, shape.name), facts: f, first: first,
				once: f.passes() && shape.name == "HTML", alone: shape.name != "HTML" && shape.name != "a success's answer"})
		}
	}
	// Whatever comes of the second attempt, the first one may have been taken.
	lost := fails(io.ErrUnexpectedEOF)
	for _, status := range []int{400, 401, 403, 404, 429, 503} {
		f := facts{then: &facts{status: status}}
		second := exactly(status, "")
		if status == 503 {
			f.then.wait, second = time.Second, exactly(status, "", "Retry-After", "1")
		}
		all = append(all, memoryFault{name: fmt.Sprintf("waiting: a lost answer, then %d", status), facts: f, first: lost, second: second})
	}
	all = append(all, memoryFault{name: "status: 429, then a lost answer", facts: facts{status: 429, then: &facts{}}, first: exactly(429, ""), second: lost})
	all = append(all, memoryFault{name: "connect: refused, then a lost answer", facts: facts{never: true, then: &facts{}}, first: fails(netError("dial", syscall.ECONNREFUSED)), second: lost})
	return all
}

func bodyFaults() (all []memoryFault) {
	progress := func(inner string) string {
		return `{"response":{` + inner + `},"count":1,"links":[],"status":0,"statusCode":200}`
	}
	response := func(value string) string {
		return `{"response":` + value + `,"count":1,"links":[],"status":0,"statusCode":200}`
	}
	lists := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	look := func(value string) facts { return facts{fits: "pPt", value: value} }
	nobody, stopping := facts{}, facts{fits: "t"} // only a terminate does not need what is in it
	for _, one := range []struct {
		name, body string
		facts      facts
	}{
		{"white space", " \r\n\t ", facts{empty: true}},
		{"nothing queued", nothing, facts{empty: true}},
		{"response null", response("null"), facts{empty: true}},
		{"nulls everywhere", progress(`"id":null,"error":null,"percentage":null,"isCompleted":null,"status":null`), stopping},
		{"null around nothing", `{"response":null,"count":null,"links":null,"status":null,"statusCode":null,"error":null}`, facts{empty: true}},
		{"HTML", "<!DOCTYPE html><html><body>Sign in</body></html>", nobody},
		{"HTML after a BOM", "\xef\xbb\xbf<html></html>", nobody},
		{"a BOM", "\xef\xbb\xbfGOOD", facts{fits: everyone}},
		{"unknown fields", `{"version":"9","x":{"y":[1,2,{}]},` + "GOODREST", facts{fits: everyone}},
		{"trailing garbage", "GOOD garbage", nobody},
		{"trailing NUL bytes", "GOOD\x00\x00", nobody},
		{"two documents", "GOODGOOD", nobody},
		{"truncated JSON", `{"response":{"id":"1_x_It`, nobody},
		{"a truncated number", `{"response":tr`, nobody},
		{"JSONP", "callback(GOOD)", nobody},
		{"a prefix against inclusion", ")]}',\nGOOD", nobody},
		{"single quotes", `{'response':true}`, nobody},
		{"UTF-16", "{\x00\"\x00r\x00", nobody},
		{"bytes at random", "\x8f\x1b\x00\xff\xfe\x07\x9c", nobody},
		{"a list", "[GOOD]", nobody},
		{"true", "true", nobody},
		{"null", "null", nobody},
		{"a text", `"all is well"`, nobody},
		{"a number", "1e999999", nobody},
		{"an empty object", "{}", nobody},
		{"a health page", `{"status":"UP"}`, nobody},
		{"100,000 brackets", strings.Repeat("[", 100_000), nobody},
		{"100,000 objects", strings.Repeat(`{"response":`, 80_000), nobody},
		{"100,000 nested lists as the response", response(lists(100_000)), nobody},
		{"9,000 nested lists as the response", response(lists(9_000)), stopping},
		{"9,000 nested lists beside it", `{"x":` + lists(9_000) + `,GOODREST`, facts{fits: everyone}},
		{"1 MiB", "GOOD" + strings.Repeat(" ", 1<<20-200), facts{fits: everyone}},
		{"more than 1 MiB", "GOOD" + strings.Repeat(" ", 1<<20), nobody},
		{"16 MiB", strings.Repeat("x", 16<<20), nobody},
		{"1 MiB of keys", "{" + strings.Repeat(`"k":1,`, 150_000) + "GOODREST", facts{fits: everyone}},
		{"response is an empty object", response("{}"), stopping},
		{"response is an empty list", response("[]"), stopping},
		{"response is a list of one", response("[true]"), stopping},
		{"response is a number", response("1"), stopping},
		{"response is the text true", response(`"true"`), facts{fits: "ts", value: "?"}},
		{"response is true", response("true"), facts{fits: "bt", value: "?"}},
		{"response is false", response("false"), facts{fits: "bt", value: "?"}},
		{"numbers of the wrapper as strings", `{"count":"1","status":"0","statusCode":"200",` + "GOODREST", facts{fits: everyone}},
		{"percentage as a string", progress(`"percentage":"30","isCompleted":false,"status":1`), stopping},
		{"isCompleted as a string", progress(`"percentage":30,"isCompleted":"false","status":1`), stopping},
		{"isCompleted as a number", progress(`"percentage":30,"isCompleted":0,"status":1`), stopping},
		{"status as a string", progress(`"percentage":30,"isCompleted":false,"status":"1"`), look("30%, running")},
		{"status twice", progress(`"percentage":30,"isCompleted":false,"status":4,"status":1`), look("30%, running")},
		{"everything twice", progress(`"percentage":30,"percentage":30,"isCompleted":false,"isCompleted":false,"status":1,"status":1`), look("30%, running")},
		{"status 7", progress(`"percentage":30,"isCompleted":false,"status":7`), look("30%, status 7")},
		{"status -1", progress(`"percentage":30,"isCompleted":false,"status":-1`), look("?")},
		{"status 2^40", progress(`"percentage":30,"isCompleted":false,"status":1099511627776`), look("30%, unknown")},
		{"status 1e400", progress(`"percentage":30,"isCompleted":false,"status":1e400`), stopping},
		{"status 1.5", progress(`"percentage":30,"isCompleted":false,"status":1.5`), stopping},
		{"status true", progress(`"percentage":30,"isCompleted":false,"status":true`), stopping},
		{"status an object", progress(`"percentage":30,"isCompleted":false,"status":{}`), stopping},
		{"status Paused", progress(`"percentage":30,"isCompleted":false,"status":"Paused"`), look("30%, Paused")},
		{"status with a line break", progress(`"percentage":30,"isCompleted":false,"status":"Pau\r\nsed\u001b[31m"`), look("?")},
		{"status of 100 KiB", progress(`"percentage":30,"isCompleted":false,"status":"` + strings.Repeat("S", 100<<10) + `"`), look("?")},
		{"percentage 250", progress(`"percentage":250,"isCompleted":false,"status":1`), look("?")},
		{"percentage -5", progress(`"percentage":-5,"isCompleted":false,"status":1`), look("?")},
		{"percentage 30.5", progress(`"percentage":30.5,"isCompleted":false,"status":1`), stopping},
		{"percentage 1e400", progress(`"percentage":1e400,"isCompleted":false,"status":1`), stopping},
		{"percentage of 30 digits", progress(`"percentage":` + strings.Repeat("9", 30) + `,"isCompleted":false,"status":1`), stopping},
		{"error is a number", progress(`"error":5,"percentage":30,"isCompleted":false,"status":1`), stopping},
		{"error is an object", progress(`"error":{"message":"x"},"percentage":30,"isCompleted":false,"status":1`), stopping},
		{"id is a number", progress(`"id":17,"percentage":30,"isCompleted":false,"status":1`), stopping},
		{"invalid UTF-8", progress(`"id":"1_x_Item","error":"` + "\xff\xfe\xc3\x28" + `","percentage":30,"isCompleted":false,"status":1`), look("30%, running")},
		{"the job has failed", progress(`"error":"The room\r\n   at ASC.Secret() in STACKTRACE.cs","percentage":50,"isCompleted":true,"status":4`),
			facts{fits: "pPt", value: "50%, failed", outcome: wrapper.ErrTaskFailed}},
		{"the job has failed, but is completed", progress(`"error":"The room","percentage":50,"isCompleted":true,"status":2`),
			facts{fits: "pPt", value: "50%, completed", outcome: wrapper.ErrTaskFailed}},
		{"the job was canceled", progress(`"percentage":50,"isCompleted":true,"status":3`), facts{fits: "pPt", value: "50%, canceled", outcome: wrapper.ErrTaskCanceled}},
		{"an error inside, 401", `{"error":{"message":"No","type":null,"stack":"   at STACKTRACE()"},"status":1,"statusCode":401}`, facts{inside: 401}},
		{"an error inside, 403", `{"error":{"message":"No"},"status":1,"statusCode":403}`, facts{inside: 403}},
		{"an error inside, 404 in a text", `{"error":"No\nsuch user","status":1,"statusCode":404}`, facts{inside: 404}},
		{"an error inside, 429", `{"error":{"message":"Slow"},"status":1,"statusCode":429}`, facts{inside: 429}},
		{"an error inside, 500", `{"error":{"message":"It\r\n   at STACKTRACE()"},"status":1,"statusCode":500}`, facts{inside: 500}},
		{"an error inside without a status", `{"error":{"message":"No"},"status":1}`, nobody},
		{"status 1 beside an answer", `{"response":true,"status":1,"statusCode":200}`, nobody},
		{"statusCode 500 beside an answer", `{"response":true,"status":0,"statusCode":500}`, facts{inside: 500}},
		{"an error in the wrong place", `{"response":{"error":{"message":"x"}},"status":0,"statusCode":200}`, stopping},
	} {
		f := one.facts
		f.status = 200
		first := exactly(200, one.body)
		if strings.Contains(one.body, "GOOD") {
			body := one.body
			first = func(req *http.Request, good string) (*http.Response, error) {
				return exactly(200, strings.NewReplacer("GOODREST", good[1:], "GOOD", good).Replace(body))(req, good)
			}
		}
		all = append(all, memoryFault{name: "response body: " + one.name, facts: f, first: first,
			alone: one.name == "percentage 250" || one.name == "percentage -5"}) // next to others, it is another job's
	}
	for _, contentType := range []string{"text/html", "text/plain", "application/octet-stream", "image/png", "application/json; charset=utf-16", "nonsense; ;=", ""} {
		all = append(all, memoryFault{name: fmt.Sprintf("response headers: JSON as %q", contentType), facts: facts{status: 200, fits: everyone},
			first: func(req *http.Request, good string) (*http.Response, error) {
				resp, _ := exactly(200, good)(req, good)
				resp.Header.Set("Content-Type", contentType)
				return resp, nil
			}})
	}
	return all
}

func waitFaults() (all []memoryFault) {
	add := func(status int, name string, value func() string, wait time.Duration) {
		f := facts{status: status, wait: wait}
		all = append(all, memoryFault{name: fmt.Sprintf("response headers: %d, Retry-After %s", status, name), facts: f, once: f.passes(),
			first: func(req *http.Request, good string) (*http.Response, error) {
				return exactly(status, "", "Retry-After", value())(req, good)
			}})
	}
	far := 100 * 365 * 24 * time.Hour
	for _, status := range []int{429, 503, 500, 504, 408} {
		for text, wait := range map[string]time.Duration{
			"0": 0, "1": time.Second, "59": 59 * time.Second, "60": time.Minute, "61": 61 * time.Second, "86400": 24 * time.Hour, "-1": 0,
			"-99999999999999999999": 0, "99999999999999999999": far, "9223372036": far, "9223372037": far, "1.5": 0, "soon": 0, "NaN": 0, "5, 10": 0, "0x10": 0, "1e3": 0,
			"Fri, 32 Foo 2000 25:61:61 GMT": 0, "Thu, 01 Jan 1970 00:00:00 GMT": 0, "Fri, 31 Dec 9999 23:59:59 GMT": far, strings.Repeat("9", 5000): far,
		} {
			add(status, fmt.Sprintf("%.30s", text), func() string { return text }, wait)
		}
		in := func(d time.Duration, layout string) func() string {
			return func() string { return time.Now().UTC().Add(d).Format(layout) }
		}
		add(status, "a date in 30 s", in(30*time.Second, http.TimeFormat), 30*time.Second)
		add(status, "a date in 2 h", in(2*time.Hour, http.TimeFormat), 2*time.Hour)
		add(status, "a date 1 h ago", in(-time.Hour, http.TimeFormat), 0)
		add(status, "a date in 30 s, RFC 850", in(30*time.Second, "Monday, 02-Jan-06 15:04:05 GMT"), 30*time.Second)
		add(status, "a date in 30 s, asctime", in(30*time.Second, time.ANSIC), 30*time.Second)
	}
	return all
}

func redirectFaults() (all []memoryFault) {
	answered := &facts{status: 200, fits: everyone}
	add := func(status int, name, location string, get *facts) {
		if get == answered && (status == 300 || status >= 304 && status <= 306) {
			get = nil // nobody follows these
		}
		all = append(all, memoryFault{name: fmt.Sprintf("redirect: %d %s", status, name), facts: facts{status: status, get: get},
			first: func(req *http.Request, good string) (*http.Response, error) {
				resp, _ := exactly(status, "<html>Moved</html>")(req, good)
				if location != "" {
					resp.Header.Set("Location", strings.ReplaceAll(location, "SELF", req.URL.String()))
				}
				return resp, nil
			}})
	}
	for status := 300; status <= 308; status++ {
		loop := &facts{status: status, seen: 10}
		if status == 300 || status >= 304 && status <= 306 {
			loop = nil
		}
		add(status, "to the same origin", "/moved", answered)
		add(status, "to another origin", "https://evil.test/moved", nil)
		add(status, "in a circle", "SELF", loop)
		add(status, "without Location", "", nil)
		add(status, "to nonsense", "http://[::1", nil)
		add(status, "to %zz", "/%zz", nil)
	}
	for _, status := range []int{302, 307} {
		add(status, "to the same origin with its port", "https://portal.test:443/moved", answered)
		add(status, "to the same origin in capitals", "HTTPS://PORTAL.TEST/moved", answered)
		add(status, "to another port", "https://portal.test:8443/moved", nil)
		add(status, "to plain HTTP", "http://portal.test/moved", nil)
		add(status, "to a subdomain", "https://login.portal.test/moved", nil)
		add(status, "without a scheme", "//evil.test/moved", nil)
		add(status, "to another host after an @", "https://portal.test@evil.test/moved", nil)
		add(status, "to a host with a dot", "https://portal.test./moved", nil)
		add(status, "to a file", "file:///etc/passwd", nil)
		add(status, "to a script", "javascript:alert(1)", nil)
		add(status, "to a mail address", "mailto:a@evil.test", nil)
		add(status, "to no host", "https:///moved", nil)
		add(status, "to control characters", "https://evil.test/\r\nX: y\x1b[31m", nil)
		add(status, "to 100 KiB", "https://evil.test/"+strings.Repeat("a", 100<<10), nil)
	}
	return all
}

// echoFaults are a portal, or somebody in its place, that repeats the credential.
func echoFaults() (all []memoryFault) {
	add := func(name string, f facts, first reply) {
		all = append(all, memoryFault{name: "echo: " + name, facts: f, first: first})
	}
	const envelope = `{"error":{"message":"%s","type":"%s","stack":"   at %s("},"status":1,"statusCode":403}`
	fill := func(format, with string) string { return strings.ReplaceAll(format, "%s", with) }
	for _, form := range []string{"ECHO", "QUERY", "PATH", "UNICODE"} {
		add("in an error envelope, "+strings.ToLower(form), facts{status: 403}, echoes(403, fill(envelope, form)))
		add("in an error inside a success, "+strings.ToLower(form), facts{status: 200, inside: 403}, echoes(200, fill(envelope, form)))
		add("in a validation problem, "+strings.ToLower(form), facts{status: 400},
			echoes(400, fill(`{"response":{"title":"%s","errors":{"%s":["%s"]}},"status":1,"statusCode":400}`, form)))
		add("in a plain string, "+strings.ToLower(form), facts{status: 403}, echoes(403, fill(`{"response":"%s","status":1,"statusCode":403}`, form)))
		add("in progress, "+strings.ToLower(form), facts{status: 200, fits: "pPt", value: "?", outcome: wrapper.ErrTaskFailed},
			echoes(200, fill(`{"response":{"id":"1_x_Item","error":"%s","percentage":30,"isCompleted":true,"status":"%s"},"status":0,"statusCode":200}`, form)))
		add("in the name of a job, "+strings.ToLower(form), facts{status: 200, fits: "pPt", value: "?"},
			echoes(200, fill(`{"response":{"id":"%s","percentage":30,"isCompleted":false,"status":1},"status":0,"statusCode":200}`, form)))
		all[len(all)-1].alone = true // next to others, it is another job's
		add("in a text, "+strings.ToLower(form), facts{status: 200, fits: "ts", value: "?"}, echoes(200, fill(`{"response":"%s","status":0,"statusCode":200}`, form)))
		add("in HTML, "+strings.ToLower(form), facts{status: 200}, echoes(200, fill("<html>%s</html>", form), "Content-Type", "text/html"))
		add("in HTML with 500, "+strings.ToLower(form), facts{status: 500}, echoes(500, fill("<html>%s</html>", form), "Content-Type", "text/html"))
	}
	add("in plain text", facts{status: 500}, func(req *http.Request, good string) (*http.Response, error) {
		resp, err := echoes(500, "ECHO\nand ECHO")(req, good)
		resp.Header.Set("Content-Type", "text/plain")
		return resp, err
	})
	add("in JSON of another kind", facts{status: 200}, echoes(200, `{"headers":{"Authorization":"ECHO"}}`))
	add("in cut JSON", facts{status: 200}, echoes(200, `{"response":{"id":"ECHO`))
	add("in headers", facts{status: 401}, echoes(401, "", "Retry-After", "ECHO", "Content-Type", "ECHO", "WWW-Authenticate", "Basic realm=\"ECHO\"", "X-Echo", "ECHO", "Set-Cookie", "a=ECHO"))
	for name, location := range map[string]string{
		"path": "https://evil.test/PATH/x", "query": "https://evil.test/?q=QUERY", "fragment": "https://evil.test/#PATH", "user": "https://PATH:QUERY@evil.test/",
		"host": "https://PATH.evil.test/", "path of nonsense": "https://evil.test/%zz?ECHO", "host of nonsense": "http://[PATH", "control characters": "\x01ECHO",
	} {
		add("in a redirect's "+name, facts{status: 302}, echoes(302, "", "Location", location))
	}
	add("in a redirect's path on the same origin, to a page", facts{status: 302, get: &facts{status: 404}}, func(req *http.Request, good string) (*http.Response, error) {
		if strings.HasPrefix(req.URL.Path, "/echo") {
			return exactly(404, "")(req, good)
		}
		return echoes(302, "", "Location", "/echo/PATH")(req, good)
	})
	all[len(all)-1].facts.get.seen = 2
	// A credential that is cut in the middle is shown in part.
	for _, at := range []int{280, 290, 295} {
		add(fmt.Sprintf("across %d characters of a message", at), facts{status: 403}, echoes(403, `{"error":{"message":"`+strings.Repeat("m", at)+`ECHO"},"status":1,"statusCode":403}`))
	}
	for _, at := range []int{4060, 4070, 4080} {
		add(fmt.Sprintf("across %d bytes of a body", at), facts{status: 500}, echoes(500, strings.Repeat("b", at)+"ECHO", "Content-Type", "text/html"))
	}
	for at := 1<<20 - 30; at <= 1<<20; at += 15 {
		add(fmt.Sprintf("across %d bytes of a body", at), facts{status: 500}, echoes(500, strings.Repeat("b", at)+"ECHO"))
	}
	add("in an error of the transport", facts{}, func(req *http.Request, _ string) (*http.Response, error) {
		return nil, fmt.Errorf("malformed HTTP response %q", signedWith(req))
	})
	add("in an error of the body", facts{status: 200, cut: true}, func(req *http.Request, good string) (*http.Response, error) {
		return breaks(200, errors.New("invalid byte in chunk: "+signedWith(req)))(req, good)
	})
	add("in an error of connecting", facts{never: true}, func(req *http.Request, _ string) (*http.Response, error) {
		return nil, netError("dial", errors.New("proxy said "+signedWith(req)))
	})
	return all
}

// contextFaults are callers who give up.
func contextFaults() (all []memoryFault) {
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		for _, one := range []struct {
			name  string
			facts facts
			first reply
		}{
			{"before it is sent", facts{unsent: true, stop: -1}, says(200, "")},
			{"while no answer comes", facts{hang: true, stop: 10 * time.Second}, hangs},
			{"in the middle of a body", facts{status: 200, cut: true, hang: true, stop: 10 * time.Second}, breaks(200, nil)},
			{"in the middle of a 500's body", facts{status: 500, hang: true, stop: 10 * time.Second}, breaks(500, nil)},
			{"in a pause after 429", facts{status: 429, wait: 30 * time.Second, stop: 10 * time.Second}, exactly(429, "", "Retry-After", "30")},
			{"in a pause after 503", facts{status: 503, wait: 30 * time.Second, stop: 10 * time.Second}, exactly(503, "", "Retry-After", "30")},
			{"in a pause after 500", facts{status: 500, wait: 30 * time.Second, stop: 10 * time.Second}, exactly(500, "", "Retry-After", "30")},
		} {
			f := one.facts
			f.stopped = end
			all = append(all, memoryFault{name: fmt.Sprintf("context: %s %s", allCauses[end], one.name), facts: f, first: one.first})
		}
	}
	return all
}

// tokens is a source of one token after the other.
type tokens struct {
	asked  int
	all    []string
	failed error
}

func (s *tokens) Token() (*oauth2.Token, error) {
	s.asked++
	if s.asked > len(s.all) {
		return nil, s.failed
	}
	return &oauth2.Token{AccessToken: s.all[s.asked-1]}, nil
}

const firstToken, secondToken = "Oa2wSe4dRf-CANARY-oauth2-Tg6yHu8j", "Nw5bGt6yHn-CANARY-second-Mj7uKi8l"

// signingFaults are credentials that are refused, or cannot be had.
func signingFaults() (all []memoryFault) {
	secondOnly := func(req *http.Request, good string) (*http.Response, error) {
		if req.Header.Get("Authorization") != "Bearer "+secondToken {
			return exactly(401, "")(req, good)
		}
		return says(200, "")(req, good)
	}
	for name, with := range map[string]func(oauth2.TokenSource) api.RequestEditorFn{"OAuth2": wrapper.OAuth2, "OpenId": wrapper.OpenID} {
		source := func(failed error, all ...string) func() api.RequestEditorFn {
			return func() api.RequestEditorFn { return with(&tokens{all: all, failed: failed}) }
		}
		gone := errors.New("the source\r\n   at STACKTRACE()\r\nis dry")
		for _, one := range []struct {
			name  string
			facts facts
			first reply
			auth  func() api.RequestEditorFn
		}{
			{"fails", facts{unsent: true, stopped: gone}, says(200, ""), source(gone)},
			{"has no token", facts{unsent: true}, says(200, ""), source(nil)},
			{"has an empty token", facts{unsent: true}, says(200, ""), source(nil, "")},
			{"has a token of two lines", facts{unsent: true}, says(200, ""), source(nil, "a\r\nX-Evil: b")},
			{"has the same token after 401", facts{status: 401}, secondOnly, source(nil, firstToken, firstToken, secondToken)},
			{"has another token after 401", facts{status: 401, renews: true, then: &facts{status: 200, fits: everyone}}, secondOnly, source(nil, firstToken, secondToken)},
			{"has another token after 401, refused as well", facts{status: 401, renews: true, then: &facts{status: 401}}, exactly(401, ""), source(nil, firstToken, secondToken, "third", "fourth")},
			{"fails after 401", facts{status: 401}, secondOnly, source(gone, firstToken)},
			{"has an empty token after 401", facts{status: 401}, secondOnly, source(nil, firstToken, "")},
		} {
			all = append(all, memoryFault{name: "signing: the " + name + " source " + one.name, facts: one.facts, first: one.first, auth: one.auth})
		}
	}
	for name, server := range map[string]string{
		"to another host": "https://evil.test/", "to another port": "https://portal.test:8443/", "to plain HTTP": "http://portal.test/", "to a host after an @": "https://portal.test@evil.test/",
		"to a host with a dot": "https://portal.test./",
	} {
		all = append(all, memoryFault{name: "signing: the raw client is turned " + name, facts: facts{unsent: true}, first: says(200, ""),
			raw: func(c *api.Client) { c.Server = server }})
	}
	return all
}

// inMemory runs the faults that need no socket, each in virtual time.
func inMemory(t *testing.T) {
	for _, fault := range memoryFaults() {
		for _, stage := range []string{direct, nextLook, startSeen, startGone} {
			f := fault.facts
			if stage != direct && (fault.alone || fault.raw != nil || fault.auth != nil || f.then != nil || f.unsent) ||
				f.stop != 0 && stage != direct && stage != nextLook {
				continue
			}
			runRow(t, stage, fault)
		}
		if fault.once {
			fault.facts.then = &facts{status: 200, fits: everyone}
			fault.name += ", then it recovers"
			fault.second = says(200, "")
			runRow(t, direct, fault)
		}
	}
}

func runRow(t *testing.T, stage string, fault memoryFault) {
	for _, op := range operations {
		c := newCell(stage, fault.name, op, fault.facts)
		if c == nil {
			continue
		}
		c.virtual = true
		if fault.auth != nil {
			c.credential = credential{"OAuth2", fault.auth, []string{firstToken, secondToken}}
		}
		t.Run(c.row+"/"+op.id, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { c.judge(c.run(fault)) })
			c.report(t)
		})
	}
}

// run makes the call of a cell in memory.
func (c *cell) run(fault memoryFault) outcome {
	c.script.origin = portal
	m := &memory{fault: fault, script: c.script}
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour) // nothing may take that long
	defer cancel()
	if end := max(c.facts.stop, 0); c.facts.stop != 0 && c.facts.stopped == context.Canceled {
		stopping, stop := context.WithCancel(ctx)
		defer time.AfterFunc(end, stop).Stop()
		ctx = stopping
		if end == 0 {
			stop()
		}
	} else if c.facts.stop != 0 {
		stopping, stop := context.WithTimeout(ctx, end)
		defer stop()
		ctx = stopping
	}
	if fault.raw != nil {
		raw := c.op
		c.op.call = func(ctx context.Context, client *wrapper.Client) (any, error) {
			below := client.API()
			fault.raw(below)
			resp, err := raw.raw(ctx, below)
			if err != nil {
				return nil, err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			return string(body), err
		}
		c.op.value = ""
	}
	o := c.call(ctx, portal, wrapper.WithHTTPClient(&http.Client{Transport: m}))
	o.open = int(m.open.Load())
	o.hung = o.took >= 24*time.Hour
	return o
}
