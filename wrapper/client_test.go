package wrapper

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
)

func TestBadBaseURLs(t *testing.T) {
	for name, base := range map[string]string{
		"empty":                           "",
		"blank":                           "   ",
		"no scheme":                       "docspace.example.com",
		"no scheme but a port":            "docspace.example.com:8092",
		"a path":                          "/api",
		"ftp":                             "ftp://docspace.example.com",
		"file":                            "file:///etc/passwd",
		"no host":                         "https://",
		"no host but a path":              "https:///portal",
		"no host but a port":              "https://:8092",
		"no slashes":                      "https:docspace.example.com",
		"a user":                          "https://ann@docspace.example.com",
		"a user and a password":           "https://ann:SECRET@docspace.example.com",
		"a password that does not parse":  "https://ann:SECRET%zz@docspace.example.com",
		"a password with a broken port":   "https://ann:SECRET@docspace.example.com:port",
		"a query":                         "https://docspace.example.com?token=SECRET",
		"an empty query":                  "https://docspace.example.com/?",
		"a fragment":                      "https://docspace.example.com/#SECRET",
		"an empty fragment":               "https://docspace.example.com#",
		"a line break":                    "https://docspace.example.com/\n",
		"a space in the host":             "https://docspace example.com",
		"a blank before it":               " https://docspace.example.com",
		"a broken escape":                 "https://docspace.example.com/%zz",
		"a port that is no number":        "https://docspace.example.com:http",
		"the path of the API":             "https://docspace.example.com/api/2.0",
		"the path of the API and a slash": "https://docspace.example.com/portal/api/2.0/",
	} {
		t.Run(name, func(t *testing.T) {
			client, err := New(base, WithAuth(APIKey(canary)), WithPlainHTTP(), WithHTTPClient(&http.Client{Transport: newScript(t)}))
			require.Error(t, err)
			assert.Nil(t, client)
			assert.Contains(t, err.Error(), "base URL")
			assert.NotContains(t, err.Error(), "SECRET")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestGoodBaseURLs(t *testing.T) {
	for base, want := range map[string]string{
		"https://portal.test":                     "https://portal.test",
		"https://portal.test/":                    "https://portal.test",
		"https://portal.test//":                   "https://portal.test",
		"HTTPS://portal.test":                     "https://portal.test",
		"https://portal.test:8443":                "https://portal.test:8443",
		"https://portal.test/docspace":            "https://portal.test/docspace",
		"https://portal.test/docspace/":           "https://portal.test/docspace",
		"https://portal.test/a/b":                 "https://portal.test/a/b",
		"https://portal.test/a%2Fb":               "https://portal.test/a%2Fb",
		"https://portal.test/a%20b/":              "https://portal.test/a%20b",
		"https://portal.test/api":                 "https://portal.test/api",
		"https://portal.test/" + uuid.NewString(): "",
		"http://127.0.0.1:8092":                   "http://127.0.0.1:8092",
		"http://[::1]:8092/":                      "http://[::1]:8092",
		"http://localhost:8092":                   "http://localhost:8092",
		"https://xn--bcher-kva.example":           "https://xn--bcher-kva.example",
	} {
		t.Run(base, func(t *testing.T) {
			if want == "" {
				want = base
			}
			for _, call := range calls {
				s := newScript(t).onAll(file(t, 200, call.success))
				client, err := New(base, WithAuth(APIKey(canary)), WithHTTPClient(&http.Client{Transport: s}))
				require.NoError(t, err)
				require.NoError(t, call.typed(t.Context(), client))
				sent := s.sent(call.id)[0].req.URL
				sent.RawQuery = ""
				assert.Equal(t, want+call.path, sent.String())
				// The operation is recognised behind the prefix: a start is not sent twice, a look is.
				e := requestError(t, call.typed(t.Context(), mustNew(t, base, newScript(t).onAll(answers(500, "")))), ErrServer)
				assert.Equal(t, map[effect]int{effectRead: 2, effectTerminate: 2, effectStart: 1, effectMail: 1}[call.class], e.Attempts)
			}
		})
	}
}

// net/url resolves the dots when the request is built, so that the path no longer begins with the base URL's: the
// operation is not recognised, and neither retried nor known to be a start while it is under way.
func TestABaseURLWithDotsStillHasItsOperationsRecognised(t *testing.T) {
	for _, base := range []string{"https://portal.test/a/../b", "https://portal.test/./a", "https://portal.test/a/.."} {
		s := newScript(t).onAll(answers(500, ""))
		_, err := mustNew(t, base, s).API().GetRemoveProgress(t.Context(), leaving) //nolint:bodyclose // there is none
		e := requestError(t, err, ErrServer)
		assert.Equal(t, "getRemoveProgress", e.Operation, base)
		assert.Equal(t, 2, e.Attempts, base)
	}
}

func mustNew(t *testing.T, base string, s *script) *Client {
	t.Helper()
	client, err := New(base, WithAuth(APIKey(canary)), WithHTTPClient(&http.Client{Transport: s}), WithRetry(RetryPolicy{MaxAttempts: 2, MinDelay: 1, MaxDelay: 2}))
	require.NoError(t, err)
	return client
}

func TestCredentialsOverPlainHTTP(t *testing.T) {
	for base, refused := range map[string]bool{
		"http://portal.test":           true,
		"http://portal.test:8092/":     true,
		"http://192.168.1.5":           true,
		"http://localhost.example.com": true,
		"http://127.0.0.1.example.com": true,
		"http://0.0.0.0":               true,
		"http://[2001:db8::1]":         true,
		"http://localhost":             false,
		"http://127.0.0.1":             false,
		"http://127.8.9.10:8092":       false,
		"http://[::1]":                 false,
		"https://portal.test":          false,
	} {
		t.Run(base, func(t *testing.T) {
			_, err := New(base, WithAuth(APIKey(canary)))
			assert.Equal(t, refused, err != nil, "%v", err)
			if refused {
				assert.Contains(t, err.Error(), "unencrypted")
				assert.Contains(t, err.Error(), "WithPlainHTTP")
			}
			_, err = New(base, WithPlainHTTP(), WithAuth(APIKey(canary)))
			assert.NoError(t, err)
			_, err = New(base)
			assert.NoError(t, err, "without a credential there is nothing to protect")
		})
	}
}

func TestBadOptions(t *testing.T) {
	for name, options := range map[string][]Option{
		"nil":                           {nil},
		"no editor":                     {WithAuth(nil)},
		"two editors":                   {WithAuth(APIKey("a")), WithAuth(APIKey("b"))},
		"the same editor twice":         {WithAuth(APIKey("a")), WithAuth(APIKey("a"))},
		"no client":                     {WithHTTPClient(nil)},
		"no logger":                     {WithLogger(nil)},
		"no user agent":                 {WithUserAgent("")},
		"a blank user agent":            {WithUserAgent("  ")},
		"a line break in the product":   {WithUserAgent("hr-sync\r\nX: y")},
		"no time":                       {WithTimeout(0)},
		"less than no time":             {WithTimeout(-time.Second)},
		"no reads":                      {WithConcurrency(0, 1)},
		"no writes":                     {WithConcurrency(1, 0)},
		"less than no reads":            {WithConcurrency(-1, 1)},
		"less than no attempts":         {WithRetry(RetryPolicy{MaxAttempts: -1})},
		"less than no delay":            {WithRetry(RetryPolicy{MinDelay: -1})},
		"less than no cap":              {WithRetry(RetryPolicy{MaxDelay: -1})},
		"a cap below the minimal delay": {WithRetry(RetryPolicy{MinDelay: 2 * time.Second, MaxDelay: time.Second})},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := New("https://portal.test", options...)
			require.Error(t, err)
			assert.Nil(t, client)
			assert.True(t, strings.HasPrefix(err.Error(), "docspace: "), err)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestBadInputIsRefusedBeforeAnythingIsSent(t *testing.T) {
	ctx := t.Context()
	for name, try := range map[string]func(*Client) error{
		"NecessaryReassign of the zero user": func(c *Client) error {
			_, err := c.NecessaryReassign(ctx, uuid.Nil, "")
			return err
		},
		"NecessaryReassign of a type that does not exist": func(c *Client) error {
			_, err := c.NecessaryReassign(ctx, leaving, "Owner")
			return err
		},
		"StartReassign from the zero user": func(c *Client) error {
			_, err := c.StartReassign(ctx, uuid.Nil, successor)
			return err
		},
		"StartReassign to the zero user": func(c *Client) error {
			_, err := c.StartReassign(ctx, leaving, uuid.Nil)
			return err
		},
		"StartReassign to the same user": func(c *Client) error {
			_, err := c.StartReassign(ctx, leaving, leaving)
			return err
		},
		"StartReassign with a nil option": func(c *Client) error {
			_, err := c.StartReassign(ctx, leaving, successor, nil)
			return err
		},
		"StartRemove of the zero user": func(c *Client) error {
			_, err := c.StartRemove(ctx, uuid.Nil)
			return err
		},
		"a look at the reassignment of the zero user": func(c *Client) error {
			_, err := c.ReassignTask(uuid.Nil).Progress(ctx)
			return err
		},
		"waiting for the removal of the zero user": func(c *Client) error {
			_, err := c.RemoveTask(uuid.Nil).Wait(ctx)
			return err
		},
		"terminating the reassignment of the zero user": func(c *Client) error { return c.ReassignTask(uuid.Nil).Terminate(ctx) },
		"terminating the removal of the zero user":      func(c *Client) error { return c.RemoveTask(uuid.Nil).Terminate(ctx) },
		"Reassign from the zero user": func(c *Client) error {
			_, err := c.Reassign(ctx, uuid.Nil, successor)
			return err
		},
		"Reassign with a nil option": func(c *Client) error {
			_, err := c.Reassign(ctx, leaving, successor, nil)
			return err
		},
		"Remove of the zero user": func(c *Client) error {
			_, err := c.Remove(ctx, uuid.Nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t) // whatever is sent fails the test
			err := try(s.client())
			e := requestError(t, err, nil)
			assert.Zero(t, e.Attempts)
			assert.NotErrorIs(t, err, ErrOutcomeUnknown)
			assert.Contains(t, err.Error(), "not sent")
			presentable(t, err)
		})
	}
}

// Reassign looks for a running job before startReassign gets to see its arguments.
func TestReassignChecksItsUsersBeforeAnythingIsSent(t *testing.T) {
	for name, try := range map[string]func(*Client) error{
		"to the zero user": func(c *Client) error {
			_, err := c.Reassign(t.Context(), leaving, uuid.Nil)
			return err
		},
		"to the same user": func(c *Client) error {
			_, err := c.Reassign(t.Context(), leaving, leaving)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t).on("getReassignProgress", nothing)
			assert.Zero(t, requestError(t, try(s.client()), nil).Attempts)
			assert.Empty(t, s.sent(""))
		})
	}
}

func TestTheCallersClientIsCopied(t *testing.T) {
	noLeaks(t)
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		if strings.HasPrefix(r.URL.Path, "/api") {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", Path: "/"})
			http.Redirect(w, r, "/moved", http.StatusFound)
			return
		}
		if cookie, err := r.Cookie("seen"); err != nil || cookie.Value != "yes" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, fileText(t, "progress-running.json"))
	}))
	defer server.Close()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	var asked atomic.Int32
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	theirs := &http.Client{Jar: jar, Transport: transport, Timeout: 7 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		asked.Add(1)
		return nil
	}}
	before := *theirs
	client, err := New(server.URL, WithHTTPClient(theirs), WithAuth(APIKey(canary)))
	require.NoError(t, err)
	_, err = client.ReassignTask(leaving).Progress(t.Context())
	require.NoError(t, err, "its cookies are kept")
	assert.EqualValues(t, 1, asked.Load(), "its redirect policy is asked")
	assert.Len(t, paths, 2)

	assert.Equal(t, before.Timeout, theirs.Timeout)
	assert.Same(t, transport, theirs.Transport)
	assert.Same(t, jar, theirs.Jar)
	assert.NoError(t, theirs.CheckRedirect(nil, nil))
	assert.EqualValues(t, 2, asked.Load(), "the caller's client still has its own policy")
	assert.Zero(t, *http.DefaultClient)

	theirs.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client, err = New(server.URL, WithHTTPClient(theirs))
	require.NoError(t, err)
	_, err = client.ReassignTask(leaving).Progress(t.Context())
	assert.Equal(t, 302, requestError(t, err, ErrUnexpectedResponse).StatusCode)
}

