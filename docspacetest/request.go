package docspacetest

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest/internal/portal"
)

// Request is one request that arrived.
type Request struct {
	Time   time.Time // when it arrived
	Method string
	Path   string
	Query  url.Values // as sent
	Header http.Header
	Body   []byte
	// OperationID is the contract's name of the operation, empty if the path or method is none of the contract's.
	OperationID string
	// Status is what was answered, zero if nothing was, or not yet.
	Status int
}

// Requests returns what has arrived so far, in order. All requests are kept until the portal itself is garbage.
func (p *Portal) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	requests := make([]Request, len(p.requests))
	for i, r := range p.requests {
		requests[i] = *r
	}
	return requests
}

// operation is what the portal has to know of an operation before the generated handlers take over.
type operation struct {
	id    string
	write bool     // counts as a write, and needs that scope
	admin bool     // only for the owner and DocSpaceAdmins
	ids   []string // the uuids that the JSON body has to have; none if there is no body
}

// operations are the contract's, by the patterns of the generated handler.
var operations = map[string]operation{
	"GET /api/2.0/people/reassign/necessary":         {id: "necessaryReassign", admin: true},
	"POST /api/2.0/people/reassign/start":            {id: "startReassign", write: true, admin: true, ids: []string{"fromUserId", "toUserId"}},
	"GET /api/2.0/people/reassign/progress/{userid}": {id: "getReassignProgress", admin: true},
	"PUT /api/2.0/people/reassign/terminate":         {id: "terminateReassign", write: true, admin: true, ids: []string{"userId"}},
	"POST /api/2.0/people/remove/start":              {id: "startRemove", write: true, admin: true, ids: []string{"userId"}},
	"GET /api/2.0/people/remove/progress/{userid}":   {id: "getRemoveProgress", admin: true},
	"PUT /api/2.0/people/remove/terminate":           {id: "terminateRemove", write: true, admin: true, ids: []string{"userId"}},
	"POST /api/2.0/people/delete/personal/start":     {id: "startDeletePersonalFolder", write: true},
	"GET /api/2.0/people/delete/personal/progress":   {id: "getDeletePersonalFolderProgress"},
	"PUT /api/2.0/people/self/delete":                {id: "sendInstructionsToDelete", write: true},
}

// call is one request on its way through the portal.
type call struct {
	op        operation
	caller    *User // nil if nobody is signed in
	scopes    []string
	badCookie bool
	fault     Fault
	record    *Request
	url       string // for the links of the answer
	now       time.Time
}

type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// serve answers one request, or returns nil if its connection is to be torn down. The way of a request: noted down,
// signed in, limited, troubled by a fault, checked, and handed to the generated handlers. The lock is held at the first
// three and the last two, never while a fault waits.
func (p *Portal) serve(r *http.Request) (a *answer) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	seen(r, body, nil)
	c, leave, rejected := p.arrive(r, body)
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		leave()
		if a != nil {
			c.record.Status = a.status
		}
	}()

	f, ctx := c.fault, r.Context()
	switch {
	case rejected != nil:
		seen(r, body, rejected)
		return rejected
	case !p.pause(ctx, f.Delay):
		return nil
	}
	if f.Lost {
		seen(r, body, p.process(c, r, body))
	}
	switch {
	case f.Hang:
		p.hang(ctx)
		return nil
	case f.Status != 0:
		return f.answer()
	case f.Reset, f.Lost:
		return nil
	}
	a = p.process(c, r, body)
	seen(r, body, a)
	return a
}

func (p *Portal) arrive(r *http.Request, body []byte) (c *call, leave func(), rejected *answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.advance()
	c = &call{url: p.URL + r.URL.EscapedPath(), record: &Request{
		Time: now, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone(), Body: body,
	}}
	p.requests = append(p.requests, c.record)
	// The mux would redirect a path that is not clean; a portal does not know it.
	if _, pattern := p.mux.Handler(r); path.Clean(r.URL.Path) == r.URL.Path {
		c.op = operations[pattern]
		c.record.OperationID = c.op.id
	}
	if c.op.id == "" {
		return c, func() {}, newAnswer(http.StatusNotFound)
	}
	c.caller, c.scopes, c.badCookie = p.signIn(r)
	if leave, rejected = p.admit(c, r, now); rejected != nil {
		return c, func() {}, rejected
	}
	c.fault = p.takeFault(c.op.id)
	return c, leave, nil
}

// process is what the portal itself does with a request, as one step.
func (p *Portal) process(c *call, r *http.Request, body []byte) *answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.now = p.advance()
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
	r.Body = io.NopCloser(bytes.NewReader(body))
	a := newAnswer(http.StatusOK)
	if err := c.check(r, body); err != nil {
		writeError(a, r, err)
		return a
	}
	query := url.Values{}
	for name, values := range r.URL.Query() {
		for _, known := range []string{"UserId", "Type"} { // the generated handler is particular about the case
			if strings.EqualFold(name, known) {
				name = known
			}
		}
		for _, value := range values {
			if value != "" { // as good as not there
				query.Add(name, value)
			}
		}
	}
	address := *r.URL
	address.RawQuery = query.Encode()
	r.URL = &address
	p.mux.ServeHTTP(a, r)
	return a
}

// check is what a portal looks at before its handlers see a request.
func (c *call) check(r *http.Request, body []byte) error {
	scope := "read"
	if c.op.write {
		scope = "write"
	}
	switch {
	case c.caller == nil:
		return errUnauthorized
	case c.scopes != nil && !slices.Contains(c.scopes, scope):
		return errAccessDenied
	case c.op.ids == nil:
		return nil
	case len(body) == 0:
		return bind(body, c.op.ids)
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return failure{http.StatusUnsupportedMediaType, "Unsupported Media Type", "System.NotSupportedException", -2146233067}
	}
	return bind(body, c.op.ids)
}

// demandAdmin refuses who may not deal with other people's data. It runs when a request's values have been read.
func demandAdmin(next portal.StrictHandlerFunc, _ string) portal.StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		if c := callOf(ctx); c.op.admin && c.caller.Type != api.EmployeeTypeDocSpaceAdmin {
			return nil, errAccessDenied
		}
		return next(ctx, w, r, request)
	}
}
