package wrapper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
)

// job is one of the three kinds, with all ways to it.
type job struct {
	name              string
	start, look, stop string // operationIds
	begin             func(context.Context, *Client) (*Task, error)
	attach            func(*Client) *Task
	run               func(context.Context, *Client, ...WaitOption) (Progress, error)
}

var jobs = []job{
	{
		"reassignment", "startReassign", "getReassignProgress", "terminateReassign",
		func(ctx context.Context, c *Client) (*Task, error) { return c.StartReassign(ctx, leaving, successor) },
		func(c *Client) *Task { return c.ReassignTask(leaving) },
		func(ctx context.Context, c *Client, opts ...WaitOption) (Progress, error) {
			all := []JobOption{DeleteProfile()}
			for _, option := range opts {
				all = append(all, option)
			}
			return c.Reassign(ctx, leaving, successor, all...)
		},
	},
	{
		"removal", "startRemove", "getRemoveProgress", "terminateRemove",
		func(ctx context.Context, c *Client) (*Task, error) { return c.StartRemove(ctx, leaving) },
		func(c *Client) *Task { return c.RemoveTask(leaving) },
		func(ctx context.Context, c *Client, opts ...WaitOption) (Progress, error) {
			return c.Remove(ctx, leaving, opts...)
		},
	},
	{
		"deletion of the personal folder", "startDeletePersonalFolder", "getDeletePersonalFolderProgress", "",
		func(ctx context.Context, c *Client) (*Task, error) { return c.StartDeletePersonalFolder(ctx) },
		func(c *Client) *Task { return c.DeletePersonalFolderTask() },
		func(ctx context.Context, c *Client, opts ...WaitOption) (Progress, error) {
			return c.DeletePersonalFolder(ctx, opts...)
		},
	},
}

// eachJob runs a test in a bubble of its own for all three kinds.
func eachJob(t *testing.T, test func(t *testing.T, j job, s *script)) {
	t.Helper()
	for _, j := range jobs {
		t.Run(j.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, j, newScript(t)) })
		})
	}
}

// eachStoppableJob leaves the personal folder out.
func eachStoppableJob(t *testing.T, test func(t *testing.T, j job, s *script)) {
	t.Helper()
	eachJob(t, func(t *testing.T, j job, s *script) {
		if j.stop != "" {
			test(t, j, s)
		}
	})
}

func started(t *testing.T, s *script, j job) *Task {
	t.Helper()
	if len(s.replies[j.start]) == 0 {
		s.on(j.start, progress(0, false, 0, ""))
	}
	task, err := j.begin(t.Context(), s.client())
	require.NoError(t, err)
	return task
}

func TestHowAJobEnds(t *testing.T) {
	for _, test := range []struct {
		name    string
		end     reply
		reason  error
		percent int
		say     string
	}{
		{"it completes", done, nil, 100, ""},
		{"it completes while the status still says running", progress(100, true, 1, ""), nil, 100, ""},
		{"it completes with a status that is unknown", progress(100, true, 9, ""), nil, 100, ""},
		{"it fails", failed, ErrTaskFailed, 50, "The room could not be moved"},
		{"it fails without a word", progress(70, true, 4, ""), ErrTaskFailed, 70, "failed at 70%"},
		{"it fails, and the status says completed", progress(50, true, 2, "The room could not be moved"), ErrTaskFailed, 50, "The room could not be moved"},
		{"it fails, and the status says running", progress(50, true, 1, "The room could not be moved"), ErrTaskFailed, 50, "The room could not be moved"},
		{"it is canceled", canceled, ErrTaskCanceled, 30, "canceled at 30%"},
		{"it is canceled with a word", progress(30, true, 3, "stopped"), ErrTaskCanceled, 30, "canceled at 30%"},
	} {
		check := func(t *testing.T, j job, p Progress, err error) {
			assert.True(t, p.IsCompleted)
			assert.Equal(t, test.percent, p.Percentage)
			if test.reason == nil {
				assert.NoError(t, err)
				return
			}
			e := taskError(t, err, test.reason)
			assert.Equal(t, p, e.Progress)
			assert.Equal(t, j.look, e.Operation)
			assert.Contains(t, err.Error(), test.say)
			assert.Contains(t, err.Error(), j.name)
			assert.NotErrorIs(t, err, ErrOutcomeUnknown)
			if j.stop != "" {
				assert.Equal(t, leaving, e.User)
				assert.Contains(t, err.Error(), leaving.String())
			}
			presentable(t, err)
		}
		t.Run(test.name+" while we watch", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				s.on(j.look, at(5), at(10), test.end)
				p, err := started(t, s, j).Wait(t.Context())
				check(t, j, p, err)
				assert.Equal(t, []string{j.start, j.look, j.look, j.look}, s.order())
			})
		})
		t.Run(test.name+" before we look", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				p, err := j.attach(s.on(j.look, test.end).client()).Wait(t.Context())
				check(t, j, p, err)
				assert.Zero(t, time.Since(s.began))
			})
		})
		t.Run(test.name+" before the start has answered", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				s.on(j.start, test.end)
				p, err := started(t, s, j).Wait(t.Context())
				check(t, j, p, err)
				assert.Len(t, s.sent(""), 1)
			})
		})
		t.Run(test.name+" when it is started and waited for in one", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				s.on(j.look, nothing, at(5), test.end).on(j.start, progress(0, false, 0, ""))
				p, err := j.run(t.Context(), s.client())
				check(t, j, p, err)
				assert.Equal(t, []string{j.look, j.start, j.look, j.look}, s.order())
			})
		})
	}
}

