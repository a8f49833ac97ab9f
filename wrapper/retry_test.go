package wrapper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatIsSentAgainAfterWhat(t *testing.T) {
	all := map[effect]int{effectRead: 4, effectTerminate: 4, effectStart: 4, effectMail: 4}
	notMail := map[effect]int{effectRead: 4, effectTerminate: 4, effectStart: 4, effectMail: 1}
	harmless := map[effect]int{effectRead: 4, effectTerminate: 4, effectStart: 1, effectMail: 1}
	none := map[effect]int{effectRead: 1, effectTerminate: 1, effectStart: 1, effectMail: 1}
	const jittered = -1
	for _, test := range []struct {
		name    string
		reply   reply
		sent    map[effect]int
		wait    time.Duration // between two attempts, exactly
		kind    error
		unknown bool
	}{
		{"429 that names a wait", answers(429, "", "Retry-After", "7"), all, 7 * time.Second, ErrRateLimited, false},
		{"429 that names none", answers(429, ""), all, jittered, ErrRateLimited, false},
		{"500", file(t, 500, "error-500.json"), harmless, jittered, ErrServer, true},
		{"500 that names a wait", answers(500, "", "Retry-After", "7"), harmless, 7 * time.Second, ErrServer, true},
		{"502", file(t, 502, "proxy-502.html"), harmless, jittered, ErrServer, true},
		{"502 that names a wait", answers(502, "", "Retry-After", "7"), harmless, 7 * time.Second, ErrServer, true},
		{"503", file(t, 503, "proxy-503.html"), harmless, jittered, ErrServer, true},
		{"503 that names a wait", file(t, 503, "proxy-503.html", "Retry-After", "7"), notMail, 7 * time.Second, ErrServer, false},
		{"503 that names no wait with a zero", answers(503, "", "Retry-After", "0"), harmless, jittered, ErrServer, true},
		{"504", answers(504, ""), harmless, jittered, ErrServer, true},
		{"a reset", fails(errReset), harmless, jittered, nil, true},
		{"an end of the connection", fails(io.EOF), harmless, jittered, nil, true},
		{"a refused connection", fails(errRefused), notMail, jittered, nil, false},
		{"an unknown host", fails(&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}), notMail, jittered, nil, false},
		{"an answer that comes too late", slow(time.Hour, answers(200, "")), harmless, jittered, nil, true},
		{"a body that breaks off", breaksOff(200, `{"resp`, io.ErrUnexpectedEOF), harmless, jittered, ErrUnexpectedResponse, true},
		{"a body that is reset", breaksOff(200, `{"resp`, errReset), harmless, jittered, ErrUnexpectedResponse, true},
		{"408", answers(408, ""), harmless, jittered, ErrBadRequest, false},
		{"501", answers(501, ""), none, 0, ErrServer, true},
		{"505", answers(505, ""), none, 0, ErrServer, true},
		{"400", file(t, 400, "error-400.json"), none, 0, ErrBadRequest, false},
		{"401", answers(401, ""), none, 0, ErrUnauthorized, false},
		{"402", answers(402, ""), none, 0, ErrPaymentRequired, false},
		{"403", file(t, 403, "error-403.json"), none, 0, ErrForbidden, false},
		{"404", answers(404, ""), none, 0, ErrNotFound, false},
		{"a sign-in page", file(t, 200, "sign-in.html"), none, 0, ErrUnexpectedResponse, true},
		{"an error inside a 200", file(t, 200, "error-403.json"), none, 0, ErrUnexpectedResponse, false},
	} {
		for _, call := range calls {
			t.Run(test.name+" on "+call.id, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newScript(t).onAll(test.reply)
					err := call.typed(t.Context(), s.client())
					var e *Error
					require.ErrorAs(t, err, &e)
					if test.kind != nil {
						assert.ErrorIs(t, err, test.kind)
					} else {
						requestError(t, err, nil)
					}
					assert.Equal(t, test.sent[call.class], e.Attempts)
					assert.Equal(t, test.unknown && call.class != effectRead, errors.Is(err, ErrOutcomeUnknown), "%v", err)
					presentable(t, err)

					times := s.times("")
					require.Len(t, times, test.sent[call.class])
					for i := range len(times) - 1 {
						gap, bound := times[i+1]-times[i], 500*time.Millisecond<<i
						if strings.Contains(test.name, "too late") {
							gap -= 30 * time.Second
						}
						if test.wait == jittered {
							assert.LessOrEqual(t, gap, bound)
							assert.GreaterOrEqual(t, gap, time.Duration(0))
						} else {
							assert.Equal(t, test.wait, gap)
						}
					}
					for _, one := range s.sent("")[1:] {
						assert.Equal(t, s.sent("")[0].body, one.body, "the body is sent again as it was")
						assert.Equal(t, s.sent("")[0].req.Header, one.req.Header)
					}
				})
			})
		}
	}
}

