package offboard_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

// to is the request that hands somebody over to the stage's successor.
func (s stage) to(user docspacetest.User) offboard.Request {
	return offboard.Request{From: user.ID, To: s.successor.ID}
}

// leavers are so many disabled users, every second with a room, and the requests for them.
func (s stage) leavers(n int) (rs []offboard.Request) {
	for i := range n {
		rs = append(rs, s.to(s.leaver(i%2)))
	}
	return rs
}

// lasting is a disabled user whose jobs take so long.
func (s stage) lasting(rooms int, length time.Duration) docspacetest.User {
	return s.portal.AddUser(docspacetest.User{
		Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: rooms, Job: docspacetest.Job{Length: length},
	})
}

// failing is a disabled user whose jobs end with an error.
func (s stage) failing(rooms int) docspacetest.User {
	return s.portal.AddUser(docspacetest.User{
		Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: rooms, Job: docspacetest.Job{Error: "the disk is full"},
	})
}

// run offboards everybody and returns the results by user, and in the order in which they came.
func (s stage) run(ctx context.Context, o offboard.Options, rs ...offboard.Request) (results []offboard.Result) {
	return slices.Collect(offboard.Users(ctx, s.client, slices.Values(rs), o))
}

func of(results []offboard.Result, user uuid.UUID) (r offboard.Result) {
	for _, r := range results {
		if r.Request.From == user {
			return r
		}
	}
	return offboard.Result{Err: fmt.Errorf("there is no result of %s", user)}
}

func (s stage) count(operation string) (n int) {
	for _, sent := range s.sent() {
		if sent == operation {
			n++
		}
	}
	return n
}

// assertGone checks that these users are gone, and that so many rooms are the successor's and none is the owner's.
func (s stage) assertGone(t *testing.T, rooms int, rs ...offboard.Request) {
	t.Helper()
	for _, r := range rs {
		_, still := s.portal.User(r.From)
		assert.False(t, still, "%s is still there", r.From)
	}
	now, _ := s.portal.User(s.successor.ID)
	assert.Equal(t, rooms, now.Rooms, "rooms of the successor")
	assert.Zero(t, s.portal.Owner().Rooms, "rooms of the owner")
}

func TestEveryUserIsOffboardedInTheirOwnWay(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		rs := s.leavers(6)
		results := s.run(t.Context(), offboard.Options{}, rs...)
		require.Len(t, results, 6)
		for i, r := range rs {
			result := of(results, r.From)
			require.NoError(t, result.Err)
			assert.Equal(t, r, result.Request)
			assert.Equal(t, []offboard.Action{offboard.Remove, offboard.Reassign}[i%2], result.Action)
			assert.True(t, result.Progress.IsCompleted)
			assert.False(t, result.Resumed)
			assert.GreaterOrEqual(t, result.Took, 20*time.Second)
		}
		s.assertGone(t, 3, rs...)
	})
}