func TestWhatIsNotCompletedGoesOn(t *testing.T) {
	eachJob(t, func(t *testing.T, j job, s *script) {
		s.on(j.look, progress(50, false, 2, ""), progress(50, false, 4, ""), progress(50, false, 3, "odd"), progress(50, false, 9, ""), done)
		p, err := started(t, s, j).Wait(t.Context())
		require.NoError(t, err)
		assert.True(t, p.IsCompleted, "isCompleted decides, whatever the status says")
		assert.Len(t, s.sent(j.look), 5)
	})
}

func TestAProgressThatVanishes(t *testing.T) {
	t.Run("and returns is gone on with", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			away := slices.Repeat([]reply{nothing}, 8)
			s.on(j.look, slices.Concat([]reply{at(5)}, away, []reply{at(20)}, away, away, []reply{done})...)
			var seen []int
			p, err := started(t, s, j).Wait(t.Context(), OnProgress(func(p Progress) { seen = append(seen, p.Percentage) }))
			require.NoError(t, err)
			assert.Equal(t, 100, p.Percentage)
			assert.Equal(t, []int{0, 5, 20, 100}, seen)
		})
	})
	t.Run("in any of the three forms of absence", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, at(5), answers(200, ""), file(t, 200, "response-null.json"), file(t, 200, "nothing-queued.json"), done)
			_, err := started(t, s, j).Wait(t.Context())
			require.NoError(t, err)
		})
	})
	for _, patience := range []time.Duration{0, time.Second, 90 * time.Second, 15 * time.Minute} {
		t.Run(fmt.Sprint("for good is lost after exactly ", patience), func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				s.on(j.look, at(5), at(20), nothing)
				var options []WaitOption
				if patience != 15*time.Minute { // that is the default
					options = append(options, AbsentFor(patience))
				}
				p, err := started(t, s, j).Wait(t.Context(), options...)
				e := taskError(t, err, ErrTaskLost)
				assert.ErrorIs(t, err, ErrOutcomeUnknown)
				assert.Equal(t, 20, p.Percentage)
				assert.Equal(t, p, e.Progress)
				looks := s.times(j.look)
				assert.Equal(t, looks[2]+patience, time.Since(s.began))
				assert.Equal(t, looks[2]+patience, looks[len(looks)-1], "the last look is at the very end")
				assert.Contains(t, err.Error(), "20%")
				assert.Contains(t, err.Error(), patience.String())
				assert.Contains(t, err.Error(), "not known")
				presentable(t, err)
			})
		})
	}
	t.Run("counts anew each time", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			var began time.Time
			s.on(j.look, func(req *http.Request) (*http.Response, error) {
				if began.IsZero() {
					began = time.Now()
				}
				// Gone for 50 of every 60 seconds, for half an hour.
				switch passed := time.Since(began); {
				case passed > 30*time.Minute:
					return done(req)
				case int(passed.Seconds())%60 < 10:
					return at(int(passed.Minutes()))(req)
				}
				return nothing(req)
			})
			_, err := started(t, s, j).Wait(t.Context(), AbsentFor(55*time.Second), PollBetween(time.Second, 4*time.Second))
			require.NoError(t, err)
		})
	})
}

func TestAttachingWhereThereIsNothing(t *testing.T) {
	t.Run("is an error at once", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			p, err := j.attach(s.on(j.look, nothing).client()).Wait(t.Context())
			taskError(t, err, ErrNoTask)
			assert.NotErrorIs(t, err, ErrOutcomeUnknown)
			assert.Zero(t, p)
			assert.Len(t, s.sent(""), 1)
			assert.Zero(t, time.Since(s.began))
			presentable(t, err)
		})
	})
	t.Run("goes on looking when told for how long", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			_, err := j.attach(s.on(j.look, nothing, nothing, nothing, at(5), done).client()).Wait(t.Context(), AbsentFor(time.Minute))
			require.NoError(t, err)
		})
		eachJob(t, func(t *testing.T, j job, s *script) {
			_, err := j.attach(s.on(j.look, nothing).client()).Wait(t.Context(), AbsentFor(time.Minute))
			taskError(t, err, ErrNoTask)
			assert.Equal(t, time.Minute, time.Since(s.began))
			assert.Greater(t, len(s.sent("")), 5)
		})
		eachJob(t, func(t *testing.T, j job, s *script) {
			_, err := j.attach(s.on(j.look, nothing).client()).Wait(t.Context(), AbsentFor(0))
			taskError(t, err, ErrNoTask)
			assert.Len(t, s.sent(""), 1)
		})
	})
	t.Run("but to a running job waits for its end", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			_, err := j.attach(s.on(j.look, at(50), nothing, at(70), done).client()).Wait(t.Context())
			require.NoError(t, err)
		})
	})
}

