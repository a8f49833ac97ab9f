package observe

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

var somebody = uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28")

func connect(t *testing.T, portal *docspacetest.Portal, opts ...wrapper.Option) *wrapper.Client {
	portal.AddUser(docspacetest.User{ID: somebody})
	client, err := wrapper.New(portal.URL, append(opts, wrapper.WithAuth(wrapper.APIKey(portal.Owner().APIKey)))...)
	require.NoError(t, err)
	return client
}

func TestEveryAttemptIsObservedUnderTheNameOfItsOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		portal := docspacetest.NewPortal()
		defer portal.Close()
		portal.Fail("necessaryReassign", docspacetest.Fault{Status: http.StatusBadGateway, Delay: 3 * time.Second}, docspacetest.Fault{Reset: true})
		var seen []string
		client := connect(t, portal, wrapper.WithHTTPClient(&http.Client{Transport: Durations{
			Base: portal.HTTPClient().Transport,
			Observe: func(operation string, attempt, status int, took time.Duration) {
				seen = append(seen, fmt.Sprint(operation, " ", attempt, " ", status, " ", took))
			},
		}}))
		_, err := client.NecessaryReassign(t.Context(), somebody, "")
		require.NoError(t, err)
		assert.Equal(t, []string{"necessaryReassign 1 502 3s", "necessaryReassign 2 0 0s", "necessaryReassign 3 200 0s"}, seen)
	})
}

func TestWhoeverCanWaitLeavesTheRestOfTheLimitToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		portal := docspacetest.NewPortal()
		defer portal.Close()
		client := connect(t, portal, wrapper.WithHTTPClient(portal.HTTPClient()), wrapper.WithRetry(wrapper.RetryPolicy{MaxAttempts: 1}))
		assert.Zero(t, Pause(client, 100)) // nothing is known yet
		for remaining, want := range map[int]time.Duration{150: 0, 100: 0, 99: 20 * time.Second} {
			portal.Fail("necessaryReassign", docspacetest.Fault{Status: http.StatusServiceUnavailable, Header: http.Header{
				"X-Ratelimit-Limit": {"1500"}, "X-Ratelimit-Remaining": {strconv.Itoa(remaining)},
				"X-Ratelimit-Reset": {strconv.FormatInt(time.Now().Add(20*time.Second).Unix(), 10)},
			}})
			_, err := client.NecessaryReassign(t.Context(), somebody, "")
			require.ErrorIs(t, err, wrapper.ErrServer)
			assert.Equal(t, want, Pause(client, 100))
		}
	})
}

func TestTheLogHasALinePerAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		portal := docspacetest.NewPortal()
		defer portal.Close()
		portal.Fail("necessaryReassign", docspacetest.Fault{Status: http.StatusBadGateway})
		var out bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		client := connect(t, portal, wrapper.WithHTTPClient(portal.HTTPClient()), wrapper.WithLogger(logger))
		_, err := client.NecessaryReassign(t.Context(), somebody, "")
		require.NoError(t, err)
		assert.Equal(t, 2, bytes.Count(out.Bytes(), []byte("\n")))
		assert.Contains(t, out.String(), `"level":"WARN","msg":"docspace request","method":"GET","operation":"necessaryReassign","status":502,"attempt":1,"duration":0}`)
		assert.Contains(t, out.String(), `"level":"DEBUG","msg":"docspace request","method":"GET","operation":"necessaryReassign","status":200,"attempt":2,"duration":0}`)
		assert.NotContains(t, out.String(), somebody.String())
	})
}
