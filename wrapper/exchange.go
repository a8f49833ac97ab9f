package wrapper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

const (
	maxBody  = 1 << 20 // how much of an answer is read
	keptBody = 4 << 10 // how much of it an Error keeps
)

// exchange is the one way of a request out and of its answer back, for the wrapper's methods and the raw client alike:
// a place in flight, then attempts with delays in between, each of them a request whose status and body are looked at
// once. It returns a response whose body is an *answer, or an *Error.
type exchange struct {
	client   *http.Client
	origin   string // of the base URL; nothing is sent anywhere else
	basePath string // of the base URL, without a slash at its end
	product  string
	timeout  time.Duration
	retry    RetryPolicy
	gate     gate
	pause    pause
	looks    turnstile
	log      *slog.Logger
}

// Do sends the request. It implements api.HttpRequestDoer.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	op := x.operation(req)
	failure := &Error{Operation: op.id, User: userIn(req.URL.Path)}
	if origin(req.URL) != x.origin {
		failure.cause = errElsewhere
		return nil, failure
	}
	req.Header.Set("Accept", "application/json")
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", x.product)
	}
	replayable := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	delays := x.retry.delays()
	tokenRenewed := false
	for attempt := 1; ; attempt++ {
		leave, err := x.enter(ctx, req.Method)
		if err != nil {
			failure.ended = err
			return nil, failure
		}
		began := time.Now()
		resp, problem := x.attempt(req, attempt)
		leave()
		x.report(ctx, req.Method, op.id, attempt, time.Since(began), problem)
		if problem == nil {
			return resp, nil
		}
		problem.Operation, problem.User, problem.Attempts = op.id, failure.User, attempt
		problem.unsure = failure.unsure || attempt > 1 && !failure.refused()
		failure = problem
		if failure.StatusCode == http.StatusUnauthorized && !tokenRenewed && replayable && ctx.Err() == nil {
			if tokenRenewed, err = renewed(req); tokenRenewed {
				continue
			}
			if err != nil {
				failure.cause = err
			}
		}

		delay := failure.RetryAfter
		if delay == 0 {
			delay = delays.NextBackOff()
		}
		if failure.StatusCode == http.StatusTooManyRequests && delay <= x.retry.MaxDelay {
			x.pause.extend(delay)
		}
		if attempt >= x.retry.MaxAttempts || delay > x.retry.MaxDelay || !replayable || !op.effect.retryable(failure) {
			return nil, failure
		}
		if err := sleep(ctx, delay); err != nil {
			failure.ended = err
			return nil, failure
		}
	}
}

func (x *exchange) operation(req *http.Request) operation {
	return operationOf(req.Method, strings.TrimPrefix(req.URL.Path, x.basePath))
}

// enter waits until the portal may be asked: while there are too many requests in flight, and while it has asked for a
// pause.
func (x *exchange) enter(ctx context.Context, method string) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if leave, err = x.gate.enter(ctx, method); err != nil {
		return nil, err
	}
	if err := x.pause.wait(ctx); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// attempt sends the request once, within the time limit of one attempt, its answer's body included.
func (x *exchange) attempt(req *http.Request, number int) (_ *http.Response, failure *Error) {
	ctx, cancel := context.WithTimeout(req.Context(), x.timeout)
	defer cancel()
	way := &connection{}
	out := req.Clone(way.watch(ctx, req.Method))
	if number > 1 && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, &Error{cause: err}
		}
		out.Body = body
	}
	resp, err := x.client.Do(out)
	defer func() {
		if failure != nil {
			failure.hide(out.Header)
		}
	}()
	if err != nil && resp == nil {
		return nil, &Error{cause: ended(req.Context(), err), offline: way.wanted.Load() && !way.got.Load()}
	}
	if err != nil { // the caller's own redirect policy; the body is closed
		failure := portalError(resp, nil)
		failure.cause = err
		return nil, failure
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, unexpected(resp, nil, nil) // its body is the connection, which nothing would end
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	success := resp.StatusCode >= 200 && resp.StatusCode < 300
	switch {
	case !success:
		failure := portalError(resp, body)
		if err != nil {
			failure.ended = req.Context().Err()
		}
		return nil, failure
	case err != nil:
		failure := unexpected(resp, body, ended(req.Context(), err))
		failure.cut = true
		return nil, failure
	case len(body) > maxBody:
		return nil, unexpected(resp, body, errTooLarge)
	}
	content, failure := read(resp, body)
	if failure != nil {
		return nil, failure
	}
	content.attempts, content.signed = number, out.Header
	resp.Body = content
	return resp, nil
}