func TestAfterOnesOwnTerminate(t *testing.T) {
	t.Run("absence is the expected end", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, at(5), nothing).on(j.stop, nothing)
			task := started(t, s, j)
			_, err := task.Progress(t.Context())
			require.NoError(t, err)
			require.NoError(t, task.Terminate(t.Context()))
			began := time.Now()
			_, err = task.Wait(t.Context())
			taskError(t, err, ErrTaskCanceled)
			assert.Contains(t, err.Error(), "asked to stop")
			assert.Less(t, time.Since(began), time.Second)
			presentable(t, err)
		})
	})
	t.Run("it is so for a task attached to", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			task := j.attach(s.on(j.look, nothing).on(j.stop, nothing).client())
			require.NoError(t, task.Terminate(t.Context()))
			_, err := task.Wait(t.Context())
			taskError(t, err, ErrTaskCanceled)
		})
	})
	t.Run("it may report once more, and then be gone", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, at(20), at(30), nothing).on(j.stop, nothing)
			task := started(t, s, j)
			require.NoError(t, task.Terminate(t.Context()))
			p, err := task.Wait(t.Context())
			taskError(t, err, ErrTaskCanceled)
			assert.Equal(t, 30, p.Percentage)
		})
	})
	t.Run("it may run to its end all the same", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, at(20), done).on(j.stop, nothing)
			task := started(t, s, j)
			require.NoError(t, task.Terminate(t.Context()))
			p, err := task.Wait(t.Context())
			assert.NoError(t, err)
			assert.Equal(t, 100, p.Percentage)
		})
	})
	t.Run("it may say that it was canceled", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, canceled).on(j.stop, file(t, 200, "progress-canceled.json"))
			task := started(t, s, j)
			require.NoError(t, task.Terminate(t.Context()))
			_, err := task.Wait(t.Context())
			taskError(t, err, ErrTaskCanceled)
		})
	})
	t.Run("while somebody waits", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.stop, nothing).on(j.look, func(req *http.Request) (*http.Response, error) {
				if len(s.sent(j.stop)) > 0 {
					return nothing(req)
				}
				return at(5)(req)
			})
			task := started(t, s, j)
			go func() {
				time.Sleep(20 * time.Second)
				assert.NoError(t, task.Terminate(t.Context()))
			}()
			_, err := task.Wait(t.Context())
			taskError(t, err, ErrTaskCanceled)
			assert.Less(t, time.Since(s.began), 25*time.Second)
		})
	})
	t.Run("a terminate that failed makes no difference", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, at(5), nothing).on(j.stop, answers(403, ""))
			task := started(t, s, j)
			requestError(t, task.Terminate(t.Context()), ErrForbidden)
			_, err := task.Wait(t.Context(), AbsentFor(time.Minute))
			taskError(t, err, ErrTaskLost)
		})
	})
	t.Run("nothing to stop is no error", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			for _, none := range []reply{nothing, answers(200, ""), answers(204, ""), file(t, 200, "response-null.json")} {
				assert.NoError(t, j.attach(s.on(j.stop, none).client()).Terminate(t.Context()))
			}
		})
	})
}

// ofJob is an answer about the job with the id.
func ofJob(id string, percentage int, completed bool) reply {
	return answers(200, fmt.Sprintf(`{"response":{"id":%q,"error":"","percentage":%d,"isCompleted":%t,"status":%d},"statusCode":200}`,
		id, percentage, completed, map[bool]int{false: 1, true: 2}[completed]))
}

func TestAJobThatTakesThePlaceOfAnotherIsNotTakenForIt(t *testing.T) {
	for name, looks := range map[string][]reply{
		"it begins anew":                           {ofJob("a", 70, false), ofJob("a", 5, false), ofJob("a", 100, true)},
		"it begins anew after an absence":          {ofJob("a", 70, false), nothing, nothing, ofJob("a", 5, false), ofJob("a", 100, true)},
		"it has another id":                        {ofJob("a", 5, false), ofJob("b", 30, false), ofJob("b", 100, true)},
		"it has another id, and has ended":         {ofJob("a", 5, false), ofJob("b", 100, true)},
		"the first was gone when it was looked at": {nothing, ofJob("b", 5, false), ofJob("b", 100, true)},
	} {
		t.Run(name, func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				s.on(j.look, looks...).on(j.start, ofJob("a", 2, false))
				p, err := started(t, s, j).Wait(t.Context())
				e := taskError(t, err, ErrTaskLost)
				assert.ErrorIs(t, err, ErrOutcomeUnknown)
				assert.Equal(t, "a", p.ID, "what is known is the first")
				assert.Zero(t, e.Absent)
				assert.ErrorIs(t, err, ErrTaskReplaced)
				assert.Contains(t, err.Error(), "another job has taken its place, last seen at "+p.String()+". Whether and how it ended is not known")
				presentable(t, err)
			})
		})
	}
}

