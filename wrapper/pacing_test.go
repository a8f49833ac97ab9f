package wrapper

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNoMoreRequestsAreInFlightThanAllowed(t *testing.T) {
	for _, test := range []struct {
		name          string
		options       []Option
		reads, writes int
	}{
		{"the portal's own bounds by default", nil, 50, 15},
		{"bounds that were given", []Option{WithConcurrency(3, 2)}, 3, 2},
		{"one at a time", []Option{WithConcurrency(1, 1)}, 1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				now, most := map[bool]int{}, map[bool]int{}
				s := newScript(t)
				for _, call := range calls {
					counted := func(req *http.Request) (*http.Response, error) {
						read := req.Method == http.MethodGet
						mu.Lock()
						now[read]++
						most[read] = max(most[read], now[read])
						mu.Unlock()
						defer func() {
							mu.Lock()
							defer mu.Unlock()
							now[read]--
						}()
						return slow(time.Second, file(t, 200, call.success))(req)
					}
					s.on(call.id, counted)
				}
				client := s.client(test.options...)
				var group sync.WaitGroup
				for range 30 {
					for _, call := range calls {
						group.Go(func() { assert.NoError(t, call.typed(t.Context(), client)) })
					}
				}
				group.Wait()
				assert.Equal(t, map[bool]int{true: test.reads, false: test.writes}, most, "the bounds are used fully, and kept")
				assert.Len(t, s.sent(""), 300)
			})
		})
	}
}

func TestAContextThatEndsWhileWaitingForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).onAll(slow(20*time.Second, file(t, 200, "progress-created.json")))
		client := s.client(WithConcurrency(1, 1))
		var group sync.WaitGroup
		group.Go(func() { assert.NoError(t, callOf(t, "startRemove").typed(t.Context(), client)) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := callOf(t, "startReassign").typed(ctx, client)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Zero(t, requestError(t, err, nil).Attempts)
		assert.NotErrorIs(t, err, ErrOutcomeUnknown)
		assert.Contains(t, err.Error(), "not sent")
		assert.Equal(t, time.Second, time.Since(s.began))
		assert.Empty(t, s.sent("startReassign"))
		group.Wait()
	})
}

// howOften runs a job of the given length and tells how many requests were made and how late its end was seen.
func howOften(t *testing.T, length time.Duration, latency time.Duration, opts ...WaitOption) (requests int, late time.Duration) {
	s := newScript(t)
	var began time.Time
	s.on("startRemove", slow(latency, func(req *http.Request) (*http.Response, error) {
		began = time.Now()
		return progress(0, false, 0, "")(req)
	})).on("getRemoveProgress", slow(latency, func(req *http.Request) (*http.Response, error) {
		switch passed := time.Since(began); {
		case began.IsZero():
			return nothing(req)
		case passed < length:
			return at(int(100 * passed / length))(req)
		case passed > length+time.Minute:
			return nothing(req)
		}
		return done(req)
	}))
	opts = append(opts, AbsentFor(0)) // an end that is missed shows
	p, err := s.client().Remove(t.Context(), leaving, opts...)
	require.NoError(t, err)
	require.True(t, p.IsCompleted)
	return len(s.sent("")), time.Since(began) - length
}

// lengths of jobs for which the documentation has a table.
var lengths = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour}

// roughly is a length, a little more or less, so that none falls on a look by chance.
func roughly(length time.Duration) time.Duration {
	return length + time.Duration((rand.Float64()-0.5)*0.1*float64(length))
}

func TestHowOftenAJobIsLookedAt(t *testing.T) {
	for _, length := range lengths {
		t.Run(length.String(), func(t *testing.T) {
			const runs = 24
			for i := range runs {
				synctest.Test(t, func(t *testing.T) {
					requests, late := howOften(t, roughly(length), time.Duration(i%3)*25*time.Millisecond)
					assert.LessOrEqual(t, late, 15*time.Second, "at most")
					if length <= 10*time.Minute {
						assert.LessOrEqual(t, requests, 100)
					}
				})
			}
		})
	}
}

