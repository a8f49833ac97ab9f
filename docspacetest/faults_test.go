package docspacetest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/docspacetest"
)

type (
	fault = docspacetest.Fault
	user  = docspacetest.User
)

func TestFaultsAreTakenInOrderByTheirOperation(t *testing.T) {
	s := newScene(t)
	html := "<html><h1>502 Bad Gateway</h1></html>"
	s.Fail("necessaryReassign",
		fault{Status: 503, Header: http.Header{"Retry-After": {"7"}}},
		fault{},
		fault{Status: 502, ContentType: "text/html", Body: html})
	s.Fail("necessaryReassign", fault{Status: 200, Body: html})

	assert.Equal(t, http.StatusOK, s.owner.do(startRemove, whose(s.gone.ID)).status, "another operation")
	r := s.owner.do(necessary, "")
	assert.Equal(t, 503, r.status)
	assert.Equal(t, "7", r.header.Get("Retry-After"))
	assert.Empty(t, r.body)
	assert.Equal(t, 200, s.owner.do(necessary, "").status, "the zero fault lets one pass")
	r = s.owner.do(necessary, "")
	assert.Equal(t, 502, r.status)
	assert.Equal(t, html, r.body)
	assert.Equal(t, "text/html", r.header.Get("Content-Type"))
	r = s.owner.do(necessary, "")
	assert.Equal(t, 200, r.status)
	assert.Equal(t, "text/html; charset=utf-8", r.header.Get("Content-Type"), "guessed from the body as net/http does")
	assert.Contains(t, s.owner.do(necessary, "").body, "links", "all faults are used up")

	statuses := []int{}
	for _, r := range s.Requests() {
		statuses = append(statuses, r.Status)
	}
	assert.Equal(t, []int{200, 503, 200, 502, 200, 200}, statuses)
}

func TestFailPanicsWhereTheContractHasNoSuchOperation(t *testing.T) {
	s := newScene(t)
	assert.PanicsWithValue(t, `docspacetest: the contract has no operation "StartReassign"`, func() {
		s.Fail("StartReassign", fault{Status: 500})
	})
}

func TestWhetherARequestWithAFaultIsProcessed(t *testing.T) {
	for _, c := range []struct {
		name      string
		fault     fault
		status    int // 0 for an error
		processed bool
	}{
		{"answered in the portal's place", fault{Status: 500}, 500, false},
		{"torn down", fault{Reset: true}, 0, false},
		{"torn down after a while", fault{Delay: time.Hour, Reset: true}, 0, false},
		{"hanging", fault{Hang: true}, 0, false},
		{"late", fault{Delay: time.Second}, 200, true},
		{"too late for the client", fault{Delay: 3 * time.Hour}, 0, false},
		{"lost", fault{Lost: true}, 0, true},
		{"lost and hanging", fault{Lost: true, Hang: true}, 0, true},
		{"lost behind a proxy's timeout", fault{Lost: true, Status: 504}, 504, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				s := newScene(t)
				s.Fail("sendInstructionsToDelete", c.fault)
				s.admin.client.Timeout = 2 * time.Hour
				r, err := s.admin.try(selfDelete, "")
				assert.Equal(t, c.status == 0, err != nil)
				assert.Equal(t, c.status, r.status)
				assert.Equal(t, c.processed, len(s.Mails()) == 1)
				assert.Equal(t, c.status, s.Requests()[0].Status)
			})
		})
	}
}

func TestInMemoryAConnectionThatIsTornDownLooksLikeOne(t *testing.T) {
	s := newScene(t)
	s.Fail("necessaryReassign", fault{Reset: true})
	_, err := s.owner.try(necessary, "")
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	assert.Equal(t, "read", op.Op)
	assert.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestInMemoryTheClientsDeadlineIsKept(t *testing.T) {
	for name, f := range map[string]fault{"hanging": {Hang: true}, "delayed": {Delay: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				s := newScene(t)
				s.Fail("necessaryReassign", f, f, f)
				began := time.Now()

				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := s.owner.client.Do(s.owner.request(necessary, "").WithContext(ctx)) //nolint:bodyclose // there is none
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, time.Minute, time.Since(began))

				s.owner.client.Timeout = time.Minute
				_, err = s.owner.try(necessary, "")
				var timeout interface{ Timeout() bool }
				require.ErrorAs(t, err, &timeout)
				assert.True(t, timeout.Timeout())
				assert.Equal(t, 2*time.Minute, time.Since(began))

				ctx, stop := context.WithCancelCause(t.Context())
				go func() {
					time.Sleep(time.Second)
					stop(errors.New("enough"))
				}()
				_, err = s.owner.client.Do(s.owner.request(necessary, "").WithContext(ctx)) //nolint:bodyclose // there is none
				require.ErrorContains(t, err, "enough")

				_, err = s.owner.client.Do(s.owner.request(necessary, "").WithContext(ctx)) //nolint:bodyclose // there is none
				require.ErrorContains(t, err, "enough")
				assert.Len(t, s.Requests(), 3, "what was cancelled before does not arrive")
			})
		})
	}
}