func TestWhatIsReported(t *testing.T) {
	t.Run("is what has changed, once, in order", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, progress(0, false, 0, ""), at(0), at(0), at(30), at(30), at(30), done)
			var called, yielded []string
			for p, err := range started(t, s, j).Watch(t.Context(), OnProgress(func(p Progress) {
				assert.Len(t, yielded, len(called), "the callback comes before the loop's body, one by one")
				called = append(called, p.String())
			})) {
				require.NoError(t, err)
				yielded = append(yielded, p.String())
			}
			assert.Equal(t, []string{"0%, created", "0%, running", "30%, running", "100%, completed"}, called)
			assert.Equal(t, called, yielded)
		})
	})
	t.Run("comes on the goroutine that waits", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, at(30), done).on(j.start, at(0))
			task := started(t, s, j)
			me := goroutine()
			_, err := task.Wait(t.Context(), OnProgress(func(Progress) { assert.Equal(t, me, goroutine()) }))
			require.NoError(t, err)
			s = newScript(t).on(j.look, nothing, at(30), done).on(j.start, at(0))
			_, err = j.run(t.Context(), s.client(), OnProgress(func(Progress) { assert.Equal(t, me, goroutine()) }))
			require.NoError(t, err)
		})
	})
	t.Run("is nothing where there is nothing", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			_, err := j.attach(s.on(j.look, answers(403, "")).client()).Wait(t.Context(), OnProgress(func(Progress) { t.Error("called") }))
			requestError(t, err, ErrForbidden)
		})
	})
}

func goroutine() string {
	buf := make([]byte, 64)
	text := string(buf[:runtime.Stack(buf, false)])
	var id int
	_, _ = fmt.Sscanf(text, "goroutine %d ", &id)
	return strconv.Itoa(id)
}

// A task keeps the start's answer, and every Wait on it begins with that, however old it is.
func TestASecondWaitDoesNotGoBackToTheStart(t *testing.T) {
	eachJob(t, func(t *testing.T, j job, s *script) {
		s.on(j.look, at(30), at(50), at(70), done)
		task := started(t, s, j)
		var seen []int
		record := OnProgress(func(p Progress) { seen = append(seen, p.Percentage) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := task.Wait(ctx, record)
		taskError(t, err, context.DeadlineExceeded)
		_, err = task.Wait(t.Context(), record)
		require.NoError(t, err)
		assert.True(t, slices.IsSorted(seen), "%v", seen)
	})
}

func TestBreakingOutOfWatchLeavesNothingBehind(t *testing.T) {
	eachJob(t, func(t *testing.T, j job, s *script) {
		s.on(j.look, at(5), at(10), at(20))
		task := started(t, s, j)
		var options []WaitOption
		if j.stop != "" {
			options = append(options, TerminateOnCancel()) // a break is no cancel
		}
		for p := range task.Watch(t.Context(), options...) {
			if p.Percentage == 10 {
				break
			}
		}
		sent := len(s.sent(""))
		time.Sleep(time.Hour)
		assert.Len(t, s.sent(""), sent)
		// And it can be begun again.
		s.on(j.look, done)
		_, err := task.Wait(t.Context())
		assert.NoError(t, err)
	})
	for name, last := range map[string]reply{"an end": done, "a failure": failed, "a refusal": answers(403, "")} {
		t.Run("also at "+name, func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				for range j.attach(s.on(j.look, last).client()).Watch(t.Context()) {
					break
				}
			})
		})
	}
}

func TestAContextThatEndsWhileWaiting(t *testing.T) {
	for _, test := range []struct {
		name string
		look []reply
		last int
	}{
		{"between two looks", []reply{at(5), at(10)}, 10},
		{"during a look", []reply{at(5), slow(20*time.Second, at(50))}, 5},
		{"while a failed look is about to be repeated", []reply{at(5), answers(503, "", "Retry-After", "50")}, 5},
		{"while the progress is away", []reply{at(5), nothing}, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
				eachJob(t, func(t *testing.T, j job, s *script) {
					s.on(j.look, test.look...)
					task := started(t, s, j)
					ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
					defer cancel()
					if end == context.Canceled {
						time.AfterFunc(7*time.Second-1, cancel)
					}
					p, err := task.Wait(ctx)
					e := taskError(t, err, end)
					assert.Equal(t, test.last, p.Percentage)
					assert.Equal(t, p, e.Progress)
					assert.InDelta(t, 7*time.Second, time.Since(s.began), 1, "it returns at once")
					assert.Contains(t, err.Error(), "The job goes on")
					assert.NotErrorIs(t, err, ErrOutcomeUnknown)
					presentable(t, err)
					synctest.Wait()
					if j.stop != "" {
						assert.Empty(t, s.sent(j.stop), "the job is left running")
					}
				})
			}
		})
	}
	t.Run("before it has begun", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := j.attach(s.on(j.look, fails(context.Canceled)).client()).Wait(ctx)
			taskError(t, err, context.Canceled)
			assert.Zero(t, time.Since(s.began))
		})
	})
}