func TestACallersTimeoutIsOneToo(t *testing.T) {
	noLeaks(t)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	for name, options := range map[string][]Option{
		"of the client":  {WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 100 * time.Millisecond})},
		"of one attempt": {WithTimeout(100 * time.Millisecond), WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})},
	} {
		client, err := New(server.URL, append(options, WithRetry(RetryPolicy{MaxAttempts: 2, MinDelay: 1, MaxDelay: 2}))...)
		require.NoError(t, err)
		err = callOf(t, "startRemove").typed(t.Context(), client)
		assert.ErrorIs(t, err, context.DeadlineExceeded, name)
		assert.ErrorIs(t, err, ErrOutcomeUnknown, name)
		assert.Contains(t, err.Error(), "the time was up", name)
		err = callOf(t, "getRemoveProgress").typed(t.Context(), client)
		assert.Equal(t, 2, requestError(t, err, nil).Attempts, name)
	}
}

func TestWhatHappensOnASocket(t *testing.T) {
	noLeaks(t)
	quick := WithRetry(RetryPolicy{MaxAttempts: 3, MinDelay: 1, MaxDelay: 2})
	var arrived atomic.Int32
	hijack := func(do func(net.Conn)) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			conn, _, err := w.(http.Hijacker).Hijack()
			if assert.NoError(t, err) {
				do(conn)
				_ = conn.Close()
			}
		}))
	}
	try := func(t *testing.T, url string, id string) error {
		arrived.Store(0)
		client, err := New(url, quick, WithAuth(APIKey(canary)), WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
		require.NoError(t, err)
		return callOf(t, id).typed(t.Context(), client)
	}
	t.Run("a reset", func(t *testing.T) {
		server := hijack(func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) })
		defer server.Close()
		err := try(t, server.URL, "startReassign")
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		assert.ErrorIs(t, err, ErrOutcomeUnknown)
		assert.EqualValues(t, 1, arrived.Load())
		presentable(t, err)
		require.Error(t, try(t, server.URL, "terminateReassign"))
		assert.EqualValues(t, 3, arrived.Load())
	})
	t.Run("a body that breaks off", func(t *testing.T) {
		server := hijack(func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"response\":{\"id\":")
		})
		defer server.Close()
		err := try(t, server.URL, "startReassign")
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
		requestError(t, err, ErrUnexpectedResponse)
		assert.ErrorIs(t, err, ErrOutcomeUnknown)
		assert.EqualValues(t, 1, arrived.Load())
		require.Error(t, try(t, server.URL, "getReassignProgress"))
		assert.EqualValues(t, 3, arrived.Load())
	})
	t.Run("no HTTP", func(t *testing.T) {
		server := hijack(func(conn net.Conn) { _, _ = io.WriteString(conn, "\x1b[31mSSH-2.0\r\n\r\n") })
		defer server.Close()
		err := try(t, server.URL, "startReassign")
		requestError(t, err, nil)
		assert.NotContains(t, err.Error(), "\x1b")
		presentable(t, err)
	})
	t.Run("nobody there", func(t *testing.T) {
		server := httptest.NewServer(nil)
		server.Close()
		err := try(t, server.URL, "startReassign")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		assert.NotErrorIs(t, err, ErrOutcomeUnknown)
		assert.Equal(t, 3, requestError(t, err, nil).Attempts)
		assert.Contains(t, err.Error(), "No job was started")
	})
	t.Run("an endless body", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}))
		defer server.Close()
		requestError(t, try(t, server.URL, "getReassignProgress"), ErrUnexpectedResponse)
	})
	t.Run("the default transport of one's own", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, fileText(t, "progress-running.json"))
		}))
		defer server.Close()
		client, err := New(server.URL)
		require.NoError(t, err)
		_, err = client.ReassignTask(leaving).Progress(t.Context())
		require.NoError(t, err)
	})
}

