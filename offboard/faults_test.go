package offboard_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

func times(n int, f docspacetest.Fault) []docspacetest.Fault {
	return slices.Repeat([]docspacetest.Fault{f}, n)
}

func TestWhatPassesIsRiddenOut(t *testing.T) {
	html := docspacetest.Fault{Status: http.StatusServiceUnavailable, ContentType: "text/html", Body: "<h1>Service Unavailable</h1>"}
	retryAfter := docspacetest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"20"}}}
	for _, c := range []struct {
		name      string
		operation string
		faults    []docspacetest.Fault
	}{
		{"lost starts of a reassignment", "startReassign", times(2, docspacetest.Fault{Lost: true})},
		{"lost starts of a removal", "startRemove", times(2, docspacetest.Fault{Lost: true})},
		{"starts of a reassignment that never arrived", "startReassign", times(1, docspacetest.Fault{Reset: true})},
		{"starts of a removal that never arrived", "startRemove", times(1, docspacetest.Fault{Reset: true})},
		{"a start that failed with 500", "startReassign", times(1, docspacetest.Fault{Status: http.StatusInternalServerError})},
		{"a start that a proxy did not pass on", "startReassign", times(1, html)},
		{"a start that was processed and answered by a proxy", "startRemove", times(1, docspacetest.Fault{Lost: true, Status: http.StatusBadGateway, ContentType: "text/html", Body: "<h1>"})},
		{"a start that hangs", "startReassign", times(1, docspacetest.Fault{Hang: true})},
		{"a start that is processed and hangs", "startReassign", times(1, docspacetest.Fault{Lost: true, Hang: true})},
		{"429 with a wait", "startReassign", times(2, retryAfter)},
		{"429 without a wait", "startRemove", times(2, docspacetest.Fault{Status: http.StatusTooManyRequests})},
		{"a question that is reset", "necessaryReassign", times(3, docspacetest.Fault{Reset: true})},
		{"a question that hangs", "necessaryReassign", times(1, docspacetest.Fault{Hang: true})},
		{"looks that are reset", "getReassignProgress", times(3, docspacetest.Fault{Reset: true})},
		{"looks that fail with 500", "getRemoveProgress", times(3, docspacetest.Fault{Status: http.StatusInternalServerError})},
		{"looks that a proxy answers", "getRemoveProgress", times(3, html)},
		{"looks that hang", "getReassignProgress", append([]docspacetest.Fault{{}, {}, {}}, times(2, docspacetest.Fault{Hang: true})...)},
		{"looks that are too many", "getReassignProgress", append([]docspacetest.Fault{{}, {}}, times(2, retryAfter)...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s stage) {
				rs := s.leavers(8)
				s.portal.Fail(c.operation, c.faults...)
				results := s.run(t.Context(), offboard.Options{}, rs...)
				require.Len(t, results, 8)
				for _, r := range results {
					assert.NoError(t, r.Err)
				}
				s.assertGone(t, 4, rs...)
			})
		})
	}
}