func TestTerminateOnCancel(t *testing.T) {
	cancelAfter := func(t *testing.T, d time.Duration) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		t.Cleanup(cancel)
		return ctx
	}
	t.Run("stops the job although the context has ended", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, at(5)).on(j.stop, slow(time.Second, nothing))
			p, err := started(t, s, j).Wait(cancelAfter(t, 7*time.Second), TerminateOnCancel())
			taskError(t, err, context.DeadlineExceeded)
			assert.Equal(t, 5, p.Percentage)
			assert.Len(t, s.sent(j.stop), 1)
			assert.Equal(t, 8*time.Second, time.Since(s.began))
			assert.Contains(t, err.Error(), "It was asked to stop")
			presentable(t, err)
		})
	})
	t.Run("keeps the context's values", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			type key struct{}
			s.on(j.look, at(5)).on(j.stop, func(req *http.Request) (*http.Response, error) {
				assert.Equal(t, "value", req.Context().Value(key{}))
				return nothing(req)
			})
			_, err := started(t, s, j).Wait(context.WithValue(cancelAfter(t, 7*time.Second), key{}, "value"), TerminateOnCancel())
			require.Error(t, err)
		})
	})
	t.Run("takes 10 seconds at most", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, at(5)).on(j.stop, slow(time.Hour, nothing))
			_, err := started(t, s, j).Wait(cancelAfter(t, 7*time.Second), TerminateOnCancel())
			taskError(t, err, context.DeadlineExceeded)
			assert.ErrorIs(t, err, ErrOutcomeUnknown, "the stop may have been taken")
			assert.Equal(t, 17*time.Second, time.Since(s.began))
			assert.Contains(t, err.Error(), "Stopping it failed")
			assert.Contains(t, err.Error(), j.stop)
			presentable(t, err)
		})
	})
	t.Run("reports that it could not stop the job", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, at(5)).on(j.stop, file(t, 403, "error-403.json"))
			_, err := started(t, s, j).Wait(cancelAfter(t, 7*time.Second), TerminateOnCancel())
			taskError(t, err, context.DeadlineExceeded)
			assert.ErrorIs(t, err, ErrForbidden)
			assert.Contains(t, err.Error(), "Access denied")
			assert.NotContains(t, err.Error(), "It was asked to stop")
			presentable(t, err)
		})
	})
	t.Run("is in force when the context has ended before", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, fails(context.Canceled)).on(j.stop, nothing)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := j.attach(s.client()).Wait(ctx, TerminateOnCancel())
			taskError(t, err, context.Canceled)
			assert.Len(t, s.sent(j.stop), 1)
		})
	})
	t.Run("is in force while a start is under way", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, nothing).on(j.start, slow(20*time.Second, at(0))).on(j.stop, nothing)
			_, err := j.run(cancelAfter(t, 7*time.Second), s.client(), TerminateOnCancel())
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.ErrorIs(t, err, ErrOutcomeUnknown)
			assert.Len(t, s.sent(j.stop), 1)
			presentable(t, err)
		})
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, nothing).on(j.start, slow(20*time.Second, at(0))).on(j.stop, answers(402, ""))
			_, err := j.run(cancelAfter(t, 7*time.Second), s.client(), TerminateOnCancel())
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.ErrorIs(t, err, ErrPaymentRequired)
			presentable(t, err)
		})
	})
	t.Run("does not stop what was never started", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, slow(20*time.Second, at(50)))
			_, err := j.run(cancelAfter(t, 7*time.Second), s.client(), TerminateOnCancel())
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, []string{j.look}, s.order())
		})
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, nothing).on(j.start, answers(429, "", "Retry-After", "30"))
			_, err := j.run(cancelAfter(t, 7*time.Second), s.client(), TerminateOnCancel())
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.NotErrorIs(t, err, ErrOutcomeUnknown)
			assert.Empty(t, s.sent(j.stop))
		})
	})
	t.Run("is not in force while the context has not ended", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			_, err := j.run(t.Context(), s.on(j.look, done).on(j.start, fails(errReset)).client(), TerminateOnCancel())
			assert.ErrorIs(t, err, ErrOutcomeUnknown)
			assert.Empty(t, s.sent(j.stop))
		})
	})
	t.Run("is in force in the helpers", func(t *testing.T) {
		eachStoppableJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, nothing, at(5)).on(j.start, at(0)).on(j.stop, nothing)
			_, err := j.run(cancelAfter(t, 7*time.Second), s.client(), TerminateOnCancel())
			taskError(t, err, context.DeadlineExceeded)
			assert.Len(t, s.sent(j.stop), 1)
		})
	})
}

func TestThePersonalFolderCannotBeStopped(t *testing.T) {
	s := newScript(t) // nothing is scripted: what is sent fails the test
	client := s.client()
	task := client.DeletePersonalFolderTask()
	_, waited := task.Wait(t.Context(), TerminateOnCancel())
	_, ran := client.DeletePersonalFolder(t.Context(), TerminateOnCancel())
	for _, err := range []error{task.Terminate(t.Context()), waited, ran} {
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		presentable(t, err)
	}
	for _, err := range task.Watch(t.Context(), TerminateOnCancel()) {
		assert.ErrorIs(t, err, errors.ErrUnsupported)
	}
	assert.Empty(t, s.sent(""))
	assert.Equal(t, uuid.Nil, task.User())
	assert.Equal(t, leaving, client.RemoveTask(leaving).User())
}

