package wrapper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/docspace-go/userdata/api"
)

// Version is this client's own, as it stands in the User-Agent header.
const Version = "0.1.0"

// Client speaks to one portal. It is safe for concurrent use.
type Client struct {
	api *api.Client
	way *exchange // what the requests of api go through
}

// New makes a client for the portal at the base URL, such as "https://docspace.example.com"; a path before the
// portal's own is kept, as is the port. Nothing is sent. Every option is checked, and a bad one is an error here.
func New(baseURL string, opts ...Option) (*Client, error) {
	s := settings{
		http:  &http.Client{},
		retry: RetryPolicy{MaxAttempts: 4, MinDelay: 500 * time.Millisecond, MaxDelay: time.Minute},
		limit: 30 * time.Second, reads: 50, writes: 15,
		log:     slog.New(slog.DiscardHandler),
		product: "docspace-userdata-go/" + Version,
	}
	for _, option := range opts {
		if option == nil {
			return nil, errors.New("docspace: an option is nil")
		}
		if err := option(&s); err != nil {
			return nil, fmt.Errorf("docspace: %w", err)
		}
	}
	base, err := parseBaseURL(baseURL)
	if err != nil {
		return nil, fmt.Errorf("docspace: base URL: %w", err)
	}
	way := newExchange(base, s)
	if s.auth != nil && way.exposed {
		return nil, fmt.Errorf("docspace: base URL: credentials would travel unencrypted to %s; use https, or WithPlainHTTP", base.Host)
	}
	raw := &api.Client{Server: base.String() + "/", Client: way}
	if s.auth != nil {
		raw.RequestEditors = []api.RequestEditorFn{func(ctx context.Context, req *http.Request) error {
			if err := s.auth(ctx, req); err != nil {
				return &Error{Operation: way.operation(req).id, User: userIn(req.URL.Path), cause: err}
			}
			return nil
		}}
	}
	return &Client{raw, way}, nil
}

// API returns the generated client, for what this package does not do. Its requests are signed, bounded, retried and
// checked like those of the Client: a failure is an [*Error], and a response's body has been read already.
func (c *Client) API() *api.Client {
	raw := *c.api
	raw.RequestEditors = slices.Clip(raw.RequestEditors)
	return &raw
}

// CloseIdleConnections closes the connections that are kept for the next request. Nothing needs it but programs that
// make many clients, and tests that count goroutines.
func (c *Client) CloseIdleConnections() { c.way.client.CloseIdleConnections() }

// newExchange sets up the chain. A client that came from outside is copied before it gets another redirect policy.
func newExchange(base *url.URL, s settings) *exchange {
	client := *s.http
	client.Transport = newTransport(client.Transport, base, s)
	theirs := client.CheckRedirect
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		switch {
		case via[0].Method != http.MethodGet || !sameOrigin(next.URL, via[0].URL):
			// A POST would become a GET, and a credential would go to somebody else.
			return http.ErrUseLastResponse
		case len(via) >= 10:
			return http.ErrUseLastResponse
		case theirs != nil:
			return theirs(next, via)
		}
		return nil
	}
	return &exchange{
		client: &client, base: base, exposed: base.Scheme == "http" && !s.plainHTTP && !loopback(base.Hostname()),
		accept: []string{"application/json"}, product: []string{s.product}, timeout: s.limit, retry: s.retry,
		gate: newGate(s.reads, s.writes), looks: newTurnstile(), log: s.log,
	}
}