func TestRetryAfterInEveryForm(t *testing.T) {
	const jittered, atOnce = -1, -2
	for value, wait := range map[string]time.Duration{
		"7":                                7 * time.Second,
		"60":                               time.Minute, // the cap itself
		"61":                               atOnce,
		"86400":                            atOnce,
		"99999999999":                      atOnce,
		"99999999999999999999":             atOnce,
		"Sat, 01 Jan 2000 00:00:07 GMT":    7 * time.Second,
		"Saturday, 01-Jan-00 00:00:07 GMT": 7 * time.Second,
		"Sat Jan  1 00:00:07 2000":         7 * time.Second,
		"Sat, 01 Jan 2000 00:01:01 GMT":    atOnce,
		"Fri, 31 Dec 2199 23:59:59 GMT":    atOnce,
		"Fri, 31 Dec 9999 23:59:59 GMT":    atOnce,
		"Fri, 31 Dec 1999 23:59:59 GMT":    jittered,
		"0":                                jittered,
		"-7":                               jittered,
		"-99999999999999999999":            jittered,
		"1.5":                              jittered,
		"soon":                             jittered,
		"7 seconds":                        jittered,
		"":                                 jittered,
	} {
		t.Run(value, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(t).onAll(answers(429, "", "Retry-After", value), file(t, 200, "progress-running.json"))
				err := callOf(t, "getReassignProgress").typed(t.Context(), s.client())
				took := time.Since(s.began)
				switch wait {
				case atOnce:
					e := requestError(t, err, ErrRateLimited)
					assert.Greater(t, e.RetryAfter, time.Minute)
					assert.Contains(t, err.Error(), "Try again after "+e.RetryAfter.String())
					assert.Zero(t, took)
					assert.Len(t, s.sent(""), 1)
				case jittered:
					require.NoError(t, err)
					assert.LessOrEqual(t, took, 500*time.Millisecond)
				default:
					require.NoError(t, err)
					assert.Equal(t, wait, took)
				}
			})
		})
	}
}

// -9223372037 s in nanoseconds is below what an int64 holds, and wraps round to 292 years.
func TestANegativeRetryAfterDoesNotOverflow(t *testing.T) {
	assert.Zero(t, retryAfter(http.Header{"Retry-After": {"-9223372037"}}))
}

func TestAWaitForTheSecondIsExactEvenBetweenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond)
		s := newScript(t).onAll(answers(429, "", "Retry-After", "Sat, 01 Jan 2000 00:00:07 GMT"), file(t, 200, "progress-running.json"))
		require.NoError(t, callOf(t, "getReassignProgress").typed(t.Context(), s.client()))
		assert.Equal(t, 6700*time.Millisecond, time.Since(s.began))
	})
}

func TestDelaysAreDrawnWithFullJitter(t *testing.T) {
	for _, policy := range []RetryPolicy{
		{MaxAttempts: 4, MinDelay: 500 * time.Millisecond, MaxDelay: time.Minute},
		{MaxAttempts: 9, MinDelay: time.Second, MaxDelay: 5 * time.Second},
		{MaxAttempts: 3, MinDelay: time.Second, MaxDelay: time.Second},
	} {
		const draws = 4000
		sums := make([]time.Duration, policy.MaxAttempts-1)
		low, high := make([]int, len(sums)), make([]int, len(sums))
		bounds := make([]time.Duration, len(sums))
		for range draws {
			delays := policy.delays()
			for i := range sums {
				bounds[i] = min(policy.MinDelay<<i, policy.MaxDelay)
				delay := delays.NextBackOff()
				require.GreaterOrEqual(t, delay, time.Duration(0))
				require.LessOrEqual(t, delay, bounds[i])
				sums[i] += delay
				if delay < bounds[i]/10 {
					low[i]++
				}
				if delay > bounds[i]*9/10 {
					high[i]++
				}
			}
		}
		for i, bound := range bounds {
			assert.InEpsilon(t, float64(bound)/2, float64(sums[i])/draws, 0.06, "delay %d of %+v", i, policy)
			assert.InDelta(t, draws/10, low[i], draws/25)
			assert.InDelta(t, draws/10, high[i], draws/25)
		}
	}
}