func TestFailuresWhileWaiting(t *testing.T) {
	for _, test := range []struct {
		name  string
		reply reply
		kind  error
	}{
		{"400", answers(400, ""), ErrBadRequest},
		{"401", answers(401, ""), ErrUnauthorized},
		{"402", answers(402, ""), ErrPaymentRequired},
		{"403", file(t, 403, "ip-restriction-403.json"), ErrForbidden},
		{"404", answers(404, ""), ErrNotFound},
		{"a sign-in page", file(t, 200, "sign-in.html"), ErrUnexpectedResponse},
		{"an error inside a 200", answers(200, `{"error":{"message":"no"},"status":1,"statusCode":0}`), ErrUnexpectedResponse},
		{"no progress", file(t, 200, "progress-without-iscompleted.json"), ErrUnexpectedResponse},
		{"a wait that is too long", answers(429, "", "Retry-After", "600"), ErrRateLimited},
	} {
		t.Run(test.name+" ends it at once", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				p, err := started(t, s.on(j.look, at(5), test.reply), j).Wait(t.Context())
				requestError(t, err, test.kind)
				assert.Equal(t, 5, p.Percentage, "what was last seen comes back")
				assert.Len(t, s.sent(j.look), 2)
				assert.Less(t, time.Since(s.began), 2*time.Second)
			})
		})
	}
	t.Run("what may pass is ridden out", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			s.on(j.look, at(5), answers(500, ""), fails(errReset), answers(429, "", "Retry-After", "20"), at(20),
				file(t, 502, "proxy-502.html"), fails(errRefused), breaksOff(200, "{", io.ErrUnexpectedEOF), done)
			_, err := started(t, s, j).Wait(t.Context())
			require.NoError(t, err)
			assert.Len(t, s.sent(j.look), 9)
		})
	})
	t.Run("within the retry policy", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			p, err := started(t, s.on(j.look, at(5), fails(errReset)), j).Wait(t.Context())
			assert.Equal(t, 4, requestError(t, err, nil).Attempts)
			assert.ErrorIs(t, err, syscall.ECONNRESET)
			assert.Equal(t, 5, p.Percentage)
			assert.Len(t, s.sent(j.look), 5)
		})
	})
}

func TestAJobThatRunsAlreadyIsNotJoined(t *testing.T) {
	for name, running := range map[string]reply{"running": at(30), "created": progress(0, false, 0, ""), "odd": progress(100, false, 2, "")} {
		t.Run(name, func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				p, err := j.run(t.Context(), s.on(j.look, running).client())
				e := taskError(t, err, ErrTaskRunning)
				assert.Equal(t, p, e.Progress)
				assert.NotErrorIs(t, err, ErrOutcomeUnknown)
				assert.Equal(t, []string{j.look}, s.order(), "nothing was started")
				assert.Contains(t, err.Error(), p.String())
				presentable(t, err)
			})
		})
	}
	for name, ended := range map[string]reply{"well": done, "badly": failed, "early": canceled, "with the status running": progress(100, true, 1, "")} {
		t.Run("one that has ended "+name+" is replaced", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				s.on(j.look, ended, at(5), done).on(j.start, at(0))
				var first *Progress
				p, err := j.run(t.Context(), s.client(), OnProgress(func(p Progress) {
					if first == nil {
						first = &p
					}
				}))
				require.NoError(t, err)
				assert.True(t, p.IsCompleted)
				assert.Zero(t, first.Percentage, "nothing of the old job is reported")
			})
		})
	}
	t.Run("nothing is started where the look fails", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			_, err := j.run(t.Context(), s.on(j.look, answers(403, "")).client())
			requestError(t, err, ErrForbidden)
			assert.Equal(t, []string{j.look}, s.order())
		})
	})
}

