package wrapper

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
)

const (
	maxBody  = 1 << 20  // how much of an answer is read
	maxWords = 64 << 10 // how long one is at most that is looked through for a portal's words on a failure
	keptBody = 4 << 10  // how much of it, and of these, an Error keeps
)

// exchange is the one way of a request out and of its answer back, for the wrapper's methods and the raw client alike:
// a place in flight, then attempts with delays in between, each of them a request whose status and body are looked at
// once. It returns a response whose body is an *answer, or an *Error.
type exchange struct {
	client  *http.Client
	base    *url.URL // without a slash at its end; nothing is sent to another origin
	accept  []string // what every request has in its header
	product []string
	timeout time.Duration
	retry   RetryPolicy
	gate    gate
	pause   pause
	looks   turnstile
	limit   atomic.Pointer[RateLimit] // as the portal said last
	secrets atomic.Pointer[secrets]   // of the last request
	exposed bool                      // whether others on the way can read what is sent
	log     *slog.Logger
}

// Do sends the request. It implements api.HttpRequestDoer.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	op := x.operation(req)
	user := userIn(req.URL.Path)
	if !sameOrigin(req.URL, x.base) {
		return nil, &Error{Operation: op.id, User: user, cause: errElsewhere}
	}
	if x.exposed && (req.Header["Authorization"] != nil || req.Header["Cookie"] != nil) {
		return nil, &Error{Operation: op.id, User: user, cause: errExposed}
	}
	req.Header["Accept"] = x.accept
	if req.Header["User-Agent"] == nil {
		req.Header["User-Agent"] = x.product
	}
	replayable := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	var (
		before       *Error // why the attempt before this one failed
		delays       *backoff.ExponentialBackOff
		tokenRenewed bool
	)
	for attempt := 1; ; attempt++ {
		resp, failure, err := x.inTurn(ctx, req, Call{op.id, attempt})
		if err != nil {
			if before == nil {
				before = &Error{Operation: op.id, User: user}
			}
			before.ended = err
			return nil, before
		}
		if failure == nil {
			return resp, nil
		}
		failure.Operation, failure.User, failure.Attempts = op.id, user, attempt
		failure.unsure = before != nil && (before.unsure || !before.refused())
		before = failure
		if failure.StatusCode == http.StatusUnauthorized && !tokenRenewed && replayable && ctx.Err() == nil {
			req = req.Clone(ctx) // net/http may still be reading the header of the one that was answered
			if tokenRenewed, err = renewed(req); tokenRenewed {
				continue
			}
			if err != nil {
				failure.cause = err
				failure.hide(x.secretsIn(req.Header))
			}
		}

		if delays == nil {
			delays = x.retry.delays()
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
	return operationOf(req.Method, strings.TrimPrefix(req.URL.Path, x.base.Path))
}

// inTurn makes an attempt once the portal may be asked: not while there are too many requests in flight, nor while it
// has asked for a pause. The error is the context's, and nothing was sent then.
func (x *exchange) inTurn(ctx context.Context, req *http.Request, call Call) (_ *http.Response, failure *Error, _ error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	places := x.gate.places(req.Method)
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if err := x.pause.wait(ctx); err != nil {
		return nil, nil, err
	}
	began := time.Now()
	resp, failure := x.attempt(req, call)
	x.report(ctx, req.Method, call, time.Since(began), resp, failure)
	return resp, failure, nil
}

// attempt sends the request once, within the time limit of one attempt, its answer's body included.
func (x *exchange) attempt(req *http.Request, call Call) (_ *http.Response, failure *Error) {
	limited, cancel := context.WithTimeout(req.Context(), x.timeout)
	defer cancel()
	way := &attempt{Context: limited, call: call}
	out, err := way.request(req, x.client.Jar != nil)
	if err != nil {
		return nil, &Error{cause: err}
	}
	resp, err := x.client.Do(out)
	known := x.secretsIn(out.Header)
	defer func() {
		if failure != nil {
			failure.hide(known)
		}
	}()
	if resp != nil {
		x.note(resp.Header)
	}
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
	content.attempts, content.secrets = call.Attempt, known
	resp.Body = content
	return resp, nil
}

// Call is what a request knows of the call that it belongs to.
type Call struct {
	Operation string // operationId in the contract; the method of a request that is none of them
	Attempt   int    // 1 for the first time that the request is sent
}

// CallOf returns the call to which a request with the context belongs. It is for the transport of [WithHTTPClient], to
// name what it measures or records; false means that the request is not one of a [Client].
func CallOf(ctx context.Context) (Call, bool) {
	call, ok := ctx.Value(callKey{}).(*Call)
	if !ok {
		return Call{}, false
	}
	return *call, true
}

type callKey struct{}

// attempt is the context of one attempt. It tells what call it belongs to, and whether a request that may change something
// got as far as to have a connection. net/http may tell that from any goroutine.
type attempt struct {
	context.Context
	call        Call
	wanted, got atomic.Bool
}

// Value implements context.Context.
func (a *attempt) Value(key any) any {
	if key == (callKey{}) {
		return &a.call
	}
	return a.Context.Value(key)
}

// request is the request to send at this attempt. Cookies of a jar are put into its header, so that it needs its own.
func (a *attempt) request(req *http.Request, jar bool) (*http.Request, error) {
	ctx := context.Context(a)
	if req.Method != http.MethodGet {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GetConn: func(string) { a.wanted.Store(true) },
			GotConn: func(httptrace.GotConnInfo) { a.got.Store(true) },
		})
	}
	out := req.WithContext(ctx)
	if jar {
		out.Header = req.Header.Clone()
	}
	if a.call.Attempt > 1 && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	return out, nil
}

// ended puts the end of the caller's context in place of what net/http made of it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// report logs an attempt, by allow-list: nothing that a user or a portal has written gets into a log.
func (x *exchange) report(ctx context.Context, method string, call Call, took time.Duration, resp *http.Response, failure *Error) {
	level, status := slog.LevelWarn, 0
	if failure != nil {
		status = failure.StatusCode
	} else {
		level, status = slog.LevelDebug, resp.StatusCode
	}
	x.log.LogAttrs(ctx, level, "docspace request",
		slog.String("method", method), slog.String("operation", call.Operation), slog.Int("status", status),
		slog.Int("attempt", call.Attempt), slog.Duration("duration", took))
}

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

// userIn is the id that a path ends in, if it does.
func userIn(path string) uuid.UUID {
	id, err := uuid.Parse(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return uuid.Nil
	}
	return id
}

// sameOrigin tells whether a credential for one address may go to the other.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Host == b.Host || originOf(a) == originOf(b)
}

// origin is what a credential is bound to.
type origin struct{ scheme, host, port string }

func originOf(u *url.URL) origin {
	o := origin{u.Scheme, strings.ToLower(u.Hostname()), u.Port()}
	switch {
	case o.port != "":
	case u.Scheme == "http":
		o.port = "80"
	case u.Scheme == "https":
		o.port = "443"
	}
	return o
}