func TestAttemptsEndWithTheLastRealError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).onAll(fails(errReset), answers(502, ""), answers(429, "", "Retry-After", "3"), file(t, 500, "error-500.json"))
		err := callOf(t, "getRemoveProgress").typed(t.Context(), s.client())
		e := requestError(t, err, ErrServer)
		assert.Equal(t, 4, e.Attempts)
		assert.Equal(t, "Object reference not set to an instance of an object.", e.Message)
		assert.Contains(t, err.Error(), "attempt 4")
		assert.NotErrorIs(t, err, syscall.ECONNRESET, "that was an earlier one")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).onAll(answers(502, ""), fails(errReset))
		err := callOf(t, "getRemoveProgress").typed(t.Context(), s.client())
		assert.Equal(t, 4, requestError(t, err, nil).Attempts)
		assert.ErrorIs(t, err, syscall.ECONNRESET)
	})
}

func TestOneAttemptIsNoRetry(t *testing.T) {
	for _, call := range calls {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(t).onAll(answers(429, "", "Retry-After", "1"))
			err := call.typed(t.Context(), s.client(WithRetry(RetryPolicy{MaxAttempts: 1})))
			assert.Equal(t, 1, requestError(t, err, ErrRateLimited).Attempts)
			assert.Len(t, s.sent(""), 1)
			assert.Zero(t, time.Since(s.began))
			assert.NotContains(t, err.Error(), "attempt")
		})
	}
}

func TestDoubtStaysOnceItIsThere(t *testing.T) {
	later := answers(503, "", "Retry-After", "1")
	for _, test := range []struct {
		name    string
		id      string
		replies []reply
		unknown bool
	}{
		{"a terminate that may have been taken, then refused", "terminateReassign", []reply{answers(500, ""), answers(403, "")}, true},
		{"a terminate that was not taken, then refused", "terminateReassign", []reply{answers(429, ""), answers(403, "")}, false},
		{"a terminate that may have been taken, then no connection", "terminateRemove", []reply{fails(errReset), fails(errRefused)}, true},
		{"a start that was not taken, then refused", "startRemove", []reply{later, fails(errRefused), answers(400, "")}, false},
		{"a start that was not taken, then lost", "startRemove", []reply{later, fails(errReset)}, true},
		{"a mail that was not taken, then lost", "sendInstructionsToDelete", []reply{answers(429, ""), fails(errReset)}, true},
		{"a mail that was not taken, then refused", "sendInstructionsToDelete", []reply{answers(429, ""), answers(403, "")}, false},
		{"a look that was lost", "getRemoveProgress", []reply{fails(errReset), answers(500, "")}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := callOf(t, test.id).typed(t.Context(), newScript(t).onAll(test.replies...).client())
				require.Error(t, err)
				assert.Equal(t, test.unknown, errors.Is(err, ErrOutcomeUnknown), "%v", err)
				assert.Equal(t, test.unknown, strings.Contains(err.Error(), "is not known"), "%v", err)
			})
		})
	}
}

func TestABodyThatCannotBeReadAgainIsNotSentAgain(t *testing.T) {
	s := newScript(t).onAll(answers(429, ""))
	body := io.MultiReader(strings.NewReader(`{"userId":"` + leaving.String() + `"}`))
	_, err := s.client().API().StartRemoveWithBody(t.Context(), "application/json", body) //nolint:bodyclose // there is none
	requestError(t, err, ErrRateLimited)
	assert.Len(t, s.sent(""), 1)
}

