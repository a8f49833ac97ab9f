package wrapper_test

import (
	"context"
	"sync"
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

// mostInAMinute is how many requests came within any 60 seconds, and how many of all were one too many.
func mostInAMinute(p *docspacetest.Portal) (most, rejected int) {
	first := 0
	requests := p.Requests()
	for i, r := range requests {
		for r.Time.Sub(requests[first].Time) >= time.Minute {
			first++
		}
		most = max(most, i-first+1)
		if r.Status == 429 {
			rejected++
		}
	}
	return most, rejected
}

func TestTenThousandWhoWaitKeepToTheLimitsOfThePortal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		portal := docspacetest.NewPortal()
		defer portal.Close()
		client, err := wrapper.New(portal.URL, wrapper.WithHTTPClient(portal.HTTPClient()), wrapper.WithAuth(wrapper.APIKey(portal.Owner().APIKey)))
		require.NoError(t, err)

		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 10_000 { // none of them is there, so that they wait for as long as they may
			task := client.RemoveTask(uuid.New())
			all.Go(func() {
				_, err := task.Wait(ctx, wrapper.AbsentFor(24*time.Hour))
				assert.ErrorIs(t, err, context.Canceled)
			})
		}
		time.Sleep(3 * time.Minute)
		most, rejected := mostInAMinute(portal)
		assert.Zero(t, rejected)
		assert.LessOrEqual(t, most, 1000)
		assert.GreaterOrEqual(t, most, 900, "what may be asked is asked")

		began := time.Now()
		cancel()
		all.Wait()
		assert.Zero(t, time.Since(began))
		time.Sleep(5 * time.Second)
		began = time.Now()
		_, err = client.RemoveTask(uuid.New()).Wait(t.Context())
		assert.ErrorIs(t, err, wrapper.ErrNoTask)
		assert.Less(t, time.Since(began), time.Second, "those who gave up hold nobody back")
	})
}

func TestAThousandCallsAtOnceKeepToTheLimitsOfThePortal(t *testing.T) {
	for name, inMemory := range map[string]bool{"in memory": true, "over a socket": false} {
		t.Run(name, func(t *testing.T) {
			portal := docspacetest.NewPortal()
			defer portal.Close()
			options := []wrapper.Option{wrapper.WithAuth(wrapper.APIKey(portal.Owner().APIKey))}
			if inMemory {
				options = append(options, wrapper.WithHTTPClient(portal.HTTPClient()))
			}
			client, err := wrapper.New(portal.URL, options...)
			require.NoError(t, err)
			defer client.CloseIdleConnections()
			user := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeUser, Status: docspacetest.Terminated})

			var all sync.WaitGroup
			for i := range 1000 {
				all.Go(func() {
					if i%2 == 0 {
						_, err := client.NecessaryReassign(t.Context(), user.ID, "")
						assert.NoError(t, err)
					} else {
						assert.NoError(t, client.RemoveTask(user.ID).Terminate(t.Context()))
					}
				})
			}
			all.Wait()
			_, rejected := mostInAMinute(portal)
			assert.Zero(t, rejected)
			assert.Len(t, portal.Requests(), 1000)
		})
	}
}