func TestBadInputIsAResultAndTheOthersGoOn(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		good := s.leavers(4)
		guest := s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeGuest})
		other := s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
		working := s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Rooms: 1})
		workingWithout := s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
		self, nobody, toGuest, unknown := s.leaver(1), s.leaver(1), s.leaver(1), uuid.New()
		bad := []struct {
			request offboard.Request
			texts   []string // the first names the user, the others say what to do
			is      error
		}{
			{offboard.Request{From: self.ID, To: self.ID}, []string{self.ID.String(), "name somebody else"}, nil},
			{offboard.Request{To: s.successor.ID}, []string{"zero UUID"}, nil},
			{offboard.Request{From: nobody.ID}, []string{nobody.ID.String(), "zero UUID"}, nil},
			{good[0], []string{good[0].From.String(), "listed twice"}, nil},
			{offboard.Request{From: good[1].From, To: other.ID}, []string{good[1].From.String(), good[1].To.String(), "strike one"}, nil},
			{offboard.Request{From: unknown, To: s.successor.ID}, []string{unknown.String(), "not found"}, wrapper.ErrBadRequest},
			{s.to(working), []string{working.ID.String(), "disabled"}, wrapper.ErrBadRequest},
			{s.to(workingWithout), []string{workingWithout.ID.String(), "disabled"}, wrapper.ErrBadRequest},
			{offboard.Request{From: toGuest.ID, To: guest.ID}, []string{toGuest.ID.String(), "RoomAdmin"}, wrapper.ErrBadRequest},
		}
		rs := slices.Clone(good[:2])
		for _, b := range bad {
			rs = append(rs, b.request)
		}
		rs = append(rs, good[2:]...)
		results := s.run(t.Context(), offboard.Options{}, rs...)
		require.Len(t, results, len(rs))
		for _, b := range bad {
			n := 0
			for _, r := range results {
				if r.Request == b.request && r.Err != nil {
					n++
					for _, text := range b.texts {
						assert.ErrorContains(t, r.Err, text)
					}
					if b.is != nil {
						assert.ErrorIs(t, r.Err, b.is)
					}
					assert.NotContains(t, r.Err.Error(), "\n")
				}
			}
			assert.Equal(t, 1, n, "one result for %v", b.request)
		}
		s.assertGone(t, 2, good...)
		for _, sent := range s.portal.Requests() {
			for _, never := range []uuid.UUID{self.ID, nobody.ID} {
				assert.NotContains(t, sent.Path+sent.Query.Encode()+string(sent.Body), never.String(), "can be told without asking")
			}
		}
		now, _ := s.portal.User(working.ID)
		assert.Equal(t, 1, now.Rooms)
	})
}

func TestAnEmptyListHasNoResults(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		assert.Empty(t, s.run(t.Context(), offboard.Options{}))
		assert.Empty(t, s.sent())
	})
}

func TestAJobThatFailsIsAResultAndTheOthersGoOn(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		good, bad, worse := s.leavers(4), s.failing(10), s.failing(0)
		rs := append([]offboard.Request{s.to(bad), s.to(worse)}, good...)
		results := s.run(t.Context(), offboard.Options{}, rs...)
		require.Len(t, results, 6)
		for _, user := range []docspacetest.User{bad, worse} {
			result := of(results, user.ID)
			require.ErrorIs(t, result.Err, wrapper.ErrTaskFailed)
			assert.ErrorContains(t, result.Err, user.ID.String())
			assert.ErrorContains(t, result.Err, "the disk is full")
			assert.NotErrorIs(t, result.Err, wrapper.ErrOutcomeUnknown)
		}
		for _, r := range good {
			assert.NoError(t, of(results, r.From).Err)
		}
	})
}

func TestNothingMoreIsBegunAfterSoManyFailures(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var rs []offboard.Request
		for range 3 {
			rs = append(rs, s.to(s.failing(1)))
		}
		rs = append(rs, s.leavers(40)...)
		results := s.run(t.Context(), offboard.Options{StopAfter: 3}, rs...)
		failed, stopped := 0, 0
		for _, r := range results {
			switch {
			case r.Err == nil:
			case errors.Is(r.Err, offboard.ErrStopped):
				stopped++
				assert.ErrorContains(t, r.Err, r.Request.From.String())
			default:
				failed++
			}
		}
		assert.Equal(t, 3, failed)
		assert.NotZero(t, stopped)
		assert.Less(t, s.count("startReassign")+s.count("startRemove"), 20, "what was started before that comes to its end")
	})
}

func TestWhoWasNotBegunIsToldSoOnce(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		rs := append([]offboard.Request{s.to(s.failing(1))}, s.leavers(20)...)
		texts := ""
		for _, r := range s.run(t.Context(), offboard.Options{StopAfter: 1}, rs...) {
			if errors.Is(r.Err, offboard.ErrStopped) {
				texts = r.Err.Error()
			}
		}
		assert.Equal(t, 1, strings.Count(texts, "not begun"), texts)
	})
}