func TestOptionsTakeEffectInAnyOrder(t *testing.T) {
	s := newScript(t).onAll(answers(503, ""))
	client, err := New("http://portal.test",
		WithRetry(RetryPolicy{MaxAttempts: 2}), WithRetry(RetryPolicy{MinDelay: 1, MaxDelay: 2}), WithAuth(APIKey(canary)),
		WithHTTPClient(&http.Client{Transport: s}), WithPlainHTTP(), WithLogger(slog.New(slog.DiscardHandler)),
		WithTimeout(time.Minute), WithConcurrency(1, 1), WithUserAgent("x"))
	require.NoError(t, err)
	assert.Equal(t, 2, requestError(t, callOf(t, "getRemoveProgress").typed(t.Context(), client), ErrServer).Attempts,
		"a later policy keeps what it does not name")
}

func TestARequestEditorOfOnesOwn(t *testing.T) {
	s := newScript(t).onAll(file(t, 200, "progress-running.json"))
	calledAt := 0
	client, err := New("https://portal.test", WithHTTPClient(&http.Client{Transport: s}), WithAuth(func(_ context.Context, req *http.Request) error {
		calledAt++
		require.NotNil(t, req, "it is never called without a request")
		req.Header.Set("Authorization", "own")
		req.Header.Set("User-Agent", "own")
		return nil
	}))
	require.NoError(t, err)
	assert.Zero(t, calledAt, "New does not call it")
	_, err = client.ReassignTask(leaving).Progress(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, calledAt)
	assert.Equal(t, "own", s.sent("")[0].req.Header.Get("Authorization"))
	assert.Equal(t, "own", s.sent("")[0].req.Header.Get("User-Agent"))

	refusal := errors.New("not today\nat all")
	client, err = New("https://portal.test", WithHTTPClient(&http.Client{Transport: newScript(t)}), WithAuth(func(context.Context, *http.Request) error { return refusal }))
	require.NoError(t, err)
	for _, call := range calls {
		err = call.typed(t.Context(), client)
		assert.ErrorIs(t, err, refusal)
		assert.Zero(t, requestError(t, err, nil).Attempts)
		assert.NotErrorIs(t, err, ErrOutcomeUnknown)
		presentable(t, err)
	}
}