func TestCloseEndsWhatHangs(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t)
		s.Fail("necessaryReassign", fault{Hang: true}, fault{Delay: time.Hour})
		for range 2 {
			go func() {
				_, err := s.owner.try(necessary, "")
				assert.ErrorIs(t, err, syscall.ECONNRESET)
			}()
		}
		synctest.Wait()
		s.Close()
		s.Close()
		synctest.Wait()
		_, err := s.owner.try(necessary, "")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

// socket returns a portal that listens, and a caller that goes there.
func socket(t *testing.T, opts ...docspacetest.Option) (*docspacetest.Portal, caller) {
	p := docspacetest.NewPortal(opts...)
	t.Cleanup(p.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	header := http.Header{"Authorization": {"Bearer " + p.AddUser(user{}).APIKey}}
	return p, caller{t, p, &http.Client{Transport: transport}, header}
}

func TestFaultsOverTheSocket(t *testing.T) {
	p, by := socket(t)
	p.Fail("sendInstructionsToDelete", fault{Status: 503, ContentType: "text/html", Body: "<h1>no</h1>"}, fault{Reset: true}, fault{Lost: true})

	r := by.do(selfDelete, "")
	assert.Equal(t, 503, r.status)
	assert.Equal(t, "<h1>no</h1>", r.body)
	assert.Equal(t, "text/html", r.header.Get("Content-Type"))

	_, err := by.try(selfDelete, "")
	require.Error(t, err)
	assert.Empty(t, p.Mails())

	_, err = by.try(selfDelete, "")
	require.Error(t, err)
	assert.Len(t, p.Mails(), 1)

	assert.Equal(t, http.StatusOK, by.do(selfDelete, "").status)
}

// arrived waits until the portal has got n requests.
func arrived(p *docspacetest.Portal, n int) {
	for len(p.Requests()) < n {
		runtime.Gosched()
	}
}

func TestOverTheSocketAHangEndsWithTheClient(t *testing.T) {
	p, by := socket(t)
	p.Fail("sendInstructionsToDelete", fault{Hang: true}, fault{Delay: time.Hour}, fault{Lost: true, Hang: true})
	for n := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			arrived(p, n+1)
			cancel()
		}()
		_, err := by.client.Do(by.request(selfDelete, "").WithContext(ctx)) //nolint:bodyclose // there is none
		require.ErrorIs(t, err, context.Canceled)
	}
	p.Close() // waits for the goroutines of all three
	assert.Len(t, p.Mails(), 1)
}

func TestOverTheSocketAHangEndsWithThePortal(t *testing.T) {
	p, by := socket(t)
	p.Fail("sendInstructionsToDelete", fault{Hang: true})
	ended := make(chan error)
	go func() {
		_, err := by.try(selfDelete, "")
		ended <- err
	}()
	arrived(p, 1)
	p.Close()
	assert.Error(t, <-ended)
}

// A reset of a GET on a connection that was used before does not reach the caller: see Fault.Reset.
func TestOverTheSocketNetHTTPSendsAGetAgain(t *testing.T) {
	p, by := socket(t)
	by.do(folderProgress, "")
	p.Fail("getDeletePersonalFolderProgress", fault{Reset: true})
	assert.Equal(t, http.StatusOK, by.do(folderProgress, "").status)
	assert.Len(t, p.Requests(), 3)
}

type brokenBody struct{ closed bool }

func (*brokenBody) Read([]byte) (int, error) { return 0, errors.New("cannot be read") }
func (b *brokenBody) Close() error           { b.closed = true; return nil }

func TestInMemoryTheRoundTripperKeepsItsContract(t *testing.T) {
	s := newScene(t)
	transport := s.owner.client.Transport

	req := s.owner.request(startRemove, whose(s.gone.ID))
	req.URL.Scheme, req.URL.Host = "https", "docspace.example.com"
	before := req.URL.String()
	resp, err := transport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Same(t, req, resp.Request)
	assert.Equal(t, before, req.URL.String(), "the request is not changed")
	assert.Equal(t, "200 OK", resp.Status)
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.EqualValues(t, len(data), resp.ContentLength)

	body := &brokenBody{}
	req = s.owner.request(startRemove, "")
	req.Body = body
	_, err = transport.RoundTrip(req) //nolint:bodyclose // there is none
	require.ErrorContains(t, err, "cannot be read")
	assert.True(t, body.closed)

	req = s.owner.request(strings.Replace(necessary, "GET", "HEAD", 1), "")
	resp, err = transport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	data, _ = io.ReadAll(resp.Body)
	assert.Empty(t, data)
}