func TestAContextThatEndsWhileSleeping(t *testing.T) {
	for _, test := range []struct {
		name  string
		reply reply
		is    error
	}{
		{"after a 503", answers(503, "", "Retry-After", "30"), ErrServer},
		{"after a 429", answers(429, "", "Retry-After", "30"), ErrRateLimited},
		{"after a reset", func() reply {
			return func(r *http.Request) (*http.Response, error) { return nil, errReset }
		}(), syscall.ECONNRESET},
	} {
		for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
			t.Run(fmt.Sprint(test.name, ": ", end), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newScript(t).onAll(test.reply)
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					defer cancel()
					if end == context.Canceled {
						go func() { time.Sleep(5 * time.Second / 2); cancel() }()
					}
					err := callOf(t, "getReassignProgress").typed(ctx, s.client(WithRetry(RetryPolicy{MaxAttempts: 9, MinDelay: time.Minute, MaxDelay: time.Minute})))
					assert.ErrorIs(t, err, end)
					assert.ErrorIs(t, err, test.is)
					var e *Error
					require.ErrorAs(t, err, &e)
					assert.Equal(t, len(s.sent("")), e.Attempts)
					assert.LessOrEqual(t, time.Since(s.began), 5*time.Second, "it returns at once")
					assert.NotErrorIs(t, err, ErrOutcomeUnknown)
				})
			})
		}
	}
}

func TestAContextThatEndsWhileARequestIsUnderWay(t *testing.T) {
	for _, call := range calls {
		t.Run(call.id, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(t).onAll(slow(time.Minute, answers(200, "")))
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				err := call.typed(ctx, s.client())
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				requestError(t, err, nil)
				assert.Equal(t, call.class != effectRead, errors.Is(err, ErrOutcomeUnknown))
				assert.Equal(t, 3*time.Second, time.Since(s.began))
				assert.Len(t, s.sent(""), 1)
			})
		})
	}
}

// With both a free place and an ended context, select draws; so half of these requests go out, and a start that was
// never wanted counts as one whose outcome is unknown.
func TestNothingIsSentWhenTheContextHasEndedBefore(t *testing.T) {
	for _, call := range calls {
		t.Run(call.id, func(t *testing.T) {
			s := newScript(t).onAll(fails(context.Canceled))
			client := s.client()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for range 50 {
				err := call.typed(ctx, client)
				require.ErrorIs(t, err, context.Canceled)
				require.NotErrorIs(t, err, ErrOutcomeUnknown)
				require.Zero(t, requestError(t, err, nil).Attempts)
			}
			assert.Empty(t, s.sent(""))
		})
	}
}

// receive and noAnswer make their error anew, with Attempts 1, after the chain has gone.
func TestAttemptsAreCountedForAnAnswerOfTheWrongKindToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).onAll(answers(429, ""), answers(429, ""), file(t, 200, "progress-without-status.json"))
		err := callOf(t, "startReassign").typed(t.Context(), s.client())
		assert.Equal(t, 3, requestError(t, err, ErrUnexpectedResponse).Attempts)
	})
}

// untrusted is a server with a certificate that nobody knows.
func untrusted(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("nothing may arrive") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server
}

func TestACertificateThatIsNotTrustedLeavesNoDoubtAboutAStart(t *testing.T) {
	noLeaks(t)
	server := untrusted(t)
	defer server.Close()
	client, err := New(server.URL, WithAuth(APIKey(canary)))
	require.NoError(t, err)
	err = callOf(t, "startReassign").typed(t.Context(), client)
	assert.Contains(t, err.Error(), "certificate")
	assert.Equal(t, 1, requestError(t, err, nil).Attempts)
	assert.NotErrorIs(t, err, ErrOutcomeUnknown, "without a connection nothing was sent")
}

func TestACertificateThatIsNotTrustedIsNotTriedAgain(t *testing.T) {
	noLeaks(t)
	server := untrusted(t)
	defer server.Close()
	client, err := New(server.URL, WithAuth(APIKey(canary)))
	require.NoError(t, err)
	assert.Equal(t, 1, requestError(t, callOf(t, "getReassignProgress").typed(t.Context(), client), nil).Attempts)
}

// net/http turns tls.RecordHeaderError into http.ErrSchemeMismatch, so that the check for the former never matches.
func TestHTTPSToAPlainPortIsNotTriedAgain(t *testing.T) {
	noLeaks(t)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("nothing may arrive") }))
	defer server.Close()
	client, err := New(strings.Replace(server.URL, "http:", "https:", 1), WithAuth(APIKey(canary)), WithRetry(RetryPolicy{MinDelay: 1, MaxDelay: 2}))
	require.NoError(t, err)
	err = callOf(t, "getReassignProgress").typed(t.Context(), client)
	assert.Equal(t, 1, requestError(t, err, nil).Attempts)
}