var _ api.HttpRequestDoer = (*exchange)(nil)

func TestTheTransportOfItsOwnIsBounded(t *testing.T) {
	client, err := New("https://portal.test", WithTimeout(7*time.Second))
	require.NoError(t, err)
	own := client.way.client.Transport.(transport).reads.(*http.Transport)
	assert.EqualValues(t, tls.VersionTLS12, own.TLSClientConfig.MinVersion)
	assert.EqualValues(t, 256<<10, own.MaxResponseHeaderBytes)
	assert.Equal(t, 7*time.Second, own.ResponseHeaderTimeout)
	assert.NotZero(t, own.TLSHandshakeTimeout)
	if shared := http.DefaultTransport.(*http.Transport); shared.TLSClientConfig != nil {
		assert.Zero(t, shared.TLSClientConfig.MinVersion, "the shared one is untouched")
	}

	theirs := &http.Transport{}
	client, err = New("https://portal.test", WithHTTPClient(&http.Client{Transport: theirs}))
	require.NoError(t, err)
	assert.Same(t, theirs, client.way.client.Transport.(transport).reads)
	assert.Zero(t, theirs.MaxResponseHeaderBytes)
}

func TestReadsSpeakHTTP2AndTheOthersHTTP1(t *testing.T) {
	spoken := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { spoken = r.ProtoMajor }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client, err := New(server.URL)
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	ways := client.way.client.Transport.(transport)
	for _, way := range []http.RoundTripper{ways.reads, ways.others} {
		way.(*http.Transport).TLSClientConfig.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	}
	assert.ErrorIs(t, func() error { _, err := client.RemoveTask(leaving).Progress(t.Context()); return err }(), ErrNoTask)
	assert.Equal(t, 2, spoken)
	require.NoError(t, client.RemoveTask(leaving).Terminate(t.Context()))
	assert.Equal(t, 1, spoken, "what must not be sent twice goes without, since net/http would")
}

func TestAServerThatSpeaksOldTLSOnlyIsRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	client, err := New(server.URL, WithRetry(RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	_, err = client.StartRemove(t.Context(), leaving)
	assert.Zero(t, requestError(t, err, nil).StatusCode)
	assert.NotErrorIs(t, err, ErrOutcomeUnknown)
	assert.Contains(t, err.Error(), "protocol version")
}