func TestAStartWithoutAnAnswer(t *testing.T) {
	for name, lost := range map[string]reply{
		"a reset": fails(errReset), "too late": slow(time.Hour, at(0)), "500": answers(500, ""), "502": file(t, 502, "proxy-502.html"),
		"cut": breaksOff(200, `{"resp`, io.ErrUnexpectedEOF), "HTML": file(t, 200, "sign-in.html"), "nothing": answers(200, ""),
		"no progress": file(t, 200, "progress-without-status.json"),
	} {
		t.Run(name+": its job is found and waited for", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				s.on(j.start, lost).on(j.look, nothing, at(5), at(10), done)
				var seen []int
				_, err := j.run(t.Context(), s.client(), OnProgress(func(p Progress) { seen = append(seen, p.Percentage) }))
				require.NoError(t, err)
				assert.Equal(t, []string{j.look, j.start, j.look, j.look, j.look}, s.order())
				assert.Equal(t, []int{5, 10, 100}, seen)
			})
		})
		t.Run(name+": its job is found ended", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				_, err := j.run(t.Context(), s.on(j.start, lost).on(j.look, nothing, done).client())
				require.NoError(t, err)
				assert.Equal(t, []string{j.look, j.start, j.look}, s.order())
			})
		})
		answered := name == "HTML" || name == "nothing" || name == "no progress"
		t.Run(name+": it is sent again where there is none, unless there was an answer", func(t *testing.T) {
			if answered {
				eachJob(t, func(t *testing.T, j job, s *script) {
					_, err := j.run(t.Context(), s.on(j.start, lost).on(j.look, nothing).client())
					assert.ErrorIs(t, err, ErrOutcomeUnknown)
					assert.Equal(t, []string{j.look, j.start, j.look}, s.order())
				})
				return
			}
			eachJob(t, func(t *testing.T, j job, s *script) {
				s.on(j.start, lost, lost, at(0)).on(j.look, nothing, nothing, nothing, at(5), done)
				_, err := j.run(t.Context(), s.client())
				require.NoError(t, err)
				assert.Equal(t, []string{j.look, j.start, j.look, j.start, j.look, j.start, j.look, j.look}, s.order())
				assert.Equal(t, s.sent(j.start)[0].body, s.sent(j.start)[2].body)
			})
		})
		t.Run(name+": a different one in place of one that had ended is it", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				_, err := j.run(t.Context(), s.on(j.start, lost).on(j.look, done, at(5), done).client())
				require.NoError(t, err)
				assert.Equal(t, []string{j.look, j.start, j.look, j.look}, s.order())
			})
		})
		t.Run(name+": the same one that had ended says nothing", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				_, err := j.run(t.Context(), s.on(j.start, lost).on(j.look, done).client())
				assert.ErrorIs(t, err, ErrOutcomeUnknown)
				assert.Equal(t, []string{j.look, j.start, j.look}, s.order())
				presentable(t, err)
			})
		})
		t.Run(name+": and no look either", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				_, err := j.run(t.Context(), s.on(j.start, lost).on(j.look, nothing, answers(403, "")).client())
				assert.ErrorIs(t, err, ErrOutcomeUnknown)
				var e *Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, j.start, e.Operation)
				assert.Equal(t, []string{j.look, j.start, j.look}, s.order())
			})
		})
		t.Run(name+": it is not sent for ever", func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				_, err := j.run(t.Context(), s.on(j.start, lost).on(j.look, nothing).client())
				assert.ErrorIs(t, err, ErrOutcomeUnknown)
				assert.Len(t, s.sent(j.start), map[bool]int{false: 4, true: 1}[answered])
			})
			eachJob(t, func(t *testing.T, j job, s *script) {
				_, err := j.run(t.Context(), s.on(j.start, lost).on(j.look, nothing).client(WithRetry(RetryPolicy{MaxAttempts: 1})))
				assert.ErrorIs(t, err, ErrOutcomeUnknown)
				assert.Len(t, s.sent(j.start), 1)
			})
		})
	}
	t.Run("one that was refused is not looked for", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			_, err := j.run(t.Context(), s.on(j.start, file(t, 400, "error-400.json")).on(j.look, nothing).client())
			requestError(t, err, ErrBadRequest)
			assert.NotErrorIs(t, err, ErrOutcomeUnknown)
			assert.Equal(t, []string{j.look, j.start}, s.order())
		})
	})
	t.Run("one that was refused after one that was lost leaves the doubt", func(t *testing.T) {
		// The second start is answered 400 because the first one has erased the user, or because it never could.
		eachJob(t, func(t *testing.T, j job, s *script) {
			_, err := j.run(t.Context(), s.on(j.start, fails(errReset), answers(400, "")).on(j.look, nothing).client())
			assert.ErrorIs(t, err, ErrBadRequest)
		})
	})
	t.Run("the plain starts leave it to the caller", func(t *testing.T) {
		eachJob(t, func(t *testing.T, j job, s *script) {
			task, err := j.begin(t.Context(), s.on(j.start, fails(errReset)).client())
			assert.Nil(t, task)
			assert.ErrorIs(t, err, ErrOutcomeUnknown)
			assert.Len(t, s.sent(""), 1)
		})
	})
}

// The first start was lost and may have run to its end within the delay (or the portal dropped its progress at a
// restart); the second one is answered 400, because the user is gone. "No job was started" is then a lie.
func TestARefusalAfterALostStartLeavesTheDoubt(t *testing.T) {
	eachJob(t, func(t *testing.T, j job, s *script) {
		s.on(j.start, fails(errReset), file(t, 400, "error-nulls.json")).on(j.look, nothing)
		_, err := j.run(t.Context(), s.client())
		assert.ErrorIs(t, err, ErrOutcomeUnknown)
		assert.NotContains(t, err.Error(), "No job was started")
	})
}

func TestATaskIsSafeForConcurrentUse(t *testing.T) {
	eachStoppableJob(t, func(t *testing.T, j job, s *script) {
		s.on(j.look, slow(time.Millisecond, at(5)), at(6), at(7), at(8)).on(j.stop, nothing)
		task := started(t, s, j)
		var group sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for range 10 {
			group.Go(func() { _, _ = task.Wait(ctx) })
			group.Go(func() { _, _ = task.Progress(ctx) })
			group.Go(func() { assert.NoError(t, task.Terminate(ctx)) })
		}
		group.Wait()
	})
}

