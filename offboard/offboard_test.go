package offboard_test

import (
	"net/http"
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

// stage is a portal in virtual time with a client of its owner and somebody to take over.
type stage struct {
	portal    *docspacetest.Portal
	client    *wrapper.Client
	successor docspacetest.User
}

func onStage(t *testing.T, play func(*testing.T, stage), options ...docspacetest.Option) {
	synctest.Test(t, func(t *testing.T) {
		options := append([]docspacetest.Option{docspacetest.WithJobLength(20 * time.Second)}, options...)
		portal := docspacetest.NewPortal(options...)
		defer portal.Close()
		client, err := wrapper.New(portal.URL,
			wrapper.WithHTTPClient(portal.HTTPClient()), wrapper.WithAuth(wrapper.APIKey(portal.Owner().APIKey)))
		require.NoError(t, err)
		play(t, stage{portal, client, portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})})
	})
}

// leaver is a disabled user with so many rooms.
func (s stage) leaver(rooms int) docspacetest.User {
	return s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: rooms})
}

// sent lists the operations that the portal was asked for.
func (s stage) sent() (operations []string) {
	for _, r := range s.portal.Requests() {
		operations = append(operations, r.OperationID)
	}
	return operations
}

func TestAUserWithRoomsIsHandedOver(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		user := s.leaver(4)
		var seen []int
		result, err := offboard.User(t.Context(), s.client, offboard.Request{From: user.ID, To: s.successor.ID},
			wrapper.OnProgress(func(p wrapper.Progress) { seen = append(seen, p.Percentage) }))
		require.NoError(t, err)
		assert.NoError(t, result.Err)
		assert.Equal(t, offboard.Reassign, result.Action)
		assert.True(t, result.Progress.IsCompleted)
		assert.GreaterOrEqual(t, result.Took, 20*time.Second)
		assert.Less(t, result.Took, 25*time.Second)
		assert.IsNonDecreasing(t, seen)
		assert.Equal(t, 100, seen[len(seen)-1])

		_, still := s.portal.User(user.ID)
		assert.False(t, still, "the profile is gone")
		now, _ := s.portal.User(s.successor.ID)
		assert.Equal(t, 4, now.Rooms)
	})
}

func TestAUserWithNothingToHandOverIsRemoved(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		user := s.leaver(0)
		result, err := offboard.User(t.Context(), s.client, offboard.Request{From: user.ID, To: s.successor.ID})
		require.NoError(t, err)
		assert.Equal(t, offboard.Remove, result.Action)
		_, still := s.portal.User(user.ID)
		assert.False(t, still)
		assert.NotContains(t, s.sent(), "startReassign")
	})
}

func TestAWrongRequestIsNotSent(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		user := s.leaver(1)
		for name, r := range map[string]offboard.Request{
			"nobody leaves":                         {To: s.successor.ID},
			"nobody takes over":                     {From: user.ID},
			"the successor is the user who leaves":  {From: user.ID, To: user.ID},
			"neither is named, and both are nobody": {From: uuid.Nil, To: uuid.Nil},
		} {
			result, err := offboard.User(t.Context(), s.client, r)
			require.Error(t, err, name)
			assert.Equal(t, err, result.Err, name)
			assert.Empty(t, result.Action, name)
		}
		assert.Empty(t, s.portal.Requests())
	})
}

func TestAUserIsLeftAloneWhileAnyJobRuns(t *testing.T) {
	for _, c := range []struct {
		name  string
		rooms int
		start func(*testing.T, stage, uuid.UUID) *wrapper.Task
	}{
		{"a reassignment, and there are rooms to hand over", 2, reassignTo},
		{"a removal, and there are rooms to hand over", 2, remove},
		{"a reassignment, and there is nothing to hand over", 0, reassignTo},
		{"a removal, and there is nothing to hand over", 0, remove},
	} {
		t.Run(c.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s stage) {
				user := s.leaver(c.rooms)
				running := c.start(t, s, user.ID)
				before := len(s.portal.Requests())
				result, err := offboard.User(t.Context(), s.client, offboard.Request{From: user.ID, To: s.successor.ID})
				require.ErrorIs(t, err, wrapper.ErrTaskRunning)
				assert.ErrorContains(t, err, user.ID.String())
				assert.False(t, result.Progress.IsCompleted)
				for _, operation := range s.sent()[before:] {
					assert.NotContains(t, operation, "start")
				}
				_, err = running.Wait(t.Context())
				assert.NoError(t, err, "the job that ran is left to itself")
			})
		})
	}
}

func reassignTo(t *testing.T, s stage, user uuid.UUID) *wrapper.Task {
	other := s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
	task, err := s.client.StartReassign(t.Context(), user, other.ID)
	require.NoError(t, err)
	return task
}

func remove(t *testing.T, s stage, user uuid.UUID) *wrapper.Task {
	task, err := s.client.StartRemove(t.Context(), user)
	require.NoError(t, err)
	return task
}

func TestFailuresSayWhatTheyAre(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(stage, *offboard.Request)
		want  error
	}{
		{"an unknown user", func(_ stage, r *offboard.Request) { r.From = uuid.New() }, wrapper.ErrBadRequest},
		{"a user who is not disabled", func(s stage, r *offboard.Request) {
			r.From = s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Rooms: 1}).ID
		}, wrapper.ErrBadRequest},
		{"a successor who is a guest", func(s stage, r *offboard.Request) {
			r.To = s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeGuest}).ID
		}, wrapper.ErrBadRequest},
		{"a job that fails", func(s stage, r *offboard.Request) {
			r.From = s.portal.AddUser(docspacetest.User{
				Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 1,
				Job: docspacetest.Job{Error: "the disk is full"},
			}).ID
		}, wrapper.ErrTaskFailed},
		{"a portal that is in trouble at the question", func(s stage, _ *offboard.Request) {
			for range 4 {
				s.portal.Fail("necessaryReassign", docspacetest.Fault{Status: http.StatusBadGateway})
			}
		}, wrapper.ErrServer},
		{"a portal that is in trouble at the start", func(s stage, _ *offboard.Request) {
			for range 4 {
				s.portal.Fail("startReassign", docspacetest.Fault{Status: http.StatusInternalServerError})
			}
		}, wrapper.ErrOutcomeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s stage) {
				r := offboard.Request{From: s.leaver(1).ID, To: s.successor.ID}
				c.spoil(s, &r)
				result, err := offboard.User(t.Context(), s.client, r)
				require.ErrorIs(t, err, c.want)
				assert.ErrorContains(t, err, r.From.String())
				assert.Equal(t, err, result.Err)
			})
		})
	}
}
