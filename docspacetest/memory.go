package docspacetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// HTTPClient returns a client that calls the portal in memory, whatever host it is sent to.
//
// The first call closes the portal's socket for good and waits until its goroutines are gone: one that waits in Accept
// would keep the clock of a testing/synctest bubble from moving.
func (p *Portal) HTTPClient() *http.Client {
	p.stopSocket()
	return &http.Client{Transport: memory{p}}
}

// memory is the way into the portal without a socket. It serves in the caller's goroutine.
type memory struct{ portal *Portal }

func (m memory) RoundTrip(req *http.Request) (*http.Response, error) {
	body := []byte{}
	if req.Body != nil {
		sent, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		body = sent
	}
	ctx := req.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case <-m.portal.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	default:
	}

	// A server sees neither scheme nor host in the URL, and a round tripper must not change the request.
	r := req.WithContext(ctx)
	r.URL = &url.URL{Path: req.URL.Path, RawPath: req.URL.RawPath, RawQuery: req.URL.RawQuery}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.RemoteAddr = "127.0.0.1:0"
	a := m.portal.serve(r)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case a == nil:
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	case req.Method == http.MethodHead:
		a.body.Reset()
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode: a.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        a.header,
		Body:          io.NopCloser(&a.body),
		ContentLength: int64(a.body.Len()),
		Request:       req,
	}, nil
}

// answer collects what the handlers write: an answer can still be thrown away after the request was processed.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer(status int) *answer { return &answer{header: http.Header{}, status: status} }

func (a *answer) Header() http.Header            { return a.header }
func (a *answer) WriteHeader(status int)         { a.status = status }
func (a *answer) Write(data []byte) (int, error) { return a.body.Write(data) }
