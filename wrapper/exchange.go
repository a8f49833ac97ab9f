package wrapper

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
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
	if !sameOrigin(req.URL, x.base) {
		return nil, &Error{Operation: op.id, User: userIn(req.URL.Path), cause: errElsewhere}
	}
	if x.exposed && (req.Header["Authorization"] != nil || req.Header["Cookie"] != nil) {
		return nil, &Error{Operation: op.id, User: userIn(req.URL.Path), cause: errExposed}
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
				before = &Error{Operation: op.id, User: userIn(req.URL.Path)}
			}
			before.ended = err
			return nil, before
		}
		if failure == nil {
			return resp, nil
		}
		failure.Operation, failure.User, failure.Attempts = op.id, userIn(req.URL.Path), attempt
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

// userIn is the id that a path ends in, if it does.
func userIn(path string) uuid.UUID {
	id, err := uuid.Parse(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return uuid.Nil
	}
	return id
}
