package docspacetest

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest/internal/portal"
)

// Portal is a DocSpace portal in memory. Make one with NewPortal. All methods may be called at the same time.
type Portal struct {
	// URL is where the portal listens, without a slash at the end: http://127.0.0.1:43210. It stays what it was when
	// the first call of HTTPClient has closed the socket.
	URL string

	listener  net.Listener
	jobLength time.Duration
	workers   int
	limits    Limits

	mux        *http.ServeMux
	closed     chan struct{} // closed by Close; ends whatever hangs
	stopSocket func()
	close      func()

	mu       sync.Mutex // guards all below
	booted   time.Time  // the cleaner's ticks are counted from here
	owner    uuid.UUID
	added    int
	users    []*User
	byID     map[uuid.UUID]*User
	queues   [3]*queue
	faults   map[string][]Fault
	traffic  map[string]*traffic
	requests []*Request
	mails    []string
}

// Option changes how NewPortal sets a portal up.
type Option func(*Portal)

// WithListener has the portal serve this TCP listener instead of a free port of 127.0.0.1. It is closed with the portal.
func WithListener(l net.Listener) Option { return func(p *Portal) { p.listener = l } }

// WithJobLength sets how long a job runs once its queue has come to it, one second if it is not set. User.Job sets it
// for the jobs of one user. A reassignment that takes about nine minutes or more is cancelled by the portal itself, for
// then more than a minute passes between two of its milestones (observed).
func WithJobLength(d time.Duration) Option { return func(p *Portal) { p.jobLength = d } }

// WithWorkers sets how many jobs of one kind run at once. A service instance of a real portal has one worker for each
// kind (observed), and so has this portal without the option; a portal of n instances has n. Below 1 means 1.
func WithWorkers(n int) Option { return func(p *Portal) { p.workers = max(n, 1) } }

// WithLimits replaces DefaultLimits. A field that is zero sets no limit.
func WithLimits(l Limits) Option { return func(p *Portal) { p.limits = l } }

// NewPortal starts a portal that has an owner and nobody else, and listens on a free port of 127.0.0.1. It panics if it
// cannot listen. Close it when done.
func NewPortal(opts ...Option) *Portal {
	p := &Portal{
		jobLength: time.Second,
		workers:   1,
		limits:    DefaultLimits(),
		mux:       http.NewServeMux(),
		closed:    make(chan struct{}),
		booted:    time.Now(),
		byID:      map[uuid.UUID]*User{},
		queues:    newQueues(),
		faults:    map[string][]Fault{},
		traffic:   map[string]*traffic{},
	}
	for _, opt := range opts {
		opt(p)
	}
	handler := portal.NewStrictHandlerWithOptions(service{p}, []portal.StrictMiddlewareFunc{demandAdmin},
		portal.StrictHTTPServerOptions{RequestErrorHandlerFunc: writeError, ResponseErrorHandlerFunc: writeError})
	portal.HandlerWithOptions(handler, portal.StdHTTPServerOptions{BaseRouter: p.mux, ErrorHandlerFunc: writeError})
	p.listen()
	p.owner = p.AddUser(User{Email: "owner@example.com", Type: api.EmployeeTypeDocSpaceAdmin}).ID
	return p
}

// listen opens the socket and prepares its end: stopSocket returns when the last of its goroutines is done.
func (p *Portal) listen() {
	if p.listener == nil {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(fmt.Sprintf("docspacetest: the portal cannot listen: %v", err))
		}
		p.listener = listener
	}
	at := *p.listener.Addr().(*net.TCPAddr)
	if at.IP.IsUnspecified() { // no address that a client could use
		at.IP = net.IPv4(127, 0, 0, 1)
	}
	p.URL = "http://" + at.String()

	var goroutines sync.WaitGroup
	server := &http.Server{
		Handler:           p,
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				goroutines.Add(1)
			case http.StateClosed, http.StateHijacked:
				goroutines.Done()
			}
		},
	}
	goroutines.Go(func() { _ = server.Serve(p.listener) })
	p.stopSocket = sync.OnceFunc(func() {
		_ = server.Close()
		goroutines.Wait()
	})
	p.close = sync.OnceFunc(func() {
		close(p.closed)
		p.stopSocket()
	})
}

// Close ends the portal: its socket is closed, requests that hang are torn down, and clients in memory are refused the
// connection. No goroutine is left. What arrived and what became of the users can still be asked for.
func (p *Portal) Close() { p.close() }

// ServeHTTP answers one request. It lets the portal be mounted in another server; one that is meant to be torn down
// panics with http.ErrAbortHandler, which servers know.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := p.serve(r)
	if a == nil {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}

// Restart has the portal's service start anew: queues and progress are lost and running jobs die where they are
// (observed: nothing of them is stored). What has been moved stays moved. Users and limits are untouched.
func (p *Portal) Restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.booted = p.advance()
	p.queues = newQueues()
}