// Whatever happens, nobody is reported as done who is not, and the next runs with the journal finish everything.
func TestWhateverHappensTheNextRunsFinishEverything(t *testing.T) {
	operations := []string{"necessaryReassign", "startReassign", "startRemove", "getReassignProgress", "getRemoveProgress"}
	kinds := []docspacetest.Fault{
		{}, {}, {}, {Lost: true}, {Reset: true}, {Hang: true}, {Lost: true, Hang: true}, {Delay: 10 * time.Second},
		{Status: http.StatusInternalServerError}, {Status: http.StatusBadGateway, ContentType: "text/html", Body: "<h1>Bad Gateway</h1>"},
		{Status: http.StatusTooManyRequests}, {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"30"}}},
		{Lost: true, Status: http.StatusServiceUnavailable}, {Status: http.StatusOK, ContentType: "text/html", Body: "<html>sign in</html>"},
		{Status: http.StatusNotFound}, {Status: http.StatusUnauthorized}, {Status: http.StatusForbidden},
	}
	seeds := uint64(60)
	if underRace {
		seeds = 10
	}
	for seed := range seeds {
		onStage(t, func(t *testing.T, s stage) {
			random := rand.New(rand.NewPCG(seed, 3))
			for _, operation := range operations {
				for range 60 {
					s.portal.Fail(operation, kinds[random.IntN(len(kinds))])
				}
			}
			restart := time.AfterFunc(time.Duration(random.Int64N(int64(10*time.Minute))), s.portal.Restart)
			defer restart.Stop()
			journal, rs := &memory{}, s.leavers(16)
			for range 40 {
				results := s.run(t.Context(), offboard.Options{Journal: journal.open()}, rs...)
				require.Len(t, results, len(rs))
				failures := 0
				for _, r := range results {
					_, still := s.portal.User(r.Request.From)
					if r.Err == nil {
						assert.False(t, still, "done, but still there; seed %d", seed)
					} else {
						failures++
						assert.ErrorContains(t, r.Err, r.Request.From.String(), "seed %d", seed)
					}
				}
				if failures == 0 {
					break
				}
			}
			s.assertGone(t, 8, rs...)
		})
		if t.Failed() {
			t.Fatal("seed", seed)
		}
	}
}

func TestARestartLeavesOutcomesUnknownAndTheNextRunFinishes(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		time.AfterFunc(70*time.Second, s.portal.Restart)
		journal, rs := &memory{}, s.leavers(10)
		unknown := 0
		for _, r := range s.run(t.Context(), offboard.Options{Journal: journal}, rs...) {
			if r.Err != nil {
				unknown++
				require.ErrorIs(t, r.Err, wrapper.ErrOutcomeUnknown)
				assert.ErrorContains(t, r.Err, r.Request.From.String())
			}
		}
		assert.NotZero(t, unknown)
		for _, r := range s.run(t.Context(), offboard.Options{Journal: journal.open()}, rs...) {
			assert.NoError(t, r.Err)
		}
		s.assertGone(t, 5, rs...)
	})
}

// The outcome of a job that nobody could look at any more is as unknown as that of one whose start was lost.
func TestAJobThatCannotBeLookedAtHasAnUnknownOutcome(t *testing.T) {
	for name, fault := range map[string]docspacetest.Fault{
		"500":             {Status: http.StatusInternalServerError},
		"reset":           {Reset: true},
		"signed out":      {Status: http.StatusUnauthorized},
		"suspended":       {Status: http.StatusNotFound},
		"come again late": {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s stage) {
				r := s.to(s.leaver(1))
				s.portal.Fail("getReassignProgress", append([]docspacetest.Fault{{}}, times(8, fault)...)...)
				err := s.run(t.Context(), offboard.Options{}, r)[0].Err
				require.Error(t, err)
				assert.ErrorIs(t, err, wrapper.ErrOutcomeUnknown)
				assert.NotContains(t, err.Error(), "Nothing was changed", "a job was started")
			})
		})
	}
}

func TestARoomThatComesAfterTheQuestionIsHandedOver(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var rs []offboard.Request
		for range 40 {
			rs = append(rs, s.to(s.leaver(0)))
		}
		late, _ := s.portal.User(rs[len(rs)-1].From)
		time.AfterFunc(3*time.Minute, func() {
			late.Rooms = 2
			s.portal.AddUser(late)
		})
		results := s.run(t.Context(), offboard.Options{}, rs...)
		require.NoError(t, of(results, late.ID).Err)
		assert.Equal(t, offboard.Reassign, of(results, late.ID).Action)
		s.assertGone(t, 2, rs...)
	})
}

