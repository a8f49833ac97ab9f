package docspacetest_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/docspace-go/userdata/docspacetest"
)

// isTooMany checks a 429; a wait of zero means that there must be no Retry-After.
func isTooMany(t *testing.T, r reply, limit int, wait time.Duration) {
	t.Helper()
	assert.Equal(t, http.StatusTooManyRequests, r.status)
	assert.Empty(t, r.body)
	assert.Equal(t, strconv.Itoa(limit), r.header.Get("X-RateLimit-Limit"))
	assert.Equal(t, "0", r.header.Get("X-RateLimit-Remaining"))
	assert.Equal(t, strconv.FormatInt(time.Now().Add(wait).Unix(), 10), r.header.Get("X-RateLimit-Reset"))
	if wait == 0 {
		assert.NotContains(t, r.header, "Retry-After")
	} else {
		assert.Equal(t, strconv.Itoa(int(wait.Seconds())), r.header.Get("Retry-After"))
	}
}

func TestRequestsAMinuteSlide(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t)
		for range 1499 {
			s.owner.do(necessary, "")
		}
		time.Sleep(20 * time.Second)
		assert.Equal(t, http.StatusOK, s.owner.do(necessary, "").status, "the 1,500th")
		isTooMany(t, s.owner.do(necessary, ""), 1500, 40*time.Second)
		assert.Equal(t, http.StatusOK, s.admin.do(necessary, "").status, "another user is not concerned")

		time.Sleep(40 * time.Second) // all but the 1,500th are out of the window
		for range 1499 {
			assert.Equal(t, http.StatusOK, s.owner.do(necessary, "").status)
		}
		isTooMany(t, s.owner.do(necessary, ""), 1500, 20*time.Second)
	})
}

func TestWhereNobodyIsSignedInTheAddressIsLimited(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithLimits(docspacetest.Limits{RequestsPerMinute: 1}))
		nobody := s.owner
		nobody.header = http.Header{}
		assert.Equal(t, http.StatusUnauthorized, nobody.do(necessary, "").status)
		isTooMany(t, nobody.do(necessary, ""), 1, time.Minute)
		assert.Equal(t, http.StatusOK, s.owner.do(necessary, "").status)
	})
}

func TestWritesADay(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithLimits(docspacetest.Limits{WritesPerDay: 10_000}))
		for range 10_000 {
			s.owner.do(stopRemove, whose(s.gone.ID))
		}
		isTooMany(t, s.owner.do(startRemove, whose(s.gone.ID)), 10_000, 24*time.Hour)
		assert.Equal(t, http.StatusOK, s.owner.do(necessary, "").status, "reads are not concerned")
		time.Sleep(24 * time.Hour)
		assert.Equal(t, http.StatusOK, s.owner.do(stopRemove, whose(s.gone.ID)).status)
	})
}

func TestMailsAQuarterOfAnHour(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t)
		for range 5 {
			assert.Equal(t, http.StatusOK, s.admin.do(selfDelete, "").status)
		}
		isTooMany(t, s.admin.do(selfDelete, ""), 5, 15*time.Minute)
		assert.Len(t, s.Mails(), 5)
		time.Sleep(15 * time.Minute)
		assert.Equal(t, http.StatusOK, s.admin.do(selfDelete, "").status)
	})
}

func TestRequestsAtOnce(t *testing.T) {
	for _, c := range []struct {
		name, operation, id string
		body                func(s *scene) string
		limit               int
	}{
		{"reads", necessary, "necessaryReassign", func(*scene) string { return "" }, 50},
		{"writes", stopReassign, "terminateReassign", func(s *scene) string { return whose(s.gone.ID) }, 15},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				s := newScene(t)
				var open sync.WaitGroup
				for range c.limit {
					s.Fail(c.id, docspacetest.Fault{Delay: time.Minute})
					open.Go(func() { assert.Equal(t, http.StatusOK, s.owner.do(c.operation, c.body(s)).status) })
				}
				synctest.Wait()
				isTooMany(t, s.owner.do(c.operation, c.body(s)), c.limit, 0)
				assert.Equal(t, http.StatusOK, s.admin.do(c.operation, c.body(s)).status, "another user is not concerned")
				open.Wait()
				assert.Equal(t, http.StatusOK, s.owner.do(c.operation, c.body(s)).status)
			})
		})
	}
}

func TestNoLimitWhereItIsZero(t *testing.T) {
	s := newScene(t, docspacetest.WithLimits(docspacetest.Limits{}))
	for range 2000 {
		assert.Equal(t, http.StatusOK, s.admin.do(selfDelete, "").status)
	}
}
