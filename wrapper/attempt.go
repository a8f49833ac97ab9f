package wrapper

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

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