// A caller's CheckRedirect that refuses has looked at an answer; asking three times more brings the same.
func TestARedirectThatTheCallerRefusesIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).onAll(answers(302, "", "Location", "/elsewhere"))
		refusal := errors.New("no redirects here")
		client := s.client(WithHTTPClient(&http.Client{Transport: s, CheckRedirect: func(*http.Request, []*http.Request) error { return refusal }}))
		err := callOf(t, "getReassignProgress").typed(t.Context(), client)
		assert.ErrorIs(t, err, refusal)
		assert.ErrorIs(t, err, ErrUnexpectedResponse, "the portal answered 302, so there was an answer: %v", err)
		assert.Len(t, s.sent(""), 1)
	})
}

func TestOne429HoldsAllRequestsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		for _, call := range calls {
			s.on(call.id, file(t, 200, call.success))
		}
		s.on("necessaryReassign", slow(time.Second, answers(429, "", "Retry-After", "10")), file(t, 200, "boolean-true.json"))
		client := s.client()
		var group sync.WaitGroup
		for i, call := range append(calls, calls...) {
			group.Go(func() {
				if i > 0 {
					time.Sleep(time.Second + time.Duration(i)*300*time.Millisecond)
				}
				assert.NoError(t, call.typed(t.Context(), client))
			})
		}
		group.Wait()
		assert.Len(t, s.sent(""), 21)
		for _, one := range s.sent("")[1:] {
			assert.Equal(t, 11*time.Second, one.at, one.id)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).on("startRemove", answers(429, "", "Retry-After", "10")).
			on("startReassign", slow(2*time.Second, answers(429, "", "Retry-After", "3"))).
			on("getRemoveProgress", file(t, 200, "progress-running.json"))
		client := s.client(WithRetry(RetryPolicy{MaxAttempts: 1}))
		var group sync.WaitGroup
		defer group.Wait()
		group.Go(func() { assert.Error(t, callOf(t, "startReassign").typed(t.Context(), client)) })
		synctest.Wait()
		assert.Error(t, callOf(t, "startRemove").typed(t.Context(), client))
		time.Sleep(5 * time.Second)
		assert.NoError(t, callOf(t, "getRemoveProgress").typed(t.Context(), client))
		assert.Equal(t, 10*time.Second, time.Since(s.began), "also where it is not sent again, and a shorter one takes nothing back")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).on("startRemove", answers(429, "", "Retry-After", "10"))
		client := s.client(WithRetry(RetryPolicy{MaxAttempts: 1}))
		assert.Error(t, callOf(t, "startRemove").typed(t.Context(), client))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := callOf(t, "startReassign").typed(ctx, client)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Zero(t, requestError(t, err, nil).Attempts)
		assert.NotErrorIs(t, err, ErrOutcomeUnknown)
		assert.Equal(t, time.Second, time.Since(s.began))
		assert.Contains(t, err.Error(), "not sent")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).on("startRemove", answers(503, "", "Retry-After", "10")).on("getRemoveProgress", file(t, 200, "progress-running.json"))
		client := s.client(WithRetry(RetryPolicy{MaxAttempts: 1}))
		assert.Error(t, callOf(t, "startRemove").typed(t.Context(), client))
		assert.NoError(t, callOf(t, "getRemoveProgress").typed(t.Context(), client))
		assert.Zero(t, time.Since(s.began), "a 503 is about one request, not about the client")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).on("sendInstructionsToDelete", answers(429, "", "Retry-After", "86400")).on("getRemoveProgress", file(t, 200, "progress-running.json"))
		client := s.client()
		requestError(t, callOf(t, "sendInstructionsToDelete").typed(t.Context(), client), ErrRateLimited)
		_ = callOf(t, "getRemoveProgress").typed(t.Context(), client)
		assert.Zero(t, time.Since(s.began), "a wait above the cap holds nobody back for a day")
	})
}

// WithConcurrency bounds what is in flight; a request that sleeps before its next attempt is not, but keeps its place.
func TestARequestThatSleepsIsNotInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).on("startRemove", answers(503, "", "Retry-After", "30"), file(t, 200, "progress-created.json")).
			on("terminateReassign", nothing)
		client := s.client(WithConcurrency(1, 1))
		var group sync.WaitGroup
		group.Go(func() { assert.NoError(t, callOf(t, "startRemove").typed(t.Context(), client)) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // as TerminateOnCancel has it
		defer cancel()
		assert.NoError(t, callOf(t, "terminateReassign").typed(ctx, client))
		group.Wait()
	})
}
