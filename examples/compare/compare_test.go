// Package compare has the rows of the README's comparison as tests of this client. To see them for another one, write its
// calls in place of those in client.
package compare

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

const secret = "sk-0123456789abcdef"

var user, target = uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28"), uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9")

// client is what is compared: a look at a job and a start of one, signed in one of two ways.
type client struct{ *wrapper.Client }

func newClient(t *testing.T, base string, signed api.RequestEditorFn, transport http.RoundTripper) client {
	c, err := wrapper.New(base, wrapper.WithAuth(signed), wrapper.WithHTTPClient(&http.Client{Transport: transport}),
		wrapper.WithRetry(wrapper.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	return client{c}
}

func (c client) look(ctx context.Context) (status string, err error) {
	progress, err := c.ReassignTask(user).Progress(ctx)
	return progress.Status.String(), err
}

func (c client) start(ctx context.Context) error {
	_, err := c.StartReassign(ctx, user, target)
	return err
}

// serve answers all requests in the same way, and returns a client with an API key, and what arrives.
func serve(t *testing.T, answer http.HandlerFunc) (client, *[]*http.Request) {
	var arrived []*http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived = append(arrived, r)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return newClient(t, server.URL, wrapper.APIKey(secret), server.Client().Transport), &arrived
}

// says answers with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const running = `{"response":{"id":"1","error":"","percentage":30,"isCompleted":false,"status":%d},"count":1,"status":0,"statusCode":200}`

func TestAnAPIKeyTravelsWherePortalsReadIt(t *testing.T) {
	c, arrived := serve(t, says(http.StatusOK, fmt.Sprintf(running, 1)))
	_, err := c.look(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "Bearer "+secret, (*arrived)[0].Header.Get("Authorization"))
}

func TestASessionsKeyTravelsAsACookie(t *testing.T) {
	portal := docspacetest.NewPortal()
	defer portal.Close()
	portal.AddUser(docspacetest.User{ID: user})
	c := newClient(t, portal.URL, wrapper.CookieAuth(portal.Owner().AuthKey), portal.HTTPClient().Transport)
	_, err := c.look(t.Context())
	require.ErrorIs(t, err, wrapper.ErrNoTask) // let in, and there is none
}

func TestNothingGoesWhereALookIsRedirectedTo(t *testing.T) {
	asked := false
	another := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer another.Close()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, another.URL, http.StatusFound) })
	_, err := c.look(t.Context())
	require.ErrorIs(t, err, wrapper.ErrUnexpectedResponse)
	assert.ErrorContains(t, err, another.URL)
	assert.False(t, asked)
}

func TestAStartThatIsRedirectedIsNoSuccess(t *testing.T) {
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound} {
		c, arrived := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				says(http.StatusOK, fmt.Sprintf(running, 1))(w, r)
				return
			}
			http.Redirect(w, r, "/elsewhere", status)
		})
		err := c.start(t.Context())
		require.ErrorIs(t, err, wrapper.ErrUnexpectedResponse)
		assert.ErrorContains(t, err, "/elsewhere")
		assert.Len(t, *arrived, 1)
	}
}

func TestA200WithAnErrorInsideOrWithNothingIsNoSuccess(t *testing.T) {
	c, _ := serve(t, says(http.StatusOK, `{"error":{"message":"Access denied"},"status":1,"statusCode":403}`))
	require.ErrorIs(t, c.start(t.Context()), wrapper.ErrUnexpectedResponse)
	c, _ = serve(t, says(http.StatusOK, ""))
	require.ErrorIs(t, c.start(t.Context()), wrapper.ErrUnexpectedResponse)
	_, err := c.look(t.Context())
	require.ErrorIs(t, err, wrapper.ErrNoTask)
}

func TestThePortalsWordsAreInTheError(t *testing.T) {
	c, _ := serve(t, says(http.StatusForbidden, `{"error":{"message":"Access denied"},"status":1,"statusCode":403}`))
	require.ErrorContains(t, c.start(t.Context()), "Access denied")
}

func TestAStatusThatIsNewEndsNothing(t *testing.T) {
	c, _ := serve(t, says(http.StatusOK, fmt.Sprintf(running, 7)))
	status, err := c.look(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "status 7", status)
}

func TestAPortalThatNeverAnswersIsNotWaitedForForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		portal := docspacetest.NewPortal()
		defer portal.Close()
		portal.Fail("getReassignProgress", docspacetest.Fault{Hang: true})
		c := newClient(t, portal.URL, wrapper.APIKey(secret), portal.HTTPClient().Transport)
		began := time.Now()
		_, err := c.look(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 30*time.Second, time.Since(began)) // of virtual time
	})
}