func TestEveryUserHasAResultThoughTheRunStopsEarly(t *testing.T) {
	for name, o := range map[string]offboard.Options{"StopAfter": {StopAfter: 1}, "context": {}} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s stage) {
				rs := append([]offboard.Request{{From: uuid.New(), To: s.successor.ID}}, s.leavers(40)...)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				assert.Len(t, s.run(ctx, o, rs...), len(rs), "one for each, if only to say that they were not begun")
			})
		})
	}
}

func TestAContextThatHasEndedBeforeIsNotARunWithoutFailures(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.NotEmpty(t, s.run(ctx, offboard.Options{}, s.leavers(3)...), "silence reads as success")
	})
}

func TestADryRunSaysWhatWouldBeDoneWithReadsOnly(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		rs := s.leavers(50)
		unknown := offboard.Request{From: uuid.New(), To: s.successor.ID}
		journal := &memory{}
		results := s.run(t.Context(), offboard.Options{DryRun: true, Journal: journal}, append(rs, unknown, rs[0])...)
		require.Len(t, results, 52)
		for i, r := range rs {
			for _, result := range results {
				if result.Request == r && result.Err == nil {
					assert.Equal(t, []offboard.Action{offboard.Remove, offboard.Reassign}[i%2], result.Action)
				}
			}
		}
		assert.ErrorIs(t, of(results, unknown.From).Err, wrapper.ErrBadRequest)
		for _, r := range s.portal.Requests() {
			assert.Equal(t, http.MethodGet, r.Method)
		}
		assert.Empty(t, journal.String())
	})
}

func TestADryRunLeavesATornJournalAsItIs(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		const torn = `{"time":"2026-01-01T00`
		journal := &memory{data: []byte(torn)}
		s.run(t.Context(), offboard.Options{DryRun: true, Journal: journal}, s.leavers(1)...)
		assert.Len(t, journal.String(), len(torn), "no journal is written")
	})
}

// The lane looks once more after the context has ended, and takes the look's failure for the user's.
func TestWhenTheContextEndsWhatRunsIsReportedAndNothingIsBegun(t *testing.T) {
	for seed := range uint64(30) {
		onStage(t, func(t *testing.T, s stage) {
			random := rand.New(rand.NewPCG(seed, 0))
			rs := s.leavers(20)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			after := time.Duration(random.Int64N(int64(100 * time.Second)))
			time.AfterFunc(after, cancel)
			began := time.Now()
			results := s.run(ctx, offboard.Options{}, rs...)
			assert.Less(t, time.Since(began), after+time.Second, "it ends at once")
			sent := len(s.portal.Requests())
			started := starts(s.portal)
			for _, r := range results {
				if r.Err == nil {
					continue
				}
				require.ErrorIs(t, r.Err, context.Canceled)
				assert.ErrorContains(t, r.Err, r.Request.From.String(), "seed %d", seed)
				if started[r.Request.From] > 0 {
					assert.ErrorContains(t, r.Err, "The job goes on")
					assert.NotEmpty(t, r.Action)
				} else {
					assert.ErrorContains(t, r.Err, "not begun")
				}
			}
			for id := range started {
				assert.NotContains(t, fmt.Sprint(of(results, id).Err), "there is no result")
			}
			time.Sleep(time.Hour)
			assert.Len(t, s.portal.Requests(), sent, "nothing more is sent")
		})
	}
}

func TestAContextThatEndsDuringALookSaysThatTheJobGoesOn(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		user := s.leaver(1)
		s.portal.Fail("getReassignProgress", docspacetest.Fault{}, docspacetest.Fault{Delay: 20 * time.Second}) // the look after the start
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := s.run(ctx, offboard.Options{}, s.to(user))[0].Err
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, user.ID.String())
		assert.ErrorContains(t, err, "The job goes on")
		assert.NotContains(t, err.Error(), "Nothing was changed")
	})
}