func TestAReassignmentOfSomebodyElseIsNotJoined(t *testing.T) {
	for _, rooms := range []int{1, 0} {
		onStage(t, func(t *testing.T, s stage) {
			user := s.leaver(rooms)
			reassignTo(t, s, user.ID)
			journal := &memory{}
			err := s.run(t.Context(), offboard.Options{Journal: journal}, s.to(user))[0].Err
			require.ErrorIs(t, err, wrapper.ErrTaskRunning)
			assert.ErrorContains(t, err, user.ID.String())
			assert.Equal(t, 1, s.count("startReassign"))
			assert.Zero(t, s.count("startRemove"))
			assert.Empty(t, journal.String())
		})
	}
}

// User refuses; Users must not reassign what a removal is about to erase either.
func TestNothingIsHandedOverWhileARemovalOfSomebodyElseRuns(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		user := s.leaver(2)
		remove(t, s, user.ID)
		err := s.run(t.Context(), offboard.Options{}, s.to(user))[0].Err
		require.ErrorIs(t, err, wrapper.ErrTaskRunning)
		assert.Zero(t, s.count("startReassign"))
	})
}

func TestARemovalThatFailedBeforeIsNotTakenForTheOneThatIsStarted(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		user, journal := s.failing(0), &memory{}
		require.ErrorIs(t, s.run(t.Context(), offboard.Options{Journal: journal}, s.to(user))[0].Err, wrapper.ErrTaskFailed)
		user.Job = docspacetest.Job{}
		s.portal.AddUser(user)
		s.portal.Fail("startRemove", docspacetest.Fault{Reset: true}) // looked for, and sent again
		assert.NoError(t, s.run(t.Context(), offboard.Options{Journal: journal.open()}, s.to(user))[0].Err)
	})
}

// A start that hangs must not keep the others from being looked at: how they ended is forgotten within a minute or so.
func TestAHangingStartHidesNoFailureOfOthers(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var rs []offboard.Request
		bad := s.portal.AddUser(docspacetest.User{
			Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 1,
			Job: docspacetest.Job{Length: 5 * time.Second, Error: "the disk is full"},
		})
		rs = append(rs, s.to(bad))
		for range 12 {
			rs = append(rs, s.to(s.lasting(1, 5*time.Second)))
		}
		faults := times(7, docspacetest.Fault{})
		s.portal.Fail("startReassign", append(faults, times(6, docspacetest.Fault{Hang: true})...)...)
		s.portal.Fail("getReassignProgress", docspacetest.Fault{})
		err := of(s.run(t.Context(), offboard.Options{}, rs...), bad.ID).Err
		assert.ErrorIs(t, err, wrapper.ErrTaskFailed)
		assert.NotErrorIs(t, err, wrapper.ErrOutcomeUnknown)
	})
}

func TestA429HoldsEverybodyBack(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		rs := s.leavers(100)
		s.portal.Fail("startRemove", append(times(10, docspacetest.Fault{}), docspacetest.Fault{
			Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"45"}},
		})...)
		for _, r := range s.run(t.Context(), offboard.Options{}, rs...) {
			assert.NoError(t, r.Err)
		}
		var told time.Time
		for _, r := range s.portal.Requests() {
			switch {
			case r.Status == http.StatusTooManyRequests:
				told = r.Time
			case !told.IsZero() && r.Time.After(told):
				assert.GreaterOrEqual(t, r.Time.Sub(told), 45*time.Second)
			}
		}
		assert.NotZero(t, told)
	})
}

// An unknown start stays unknown though the context ends before it could be looked for.
func TestAStartThatWasLostWhenTheContextEndedIsUnknown(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		r, journal := s.to(s.leaver(1)), &memory{}
		s.portal.Fail("startReassign", docspacetest.Fault{Lost: true, Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := s.run(ctx, offboard.Options{Journal: journal}, r)[0].Err
		require.ErrorIs(t, err, wrapper.ErrOutcomeUnknown)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, s.run(t.Context(), offboard.Options{Journal: journal.open()}, r)[0].Err)
		s.assertGone(t, 1, r)
	})
}