// connection tells whether a request that may change something got as far as to have one.
// net/http may tell from any goroutine.
type connection struct{ wanted, got atomic.Bool }

func (c *connection) watch(ctx context.Context, method string) context.Context {
	if method == http.MethodGet {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.got.Store(true) },
	})
}

// ended puts the end of the caller's context in place of what net/http made of it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// report logs an attempt, by allow-list: nothing that a user or a portal has written gets into a log.
func (x *exchange) report(ctx context.Context, method, operation string, attempt int, took time.Duration, failure *Error) {
	level, status := slog.LevelDebug, http.StatusOK
	if failure != nil {
		level, status = slog.LevelWarn, failure.StatusCode
	}
	x.log.LogAttrs(ctx, level, "docspace request",
		slog.String("method", method), slog.String("operation", operation), slog.Int("status", status),
		slog.Int("attempt", attempt), slog.Duration("duration", took))
}

// answer is the body of a success: read, looked at, and still readable for the raw client.
type answer struct {
	bytes.Reader
	raw      []byte
	response json.RawMessage // what stands under response; empty where nothing does
	signed   http.Header     // of the request
	attempts int
}

// Close does nothing: the connection has been given back already.
func (*answer) Close() error { return nil }

// envelope is what all JSON answers have around their content, and what failures have in its place. Nothing in it is
// read before it is needed, so that one odd part hides no other.
type envelope struct {
	Response, Error, Status, StatusCode json.RawMessage
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
	var (
		wrapper envelope
		syntax  *json.SyntaxError
	)
	err := json.Unmarshal(text, &wrapper)
	switch {
	case text[0] == '<':
		return nil, unexpected(resp, body, errHTML)
	case errors.As(err, &syntax) && text[0] != '{' && text[0] != '[':
		return nil, unexpected(resp, body, errNoJSON)
	case errors.As(err, &syntax):
		return nil, unexpected(resp, body, errCutJSON)
	case err != nil, wrapper.Response == nil && wrapper.Error == nil && number(wrapper.StatusCode) == 0:
		return nil, unexpected(resp, body, errOtherKind) // such as some other service's page on its own health
	}
	reported := number(wrapper.StatusCode)
	if isSet(wrapper.Error) || number(wrapper.Status) == 1 || reported >= 400 {
		failure := portalError(resp, body)
		failure.cause = errReported
		if reported >= 400 {
			failure.reported = reported
		}
		return nil, failure
	}
	if isSet(wrapper.Response) {
		content.response = wrapper.Response
	}
	return content, nil
}

func isSet(value json.RawMessage) bool { return len(value) > 0 && string(value) != "null" }

func number(value json.RawMessage) (n int) {
	if json.Unmarshal(value, &n) != nil {
		return 0
	}
	return n
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
		e.Message, _, _ = strings.Cut(strings.TrimSpace(string(body)), "\n")
	}
	return e
}

var utf8BOM = []byte("\xef\xbb\xbf")

// saidIn finds a portal's words in the body of a failure: in an error envelope, in a validation problem or a plain text
// inside the wrapper of a success, or in either of these without a wrapper.
func saidIn(body []byte) (message, kind string, fields map[string][]string) {
	var (
		wrapper envelope
		details struct{ Message, Type string }
		problem struct {
			Title  string
			Errors map[string][]string
		}
	)
	content := body
	if json.Unmarshal(body, &wrapper) == nil && isSet(wrapper.Response) {
		content = wrapper.Response
	}
	switch {
	case isSet(wrapper.Error) && json.Unmarshal(wrapper.Error, &details) == nil:
	case isSet(wrapper.Error):
		_ = json.Unmarshal(wrapper.Error, &details.Message)
	case json.Unmarshal(content, &details.Message) == nil:
	case json.Unmarshal(content, &problem) == nil:
		details.Message = problem.Title
	}
	return details.Message, details.Type, problem.Errors
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

// userIn is the id that a path ends in, if it does.
func userIn(path string) uuid.UUID {
	id, err := uuid.Parse(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return uuid.Nil
	}
	return id
}

// origin is what a credential is bound to: scheme, host and port.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