func TestAContextThatEndsBeforeAUserIsBegunNamesTheUser(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		rs := s.leavers(400) // more than the portal may be asked about at once
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second+time.Millisecond)
		defer cancel()
		for _, r := range s.run(ctx, offboard.Options{DryRun: true}, rs...) {
			if r.Err != nil {
				assert.ErrorContains(t, r.Err, r.Request.From.String())
				assert.ErrorContains(t, r.Err, "not begun")
			}
		}
	})
}

func TestBreakingOutOfTheLoopLeavesNothingBehind(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		for range offboard.Users(t.Context(), s.client, slices.Values(s.leavers(20)), offboard.Options{}) {
			break
		}
		sent := len(s.portal.Requests())
		synctest.Wait()
		time.Sleep(time.Hour)
		assert.Len(t, s.portal.Requests(), sent)
	})
}

func TestALoopThatPanicsLeavesNothingBehind(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		assert.PanicsWithValue(t, "enough", func() {
			for range offboard.Users(t.Context(), s.client, slices.Values(s.leavers(20)), offboard.Options{}) {
				panic("enough")
			}
		})
	})
}

func TestASlowLoopLosesNoOutcome(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		rs := s.leavers(40)
		n := 0
		for r := range offboard.Users(t.Context(), s.client, slices.Values(rs), offboard.Options{}) {
			n++
			require.NoError(t, r.Err)
			time.Sleep(5 * time.Minute)
		}
		assert.Equal(t, 40, n)
		s.assertGone(t, 20, rs...)
	})
}

func TestProgressIsToldInOrderByWhoeverRanges(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		seen, over, busy := map[uuid.UUID][]int{}, map[uuid.UUID]bool{}, false // the race detector watches over these
		o := offboard.Options{OnProgress: func(r offboard.Request, p wrapper.Progress) {
			assert.False(t, busy)
			assert.False(t, over[r.From], "no progress after the result")
			seen[r.From] = append(seen[r.From], p.Percentage)
		}}
		rs := s.leavers(20)
		for r := range offboard.Users(t.Context(), s.client, slices.Values(rs), o) {
			busy = true
			time.Sleep(time.Second)
			busy, over[r.Request.From] = false, true
		}
		for _, r := range rs {
			require.NotEmpty(t, seen[r.From])
			assert.IsNonDecreasing(t, seen[r.From])
			assert.Equal(t, 100, seen[r.From][len(seen[r.From])-1])
		}
	})
}

func TestAListThatComesSlowlyIsWorkedOffAsItComes(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		rs := s.leavers(6)
		slowly := func(yield func(offboard.Request) bool) {
			for _, r := range rs {
				time.Sleep(10 * time.Minute)
				if !yield(r) {
					return
				}
			}
		}
		began := time.Now()
		for r := range offboard.Users(t.Context(), s.client, slowly, offboard.Options{}) {
			require.NoError(t, r.Err)
		}
		assert.Less(t, time.Since(began), 62*time.Minute)
		assert.Less(t, len(s.portal.Requests()), 200, "no hot loop meanwhile")
		s.assertGone(t, 3, rs...)
	})
}

// A lane that had nothing to do for an hour must not take that for the speed of its queue.
func TestALaneThatWasIdleIsAsFastAsBefore(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		const n = 100
		late := func(yield func(offboard.Request) bool) {
			time.Sleep(time.Hour)
			for range n {
				if !yield(s.to(s.lasting(1, time.Second))) {
					return
				}
			}
		}
		began := time.Now()
		for r := range offboard.Users(t.Context(), s.client, late, offboard.Options{}) {
			require.NoError(t, r.Err)
		}
		assert.Less(t, time.Since(began)-time.Hour, n*time.Second*110/100)
	})
}

