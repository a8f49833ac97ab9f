//go:build !race

package wrapper_test

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/wrapper"
)

// What 10,000 who wait cost a program: 6 KiB each at most, their goroutines included. The race detector has them cost more.
func TestWhoWaitsCostsLittleMemory(t *testing.T) {
	const many, most = 10_000, 6 << 10
	synctest.Test(t, func(t *testing.T) {
		client, err := wrapper.New("http://127.0.0.1", wrapper.WithHTTPClient(&http.Client{Transport: newAnswers(t)}))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		inUse := func() uint64 {
			synctest.Wait()
			for range 4 { // each halves the stacks that have been deep in net/http once
				runtime.GC()
			}
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			return stats.HeapInuse + stats.StackInuse
		}
		before := inUse()
		var all sync.WaitGroup
		for range many {
			all.Go(func() {
				_, err := client.ReassignTask(uuid.New()).Wait(ctx)
				assert.ErrorIs(t, err, context.Canceled)
			})
		}
		time.Sleep(time.Hour) // long enough for each to have been looked at
		each := (inUse() - before) / many
		t.Logf("%d bytes each", each)
		assert.LessOrEqual(t, each, uint64(most))
		cancel()
		all.Wait()
	})
}