// With -update, what is measured becomes the table of the documentation.
func TestHowLateTheEndOfAJobIsSeen(t *testing.T) {
	table := "<!-- Written by `make figures`. -->\n\n| a job of | requests at most | its end is seen late, on average | at most |\n|---|---:|---:|---:|\n"
	for _, length := range lengths {
		t.Run(length.String(), func(t *testing.T) {
			const runs = 4000 // so that chance moves the average by less than a hundredth of the job's length
			var sum, worst time.Duration
			most := 0
			for range runs {
				job, passed, requests := roughly(length), time.Duration(0), 2 // the look before, and the start
				for ; passed < job; requests++ {
					passed += pollDelay(passed, pollMin, pollMax)
				}
				sum, worst, most = sum+passed-job, max(worst, passed-job), max(most, requests)
			}
			assert.LessOrEqual(t, sum/runs, max(length/20, time.Second), "on average")
			assert.LessOrEqual(t, worst, 15*time.Second, "at most")
			if length <= 10*time.Minute {
				assert.LessOrEqual(t, most, 100)
			}
			late := (sum / runs).Seconds()
			table += fmt.Sprintf("| %v | %d | %.1f s (%.1f %%) | %.1f s |\n", length, most, late, 100*late/length.Seconds(), worst.Seconds())
		})
	}
	if *update {
		require.NoError(t, os.WriteFile("../docs/polling-figures.md", []byte(table), 0o600))
	}
	t.Log("\n" + table)
}

func TestLooksKeepToTheBoundsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests, late := howOften(t, time.Minute, 0, PollBetween(2*time.Second, 2*time.Second))
		assert.Equal(t, 32, requests, "one before the start, the start, then one every two seconds")
		assert.Zero(t, late)
	})
	for range 1000 {
		for _, watched := range []time.Duration{0, time.Millisecond, time.Second, 10 * time.Second, time.Minute, time.Hour, 1000 * time.Hour} {
			delay := pollDelay(watched, time.Second, 9*time.Second)
			assert.GreaterOrEqual(t, delay, time.Second)
			assert.LessOrEqual(t, delay, 9*time.Second)
		}
	}
}

func TestLooksOfManyJobsAreNotInStep(t *testing.T) {
	drawn := map[time.Duration]bool{}
	for range 100 {
		drawn[pollDelay(time.Minute, pollMin, pollMax)] = true
	}
	assert.Greater(t, len(drawn), 90)
}

func TestWhatThePortalSaysOfItsLimitCanBeRead(t *testing.T) {
	said := []string{"X-RateLimit-Limit", "1500", "X-RateLimit-Remaining", "12", "X-RateLimit-Reset", "1790000000"}
	want := RateLimit{Limit: 1500, Remaining: 12, Reset: time.Unix(1790000000, 0)}
	for _, test := range []struct {
		name    string
		replies []reply
		want    RateLimit
	}{
		{"with a success", []reply{answers(200, fileText(t, "progress-running.json"), said...)}, want},
		{"with a 429", []reply{answers(429, "", said...)}, want},
		{"and keeps it while other answers say nothing", []reply{answers(429, "", said...), at(5)}, want},
		{"never", []reply{at(5)}, RateLimit{}},
		{"in part", []reply{answers(200, fileText(t, "progress-running.json"), said[:4]...)}, RateLimit{}},
		{"in words", []reply{answers(200, fileText(t, "progress-running.json"), "X-RateLimit-Limit", "many", "X-RateLimit-Remaining", "1", "X-RateLimit-Reset", "1")}, RateLimit{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScript(t).on("getReassignProgress", test.replies...)
			client := s.client(WithRetry(RetryPolicy{MaxAttempts: 1}))
			for range test.replies {
				_, _ = client.ReassignTask(leaving).Progress(t.Context())
				client.way.pause.until = time.Time{}
			}
			got, ok := client.RateLimit()
			assert.Equal(t, test.want, got)
			assert.Equal(t, test.want != RateLimit{}, ok)
		})
	}
}
