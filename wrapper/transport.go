package wrapper

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
)

// maxHeader is how much of an answer's header is read, unless the http.Client is the caller's own.
const maxHeader = 256 << 10

// transport keeps net/http from what it does by itself: to send a request again when an HTTP/2 stream breaks, or when it has
// a key for that, though it may have been taken; and to lose a redirect's status where it cannot read the target. It is also
// the last that sees where a request goes.
type transport struct {
	base          *url.URL
	reads, others http.RoundTripper
}

// newTransport makes it from the caller's, or with limits of its own if there is none.
func newTransport(theirs http.RoundTripper, base *url.URL, s settings) transport {
	shared, ok := http.DefaultTransport.(*http.Transport)
	switch {
	case theirs == nil && !ok:
		theirs = http.DefaultTransport
	case theirs == nil:
		own := shared.Clone()
		own.MaxIdleConnsPerHost = s.reads + s.writes
		own.ResponseHeaderTimeout, own.MaxResponseHeaderBytes = s.limit, maxHeader
		if own.TLSClientConfig == nil {
			own.TLSClientConfig = &tls.Config{}
		}
		own.TLSClientConfig.MinVersion = max(own.TLSClientConfig.MinVersion, tls.VersionTLS12)
		theirs = own
	}
	if t, ok := theirs.(*http.Transport); ok {
		return transport{base, t, withoutHTTP2(t)}
	}
	return transport{base, theirs, theirs}
}

func withoutHTTP2(t *http.Transport) *http.Transport {
	t = t.Clone()
	t.ForceAttemptHTTP2 = false
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	if t.TLSClientConfig != nil {
		t.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	return t
}

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !sameOrigin(req.URL, t.base) { // a redirect that the caller's own policy has turned elsewhere
		return nil, errElsewhere
	}
	way := t.others
	if req.Method == http.MethodGet {
		way = t.reads
	} else {
		req = withoutReplay(req)
	}
	resp, err := way.RoundTrip(req)
	if err == nil && resp.Header.Get("Location") != "" {
		if _, bad := resp.Location(); bad != nil {
			resp.Header.Del("Location") // net/http takes a redirect without one for what it is
		}
	}
	return resp, err
}

// withoutReplay writes the names of the headers at which net/http takes a request for one that may be sent twice in another
// way, which it does not know, and which means the same to a portal.
func withoutReplay(req *http.Request) *http.Request {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if key, ok := req.Header[name]; ok {
			req = req.Clone(req.Context())
			delete(req.Header, name)
			req.Header[strings.ToLower(name)] = key
		}
	}
	return req
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t transport) CloseIdleConnections() {
	for _, way := range []http.RoundTripper{t.reads, t.others} {
		if closer, ok := way.(interface{ CloseIdleConnections() }); ok {
			closer.CloseIdleConnections()
		}
	}
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
