package yourtests

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time is virtual: the job's five minutes pass at once
		portal := docspacetest.NewPortal(docspacetest.WithJobLength(5 * time.Minute))
		defer portal.Close()
		user := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 3})
		successor := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})

		client, err := wrapper.New(portal.URL,
			wrapper.WithHTTPClient(portal.HTTPClient()),
			wrapper.WithAuth(wrapper.APIKey(portal.Owner().APIKey)))
		require.NoError(t, err)
		said, err := Leave(t.Context(), client, user.ID, successor.ID)
		require.NoError(t, err)

		assert.Equal(t, user.ID.String()+" is handed over (100%, completed)", said)
		now, _ := portal.User(successor.ID)
		assert.Equal(t, 3, now.Rooms)
	})
}

// run is the first test's beginning and end, for the others.
func run(t *testing.T, test func(*testing.T, *docspacetest.Portal, *wrapper.Client, docspacetest.User, docspacetest.User), opts ...docspacetest.Option) {
	synctest.Test(t, func(t *testing.T) {
		portal := docspacetest.NewPortal(append(opts, docspacetest.WithJobLength(5*time.Minute))...)
		defer portal.Close()
		user := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 3})
		successor := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
		client, err := wrapper.New(portal.URL,
			wrapper.WithHTTPClient(portal.HTTPClient()),
			wrapper.WithAuth(wrapper.APIKey(portal.Owner().APIKey)))
		require.NoError(t, err)
		test(t, portal, client, user, successor)
	})
}

func TestLeaveStartsOneJobThoughTheAnswerIsLost(t *testing.T) {
	run(t, func(t *testing.T, portal *docspacetest.Portal, client *wrapper.Client, user, successor docspacetest.User) {
		portal.Fail("startReassign",
			docspacetest.Fault{Status: http.StatusBadGateway, ContentType: "text/html", Body: "<h1>Bad Gateway</h1>"}, // not started
			docspacetest.Fault{Lost: true}) // started, but its answer is lost
		_, err := Leave(t.Context(), client, user.ID, successor.ID)
		require.NoError(t, err)

		starts := 0
		for _, request := range portal.Requests() {
			if request.OperationID == "startReassign" {
				starts++
			}
		}
		assert.Equal(t, 2, starts)
	})
}

func TestLeaveSaysWhyTheJobFailed(t *testing.T) {
	run(t, func(t *testing.T, portal *docspacetest.Portal, client *wrapper.Client, user, successor docspacetest.User) {
		user.Job = docspacetest.Job{Error: "the disk is full"}
		portal.AddUser(user) // the same user again, with jobs that go like this
		_, err := Leave(t.Context(), client, user.ID, successor.ID)
		require.ErrorIs(t, err, wrapper.ErrTaskFailed)
		assert.ErrorContains(t, err, "the disk is full")
	})
}

func TestLeaveWaitsItsTurnThoughThePortalHidesTheJob(t *testing.T) {
	run(t, func(t *testing.T, portal *docspacetest.Portal, client *wrapper.Client, user, successor docspacetest.User) {
		before := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 1})
		_, err := client.StartReassign(t.Context(), before.ID, successor.ID) // has the queue to itself for five minutes
		require.NoError(t, err)

		began := time.Now()
		_, err = Leave(t.Context(), client, user.ID, successor.ID)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, time.Since(began), 10*time.Minute) // of virtual time
	})
}

func TestLeaveKeepsToTheLimitThatThePortalNames(t *testing.T) {
	few := docspacetest.WithLimits(docspacetest.Limits{RequestsPerMinute: 5})
	run(t, func(t *testing.T, portal *docspacetest.Portal, client *wrapper.Client, user, successor docspacetest.User) {
		_, err := Leave(t.Context(), client, user.ID, successor.ID)
		require.NoError(t, err)

		tooMany := 0
		for _, request := range portal.Requests() {
			if request.Status == http.StatusTooManyRequests {
				tooMany++
			}
		}
		assert.Positive(t, tooMany)
		assert.Less(t, tooMany, 10) // and the wait that each of them names is kept to
	}, few)
}

func TestTheKeyIsNeitherLoggedNorInAnError(t *testing.T) {
	run(t, func(t *testing.T, portal *docspacetest.Portal, _ *wrapper.Client, user, successor docspacetest.User) {
		key := "sk-canary-0123456789abcdef"
		portal.Fail("getReassignProgress", docspacetest.Fault{Status: http.StatusForbidden, Body: `{"error":{"message":"no access for ` + key + `"}}`})
		var logged bytes.Buffer
		client, err := wrapper.New(portal.URL,
			wrapper.WithHTTPClient(portal.HTTPClient()),
			wrapper.WithAuth(wrapper.APIKey(key)),
			wrapper.WithLogger(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		require.NoError(t, err)
		_, err = Leave(t.Context(), client, user.ID, successor.ID)
		require.ErrorIs(t, err, wrapper.ErrForbidden)

		assert.Equal(t, "Bearer "+key, portal.Requests()[0].Header.Get("Authorization")) // it was sent
		assert.NotContains(t, err.Error(), key)
		assert.NotContains(t, logged.String(), key)
	})
}
