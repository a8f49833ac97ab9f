package docspacetest_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

func TestAPortalListensUntilItIsUsedInMemory(t *testing.T) {
	p, by := socket(t)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+$`, p.URL)
	assert.Equal(t, http.StatusUnauthorized, caller{t, p, by.client, http.Header{}}.do(necessary, "").status)
	assert.Equal(t, http.StatusOK, by.do(selfDelete, "").status)

	inMemory := caller{t, p, p.HTTPClient(), by.header}
	assert.Equal(t, http.StatusOK, inMemory.do(selfDelete, "").status)
	_, err := by.try(selfDelete, "")
	require.Error(t, err, "the socket is closed")
	assert.Len(t, p.Mails(), 2)
}

// everywhere passes a listener on the loopback for one on all addresses.
type everywhere struct{ net.Listener }

func (e everywhere) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4zero, Port: e.Listener.Addr().(*net.TCPAddr).Port}
}

func TestAPortalListensWhereItIsTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := docspacetest.NewPortal(docspacetest.WithListener(everywhere{listener}))
	assert.Equal(t, fmt.Sprintf("http://127.0.0.1:%d", listener.Addr().(*net.TCPAddr).Port), p.URL, "an address that a client can use")
	p.Close()
	_, err = listener.Accept()
	assert.ErrorIs(t, err, net.ErrClosed)
}

func TestAPortalCanBeMountedInAnotherServer(t *testing.T) {
	p := docspacetest.NewPortal()
	defer p.Close()
	server := httptest.NewServer(p)
	defer server.Close()
	resp, err := server.Client().Get(server.URL + "/api/2.0/people/reassign/necessary")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
}

func TestABubbleEndsWithoutGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails if one is left
		p := docspacetest.NewPortal()
		c := p.HTTPClient()
		began := time.Now()
		time.Sleep(time.Hour)
		assert.Equal(t, time.Hour, time.Since(began), "time is virtual")
		resp, err := c.Get(p.URL)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		p.Close()
	})
	synctest.Test(t, func(*testing.T) {
		docspacetest.NewPortal().Close() // never used in memory
	})
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	p, by := socket(t)
	by.do(selfDelete, "")
	p.Fail("sendInstructionsToDelete", fault{Lost: true})
	_, _ = by.try(selfDelete, "")
	p.Close()
	stacks := make([]byte, 1<<20)
	for range 1000 { // the last instructions of a connection's goroutine come after the server's last word about it
		text := string(stacks[:runtime.Stack(stacks, true)])
		if !strings.Contains(text, "net/http.(*conn)") && !strings.Contains(text, "net/http.(*Server)") {
			return
		}
		runtime.Gosched()
	}
	t.Error("the portal's server has left goroutines")
}

func TestThePortalCanBeUsedByManyAtOnce(t *testing.T) {
	s := newScene(t, docspacetest.WithLimits(docspacetest.Limits{}), docspacetest.WithJobLength(time.Microsecond))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				u := s.AddUser(docspacetest.User{Status: docspacetest.Terminated, Rooms: 1})
				s.Fail("startReassign", fault{Reset: true})
				_, _ = s.owner.try(startReassign, handOverAndDelete(u.ID, s.heir.ID))
				s.owner.do(removeProgress+u.ID.String(), "")
				s.owner.do(stopReassign, whose(u.ID))
				s.Users()
				s.Requests()
				s.Restart()
				s.Mails()
				s.Owner()
				p := s.HTTPClient()
				p.CloseIdleConnections()
			}
		})
	}
	all.Wait()
	assert.Len(t, s.Requests(), 8*25*3)
}

func BenchmarkProgress(b *testing.B) {
	s := newScene(b, docspacetest.WithLimits(docspacetest.Limits{}))
	for range 1000 {
		s.AddUser(docspacetest.User{Type: api.EmployeeTypeUser})
	}
	operation := reassignProgress + uuid.NewString()
	for b.Loop() {
		s.owner.do(operation, "")
	}
}
