package wrapper

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// net/http sends again by itself what a header calls idempotent, if a connection that was kept turns out to be gone. That
// the portal has not read it is no more certain for that.
func TestAHeaderThatCallsARequestIdempotentDoesNotHaveItSentTwice(t *testing.T) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		for _, call := range calls {
			if call.class == effectRead || call.class == effectTerminate {
				continue
			}
			t.Run(call.id+" with "+name, func(t *testing.T) {
				var times, named atomic.Int32
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(t, err)
				done := make(chan struct{})
				go func() {
					defer close(done)
					for {
						conn, err := listener.Accept()
						if err != nil {
							return
						}
						r := bufio.NewReader(conn)
						for {
							req, err := http.ReadRequest(r)
							if err != nil {
								break
							}
							_, _ = io.Copy(io.Discard, req.Body)
							if req.URL.Path == call.path {
								times.Add(1)
								if req.Header.Get(name) == "one" {
									named.Add(1)
								}
								break // without an answer
							}
							_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
						}
						_ = conn.Close()
					}
				}()
				key := APIKey(canary)
				client, err := New("http://"+listener.Addr().String(), WithAuth(func(ctx context.Context, req *http.Request) error {
					req.Header.Set(name, "one")
					return key(ctx, req)
				}))
				require.NoError(t, err)
				require.NoError(t, client.RemoveTask(leaving).Terminate(t.Context()), "there is a connection to reuse")
				assert.ErrorIs(t, call.typed(t.Context(), client), ErrOutcomeUnknown)
				assert.EqualValues(t, 1, times.Load())
				assert.EqualValues(t, 1, named.Load(), "the portal still gets the header")
				client.CloseIdleConnections()
				require.NoError(t, listener.Close())
				<-done
			})
		}
	}
}

func TestARedirectPolicyOfTheCallersCannotLeadACredentialAway(t *testing.T) {
	for name, signer := range signers {
		t.Run(name, func(t *testing.T) {
			s := newScript(t).on("getRemoveProgress", answers(302, "", "Location", "/elsewhere"))
			client, err := New("https://portal.test", WithAuth(signer.editor), WithRetry(RetryPolicy{MaxAttempts: 1}), WithHTTPClient(&http.Client{
				Transport: s,
				CheckRedirect: func(next *http.Request, _ []*http.Request) error {
					next.URL = &url.URL{Scheme: "https", Host: "evil.test", Path: "/"}
					return nil
				},
			}))
			require.NoError(t, err)
			_, err = client.RemoveTask(leaving).Progress(t.Context())
			assert.ErrorIs(t, err, errElsewhere)
			assert.Len(t, s.sent(""), 1)
		})
	}
}

func TestARedirectPolicyOfTheCallersDoesNotMakeRoundsEndless(t *testing.T) {
	s := newScript(t).on("getRemoveProgress", answers(302, "", "Location", callOf(t, "getRemoveProgress").path))
	client, err := New("https://portal.test", WithAuth(APIKey(canary)), WithHTTPClient(&http.Client{
		Transport: s, CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
	}))
	require.NoError(t, err)
	_, err = client.RemoveTask(leaving).Progress(t.Context())
	requestError(t, err, ErrUnexpectedResponse)
	assert.Len(t, s.sent(""), 10)
}

func TestATransportThatPanicsGivesItsPlaceInFlightBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, call := range calls {
			s := newScript(t).on(call.id, func(*http.Request) (*http.Response, error) { panic("a bug of somebody else") }, file(t, 200, call.success))
			client := s.client(WithConcurrency(1, 1))
			assert.Panics(t, func() { _ = call.typed(t.Context(), client) })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			assert.NoError(t, call.typed(ctx, client), call.id)
			cancel()
		}
	})
}

// What stands before a portal may fall out of TLS in the middle of an answer. By then the request has been read.
func TestWhatWasReadBeforeTLSBrokeIsNotKnown(t *testing.T) {
	lender := httptest.NewTLSServer(nil) // of its certificate
	lender.Close()
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	for name, garbage := range map[string]string{"plain HTTP": "HTTP/1.1 502 Bad Gateway\r\n\r\n", "garbage": "\x00garbage of some length"} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					secure := tls.Server(conn, &tls.Config{Certificates: lender.TLS.Certificates})
					if req, err := http.ReadRequest(bufio.NewReader(secure)); assert.NoError(t, err) {
						_, _ = io.Copy(io.Discard, req.Body)
					}
					_, _ = io.WriteString(conn, garbage)
					_ = conn.Close()
				}
			}()
			client, err := New("https://"+listener.Addr().String(), WithAuth(APIKey(canary)), WithRetry(RetryPolicy{MaxAttempts: 1}),
				WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}))
			require.NoError(t, err)
			for _, call := range calls {
				err := call.typed(t.Context(), client)
				require.Error(t, err)
				if call.class == effectRead {
					assert.NotErrorIs(t, err, ErrOutcomeUnknown, call.id)
				} else {
					assert.ErrorIs(t, err, ErrOutcomeUnknown, call.id)
				}
			}
			client.CloseIdleConnections()
			require.NoError(t, listener.Close())
			<-done
		})
	}
}

func TestACredentialThatACallBringsAlongDoesNotTravelUnencryptedEither(t *testing.T) {
	for name, sign := range signers {
		t.Run(name, func(t *testing.T) {
			ask := func(base string, opts ...Option) (*script, error) {
				s := newScript(t).on("getRemoveProgress", nothing)
				client, err := New(base, append(opts, WithHTTPClient(&http.Client{Transport: s}))...)
				require.NoError(t, err, "there is no credential yet")
				_, err = client.API().GetRemoveProgress(t.Context(), leaving, sign.editor) //nolint:bodyclose // there is none
				return s, err
			}
			s, err := ask("http://portal.test")
			assert.ErrorContains(t, err, "unencrypted")
			assert.Empty(t, s.sent(""))
			for _, base := range []string{"https://portal.test", "http://127.0.0.1:8092"} {
				s, err = ask(base)
				assert.NoError(t, err)
				assert.Len(t, s.sent(""), 1)
			}
			s, err = ask("http://portal.test", WithPlainHTTP())
			assert.NoError(t, err)
			assert.Len(t, s.sent(""), 1)
		})
	}
}
