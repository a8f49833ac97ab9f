package offboard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

// errand is what a child process, which is this test binary once more, is to do.
type errand struct {
	URL, Key, Journal string
	Requests          []offboard.Request
	Panic             bool // the list panics
}

const errandVariable = "OFFBOARD_TEST_ERRAND"

func TestMain(m *testing.M) {
	text := os.Getenv(errandVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		panic(err)
	}
	if err := e.run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (e errand) run() error {
	client, err := wrapper.New(e.URL, wrapper.WithAuth(wrapper.APIKey(e.Key)))
	if err != nil {
		return err
	}
	list := slices.Values(e.Requests)
	if e.Panic {
		defer func() {
			if r := recover(); r != nil {
				fmt.Println("recovered:", r)
			}
		}()
		list = func(func(offboard.Request) bool) { panic("the list is broken") }
	}
	var options offboard.Options
	if e.Journal != "" {
		file, err := os.OpenFile(e.Journal, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		options.Journal = file
	}
	for r := range offboard.Users(context.Background(), client, list, options) {
		if r.Err != nil {
			err = r.Err
		}
	}
	return err
}

func (e errand) command(t *testing.T) *exec.Cmd {
	text, err := json.Marshal(e)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), self, "-test.run=^$")
	c.Env = append(os.Environ(), errandVariable+"="+string(text))
	return c
}

// This one is in real time: a process dies only once.
func TestARunThatIsKilledAgainAndAgainDoesEverybodyOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	for round := range 3 {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			t.Parallel()
			portal := docspacetest.NewPortal(docspacetest.WithJobLength(40 * time.Millisecond))
			defer portal.Close()
			successor := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
			e := errand{Key: portal.Owner().APIKey, Journal: filepath.Join(t.TempDir(), "journal")}
			for i := range 24 {
				u := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: i % 2})
				e.Requests = append(e.Requests, offboard.Request{From: u.ID, To: successor.ID})
			}
			var left atomic.Int64
			kill := make(chan struct{}, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := left.Add(-1)
				if n == 0 && rand.IntN(2) == 0 {
					kill <- struct{}{} // before it is processed
				}
				portal.ServeHTTP(w, r)
				if n == 0 {
					select {
					case kill <- struct{}{}:
					default:
					}
				}
			}))
			defer server.Close()
			e.URL = server.URL

			killed := 0
			for done := false; !done; {
				left.Store(1 + rand.Int64N(24))
				if killed >= 12 {
					left.Store(1 << 40)
				}
				child := e.command(t)
				child.Stderr = os.Stderr
				require.NoError(t, child.Start())
				ended := make(chan error, 1)
				go func() { ended <- child.Wait() }()
				select {
				case err := <-ended:
					require.NoError(t, err)
					done = true
				case <-kill:
					require.NoError(t, child.Process.Kill())
					<-ended
					killed++
					select {
					case <-kill:
					default:
					}
				}
			}
			assert.NotZero(t, killed)
			for _, r := range e.Requests {
				_, still := portal.User(r.From)
				assert.False(t, still)
			}
			now, _ := portal.User(successor.ID)
			assert.Equal(t, 12, now.Rooms)
			assert.Zero(t, portal.Owner().Rooms)
			for id, n := range starts(portal) {
				assert.Equal(t, 1, n, "starts of %s that the portal took", id)
			}
			data, err := os.ReadFile(e.Journal)
			require.NoError(t, err)
			journal := &memory{data: data}
			for _, r := range e.Requests {
				assert.Equal(t, 1, journal.done(r))
			}
			t.Log("killed", killed, "times")
		})
	}
}

func TestAListThatPanicsCanBeRecoveredFrom(t *testing.T) {
	portal := docspacetest.NewPortal()
	defer portal.Close()
	out, err := errand{URL: portal.URL, Key: portal.Owner().APIKey, Panic: true}.command(t).CombinedOutput()
	assert.NoError(t, err, "a panic of the list is the caller's to recover, and not another goroutine's")
	assert.Contains(t, string(out), "recovered: the list is broken")
}