// What is learned from short jobs is no reason to have long ones wait until they count as lost.
func TestLongJobsAfterShortOnesAreNotLost(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var rs []offboard.Request
		for i := range 400 {
			length := 200 * time.Millisecond
			if i >= 300 {
				length = 40 * time.Second
			}
			rs = append(rs, s.to(s.lasting(1, length)))
		}
		unknown := 0
		for _, r := range s.run(t.Context(), offboard.Options{}, rs...) {
			if r.Err != nil {
				unknown++
			}
		}
		assert.Zero(t, unknown, "outcomes unknown")
	})
}

// Removals are never cancelled for taking long; the one behind must not count as lost for waiting.
func TestAJobBehindOneOfHalfAnHourIsNotLost(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var rs []offboard.Request
		for range 4 {
			rs = append(rs, s.to(s.lasting(0, 30*time.Minute)))
		}
		for _, r := range s.run(t.Context(), offboard.Options{}, rs...) {
			assert.NoError(t, r.Err)
		}
	})
}

func TestAJobOfLongMilestonesIsFollowedToItsEnd(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		removal := s.to(s.lasting(0, time.Hour)) // its progress comes and goes
		canceled := s.to(s.lasting(3, 20*time.Minute))
		results := s.run(t.Context(), offboard.Options{}, removal, canceled)
		assert.NoError(t, of(results, removal.From).Err)
		assert.ErrorIs(t, of(results, canceled.From).Err, wrapper.ErrTaskCanceled, "portals cancel such a reassignment themselves")
	})
}

func TestEightWorkersAreUsed(t *testing.T) {
	for _, c := range []struct {
		workers int
		length  time.Duration
	}{{8, 3 * time.Second}, {8, 4 * time.Minute}} {
		t.Run(fmt.Sprintf("%d workers, jobs of %v", c.workers, c.length), func(t *testing.T) {
			onStage(t, func(t *testing.T, s stage) { assertUsed(t, s, c.workers, c.length) }, docspacetest.WithWorkers(c.workers))
		})
	}
}

// With 8 workers and 40 s chance decides (1.02 to 1.6 of the lower bound); with 16 the window stays too small.
func TestEvenMoreWorkersAreUsed(t *testing.T) {
	for _, c := range []struct {
		workers int
		length  time.Duration
	}{{8, 40 * time.Second}, {16, 40 * time.Second}, {16, 4 * time.Minute}} {
		t.Run(fmt.Sprintf("%d workers, jobs of %v", c.workers, c.length), func(t *testing.T) {
			onStage(t, func(t *testing.T, s stage) { assertUsed(t, s, c.workers, c.length) }, docspacetest.WithWorkers(c.workers))
		})
	}
}

func assertUsed(t *testing.T, s stage, workers int, length time.Duration) {
	const n = 480
	var rs []offboard.Request
	for range n {
		rs = append(rs, s.to(s.lasting(1, length)))
	}
	began := time.Now()
	for _, r := range s.run(t.Context(), offboard.Options{}, rs...) {
		require.NoError(t, r.Err)
	}
	bound := max(length*n/time.Duration(workers), n*4*time.Minute/1500)
	ratio := time.Since(began).Seconds() / bound.Seconds()
	t.Logf("%.2f of the lower bound", ratio)
	assert.Less(t, ratio, 1.3)
}

// Everybody slows down where the portal takes less than it does by default, or somebody else uses the same account.
func TestAPortalThatTakesLessGetsLess(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		rs := s.leavers(300)
		failed := 0
		for _, r := range s.run(t.Context(), offboard.Options{}, rs...) {
			if r.Err != nil {
				if failed == 0 {
					t.Log(r.Err)
				}
				failed++
			}
		}
		limited := 0
		for _, r := range s.portal.Requests() {
			if r.Status == http.StatusTooManyRequests {
				limited++
			}
		}
		t.Log("told off", limited, "times in", len(s.portal.Requests()), "requests")
		assert.Zero(t, failed)
		s.assertGone(t, 150, rs...)
	}, docspacetest.WithJobLength(200*time.Millisecond), docspacetest.WithLimits(docspacetest.Limits{RequestsPerMinute: 500, Reads: 50, Writes: 15}))
}