// parseBaseURL checks a base URL and takes the slash off its end. Its errors never show a credential.
func parseBaseURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, errors.New("is empty")
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("is malformed; it looks like https://docspace.example.com")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("has to begin with https:// or http://")
	case u.Hostname() == "" || strings.HasSuffix(u.Host, ":"):
		return nil, errors.New("names no host, or no port behind the colon")
	case len(u.Port()) > 5 || len(u.Port()) == 5 && u.Port() > "65535":
		return nil, errors.New("names a port above 65535")
	case u.User != nil:
		return nil, errors.New("holds credentials; give them as an option")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, errors.New("has a query")
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return nil, errors.New("has a fragment")
	}
	u = u.JoinPath()                                    // without . and ..
	u.RawPath = strings.TrimRight(u.EscapedPath(), "/") // an encoded slash is part of a name
	u.Path, _ = url.PathUnescape(u.RawPath)
	if _, err := url.Parse(u.String()); err != nil { // a zone that cannot be written
		return nil, errors.New("is malformed; it looks like https://docspace.example.com")
	}
	if strings.Contains(u.Path+"/", "/api/2.0/") {
		return nil, errors.New("holds /api/2.0; leave that off, and what follows it")
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

type settings struct {
	auth          api.RequestEditorFn
	http          *http.Client
	product       string
	retry         RetryPolicy
	limit         time.Duration
	reads, writes int
	log           *slog.Logger
	plainHTTP     bool
}

// Option sets up a [Client].
type Option func(*settings) error

// WithAuth signs every request with the editor: [APIKey], [BasicAuth], [BearerToken], [CookieAuth], [OAuth2], [OpenID],
// or one of your own. There can be one only.
func WithAuth(editor api.RequestEditorFn) Option {
	return func(s *settings) error {
		switch {
		case editor == nil:
			return errors.New("WithAuth: there is no editor")
		case s.auth != nil:
			return errors.New("there are two ways to sign requests; keep one")
		}
		s.auth = editor
		return complaintOf(editor)
	}
}

// WithHTTPClient sends requests with a copy of the given client: its transport, cookies and timeout stay its own. Of its
// redirect policy, what is stricter than this package's remains: no redirect but for a GET, none to another origin.
//
// Where its transport is an [http.Transport], requests other than GETs go out on a copy that speaks HTTP/1.1 only, since
// net/http sends a request again by itself when an HTTP/2 stream breaks. A transport of another kind has to see to that.
func WithHTTPClient(c *http.Client) Option {
	return func(s *settings) error {
		if c == nil {
			return errors.New("WithHTTPClient: there is no client")
		}
		s.http = c
		return nil
	}
}

// WithUserAgent puts your program's name, such as "hr-sync/2.1", before this client's in the User-Agent header.
func WithUserAgent(product string) Option {
	return func(s *settings) error {
		if strings.TrimSpace(product) == "" || !printable(product) {
			return errors.New("WithUserAgent: the product is empty or holds a control character")
		}
		s.product = product + " docspace-userdata-go/" + Version
		return nil
	}
}

// WithRetry replaces the retry policy. A field that is zero keeps its default.
func WithRetry(p RetryPolicy) Option {
	return func(s *settings) error {
		if p.MaxAttempts == 0 {
			p.MaxAttempts = s.retry.MaxAttempts
		}
		if p.MinDelay == 0 {
			p.MinDelay = s.retry.MinDelay
		}
		if p.MaxDelay == 0 {
			p.MaxDelay = s.retry.MaxDelay
		}
		s.retry = p
		return p.validate()
	}
}

// WithTimeout limits one attempt of one request, from connecting to the end of the answer; 30 seconds by default.
// Delays between attempts do not count. Limit a call as a whole with its context.
func WithTimeout(perAttempt time.Duration) Option {
	return func(s *settings) error {
		if perAttempt <= 0 {
			return errors.New("WithTimeout: the limit has to be above zero")
		}
		s.limit = perAttempt
		return nil
	}
}

// WithConcurrency bounds how many requests are in flight at once, GETs and others apart; 50 and 15 by default, which are
// the portal's own bounds (observed). What is above waits.
func WithConcurrency(reads, writes int) Option {
	return func(s *settings) error {
		if reads < 1 || writes < 1 {
			return errors.New("WithConcurrency: at least one of each has to be allowed")
		}
		s.reads, s.writes = reads, writes
		return nil
	}
}

// WithLogger logs every attempt: method, operation, status, number and duration, and nothing else. Failures are
// warnings, the rest is for debugging.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) error {
		if l == nil {
			return errors.New("WithLogger: there is no logger")
		}
		s.log = l
		return nil
	}
}

// WithPlainHTTP allows credentials to travel over http:// to another host than this one, for anybody on the way to read.
func WithPlainHTTP() Option {
	return func(s *settings) error {
		s.plainHTTP = true
		return nil
	}
}