func TestOptionsOfAWaitThatMakeNoSense(t *testing.T) {
	for name, option := range map[string]WaitOption{
		"nil":                     nil,
		"no time between looks":   PollBetween(0, time.Second),
		"less than none":          PollBetween(-1, time.Second),
		"bounds the wrong way":    PollBetween(2*time.Second, time.Second),
		"looks after the minute":  PollBetween(time.Second, time.Minute),
		"a patience below zero":   AbsentFor(-1),
		"the overflow of a bound": PollBetween(1<<62, 1<<62),
	} {
		t.Run(name, func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				_, waited := j.attach(s.client()).Wait(t.Context(), option)
				_, ran := j.run(t.Context(), s.client(), option)
				for _, err := range []error{waited, ran} {
					require.Error(t, err)
					assert.Zero(t, requestError(t, err, nil).Attempts)
					assert.Contains(t, err.Error(), "not sent")
					presentable(t, err)
				}
				assert.Empty(t, s.sent(""))
			})
		})
	}
	eachJob(t, func(t *testing.T, j job, s *script) {
		_, err := j.attach(s.on(j.look, done).client()).Wait(t.Context(), OnProgress(nil))
		assert.NoError(t, err, "no callback is none")
	})
}

func TestProgressOfAJobThatFailedIsNoErrorOfALook(t *testing.T) {
	eachJob(t, func(t *testing.T, j job, s *script) {
		p, err := j.attach(s.on(j.look, failed).client()).Progress(t.Context())
		require.NoError(t, err)
		assert.Equal(t, Progress{"1_x_ReassignProgressItem", 50, api.DistributedTaskStatusFailed, "", true, "The room could not be moved"}, p)
	})
}

// Fields of an exported type may be left zero, for instance in the tests of somebody's program.
func TestATaskErrorMadeByHandHasAText(t *testing.T) {
	assert.NotPanics(t, func() { _ = (&TaskError{}).Error() })
}

func TestAPortalThatFailsWhileAJobIsWatchedLeavesItsOutcomeOpen(t *testing.T) {
	for name, failing := range map[string]struct {
		reply reply
		kind  error
	}{
		"503": {file(t, 503, "proxy-503.html"), ErrServer}, "401": {answers(401, ""), ErrUnauthorized},
		"a sign-in page": {file(t, 200, "sign-in.html"), ErrUnexpectedResponse}, "a reset": {fails(errReset), nil},
		"a long wait": {answers(429, "", "Retry-After", "90"), ErrRateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			eachJob(t, func(t *testing.T, j job, s *script) {
				p, err := started(t, s.on(j.look, at(30), failing.reply), j).Wait(t.Context())
				assert.Equal(t, 30, p.Percentage)
				var e *TaskError
				require.ErrorAs(t, err, &e)
				assert.Equal(t, p, e.Progress)
				assert.ErrorIs(t, err, ErrOutcomeUnknown)
				if failing.kind != nil {
					assert.ErrorIs(t, err, failing.kind)
				}
				assert.Contains(t, err.Error(), "last seen at 30%")
				assert.Contains(t, err.Error(), "The job goes on")
				assert.NotContains(t, err.Error(), "Nothing was changed")
				presentable(t, err)
			})
		})
	}
}

func TestAStopOfWhichThePortalKnowsNothingLeavesTheOutcomeOpen(t *testing.T) {
	eachStoppableJob(t, func(t *testing.T, j job, s *script) {
		task := started(t, s.on(j.look, nothing).on(j.stop, nothing), j)
		require.NoError(t, task.Terminate(t.Context()))
		_, err := task.Wait(t.Context())
		taskError(t, err, ErrTaskCanceled)
		assert.ErrorIs(t, err, ErrOutcomeUnknown)
		presentable(t, err)
	})
	eachJob(t, func(t *testing.T, j job, s *script) {
		if j.stop != "terminateReassign" {
			return
		}
		task := started(t, s.on(j.look, nothing).on(j.stop, file(t, 200, "progress-canceled.json")), j)
		require.NoError(t, task.Terminate(t.Context()))
		_, err := task.Wait(t.Context())
		taskError(t, err, ErrTaskCanceled)
		assert.NotErrorIs(t, err, ErrOutcomeUnknown, "the portal has said that it stops")
	})
}

func TestALostStartIsSentAgainWhenThePortalSaysSo(t *testing.T) {
	for wait, sends := range map[string]int{"30": 2, "61": 1} {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(t).on("getRemoveProgress", file(t, 200, "nothing-queued.json")).
				on("startRemove", answers(504, "", "Retry-After", wait), file(t, 200, "progress-completed.json"))
			began := time.Now()
			_, err := s.client().Remove(t.Context(), leaving)
			require.Len(t, s.sent("startRemove"), sends)
			if sends == 1 {
				assert.ErrorIs(t, err, ErrOutcomeUnknown)
				assert.Contains(t, err.Error(), "Try again after 1m1s")
				assert.Zero(t, time.Since(began))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, 30*time.Second, s.sent("startRemove")[1].at-s.sent("startRemove")[0].at)
		})
	}
}
