package offboard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
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

// memory is a journal in memory, which like a file is read from the start by each run that opens it.
type memory struct {
	mu    sync.Mutex
	data  []byte
	read  int
	syncs int
	spoil func(line []byte) (int, error) // how much of a line gets there, and what is said
}

func (m *memory) open() *memory {
	m.read = 0
	return m
}

func (m *memory) Read(p []byte) (int, error) {
	if m.read == len(m.data) {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 7)], m.data[m.read:]) // a few bytes at a time
	m.read += n
	return n, nil
}

func (m *memory) Write(line []byte) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n = len(line)
	if m.spoil != nil {
		n, err = m.spoil(line)
	}
	m.data = append(m.data, line[:n]...)
	return n, err
}

func (m *memory) Sync() error {
	m.syncs++
	return nil
}

func (m *memory) String() string { return string(m.data) }

// done counts the lines that say that a user is done; those that are torn do not.
func (m *memory) done(r offboard.Request) (n int) {
	for line := range strings.Lines(m.String()) {
		var e struct{ Event, From string }
		if json.Unmarshal([]byte(line), &e) == nil && e.Event == "done" && e.From == r.From.String() {
			n++
		}
	}
	return n
}

func entry(event string, r offboard.Request, action offboard.Action) string {
	return fmt.Sprintf(`{"time":"2026-01-01T00:00:00Z","event":%q,"from":%q,"to":%q,"action":%q}`+"\n", event, r.From, r.To, action)
}

func TestEveryLineOfAJournalIsMadeSafe(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		journal := &memory{}
		s.run(t.Context(), offboard.Options{Journal: journal}, s.leavers(4)...)
		assert.Equal(t, 8, strings.Count(journal.String(), "\n"))
		assert.Equal(t, 8, journal.syncs)
	})
}

func TestWhoIsDoneIsPassedOver(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		journal, rs := &memory{}, s.leavers(4)
		s.run(t.Context(), offboard.Options{Journal: journal}, rs...)
		sent, text := len(s.sent()), journal.String()
		results := s.run(t.Context(), offboard.Options{Journal: journal.open()}, rs...)
		require.Len(t, results, 4)
		for i, r := range rs {
			result := of(results, r.From)
			require.NoError(t, result.Err)
			assert.True(t, result.Resumed)
			assert.Equal(t, []offboard.Action{offboard.Remove, offboard.Reassign}[i%2], result.Action)
		}
		assert.Len(t, s.sent(), sent, "nothing is asked")
		assert.Equal(t, text, journal.String())
	})
}

func TestWhatRunsIsWaitedForAndNotStartedAgain(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		journal, rs := &memory{}, s.leavers(2)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, r := range s.run(ctx, offboard.Options{Journal: journal}, rs...) {
			require.ErrorIs(t, r.Err, context.DeadlineExceeded)
		}
		for _, r := range s.run(t.Context(), offboard.Options{Journal: journal.open()}, rs...) {
			require.NoError(t, r.Err)
			assert.True(t, r.Resumed)
		}
		assert.Equal(t, 1, s.count("startReassign"))
		assert.Equal(t, 1, s.count("startRemove"))
		s.assertGone(t, 1, rs...)
	})
}

func TestWhoIsGoneSinceAnEarlierRunIsDone(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		journal, rs := &memory{}, s.leavers(2)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s.run(ctx, offboard.Options{Journal: journal}, rs...)
		time.Sleep(time.Hour)
		for _, r := range s.run(t.Context(), offboard.Options{Journal: journal.open()}, rs...) {
			require.NoError(t, r.Err)
			assert.True(t, r.Resumed)
		}
		assert.Equal(t, 2, strings.Count(journal.String(), `"done"`))
	})
}

func TestAPortalThatIsNotThereIsNoUserWhoIsGone(t *testing.T) {
	const html = "<html><body><h1>404 Not Found</h1></body></html>"
	for name, fault := range map[string]docspacetest.Fault{
		"suspended":      {Status: http.StatusNotFound},
		"a proxy's page": {Status: http.StatusNotFound, ContentType: "text/html", Body: html},
		"plain text":     {Status: http.StatusNotFound, ContentType: "text/plain", Body: "404 page not found"},
	} {
		t.Run(name, func(t *testing.T) { notGone(t, fault) })
	}
}

func TestAGatewaysNotFoundIsNoUserWhoIsGone(t *testing.T) {
	for name, body := range map[string]string{
		"Spring": `{"timestamp":"2026-01-01T00:00:00Z","status":404,"error":"Not Found","path":"/api/2.0/people/reassign/necessary"}`,
		"short":  `{"error":"not found"}`,
		"route":  `{"error":{"message":"no Route matched with those values"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			notGone(t, docspacetest.Fault{Status: http.StatusNotFound, ContentType: "application/json", Body: body})
		})
	}
}

func notGone(t *testing.T, fault docspacetest.Fault) {
	onStage(t, func(t *testing.T, s stage) {
		for rooms, action := range []offboard.Action{offboard.Remove, offboard.Reassign} {
			r := s.to(s.leaver(rooms))
			journal := &memory{data: []byte(entry("begun", r, action))}
			s.portal.Fail("necessaryReassign", fault)
			result := s.run(t.Context(), offboard.Options{Journal: journal}, r)[0]
			require.ErrorIs(t, result.Err, wrapper.ErrNotFound)
			assert.NotContains(t, journal.String(), `"done"`)
		}
	})
}

func TestAnotherSuccessorIsRefusedOnceAJobWasBegun(t *testing.T) {
	for _, event := range []string{"begun", "failed"} {
		t.Run(event, func(t *testing.T) {
			onStage(t, func(t *testing.T, s stage) {
				other := s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
				r := s.to(s.leaver(2))
				journal := &memory{data: []byte(entry(event, offboard.Request{From: r.From, To: other.ID}, offboard.Reassign))}
				err := s.run(t.Context(), offboard.Options{Journal: journal}, r)[0].Err
				assert.ErrorContains(t, err, r.From.String())
				assert.ErrorContains(t, err, other.ID.String())
				assert.Empty(t, s.sent())

				require.NoError(t, s.run(t.Context(), offboard.Options{Journal: journal.open()}, offboard.Request{From: r.From, To: other.ID})[0].Err)
				now, _ := s.portal.User(other.ID)
				assert.Equal(t, 2, now.Rooms)
			})
		})
	}
}

func TestAnotherSuccessorIsFineIfThePortalHadRefused(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		guest := s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeGuest})
		user, journal := s.leaver(2), &memory{}
		require.ErrorIs(t, s.run(t.Context(), offboard.Options{Journal: journal}, offboard.Request{From: user.ID, To: guest.ID})[0].Err, wrapper.ErrBadRequest)
		require.NoError(t, s.run(t.Context(), offboard.Options{Journal: journal.open()}, s.to(user))[0].Err)
		s.assertGone(t, 2, s.to(user))
	})
}

func TestWhoseRoomsAreSomebodyElsesIsNotReportedAsDone(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		other := s.portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
		user, journal := s.leaver(2), &memory{}
		require.NoError(t, s.run(t.Context(), offboard.Options{Journal: journal}, s.to(user))[0].Err)
		result := s.run(t.Context(), offboard.Options{Journal: journal.open()}, offboard.Request{From: user.ID, To: other.ID})[0]
		assert.Error(t, result.Err, "nil says that everything is where it belongs, which would be with %s", other.ID)
	})
}

func TestAResumedRemovalOfWhoHasRoomsByNowHandsThemOver(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		user := s.leaver(0)
		r := s.to(user)
		journal := &memory{data: []byte(entry("begun", r, offboard.Remove))} // and the crash came before the start
		user.Rooms = 3
		s.portal.AddUser(user)
		require.NoError(t, s.run(t.Context(), offboard.Options{Journal: journal}, r)[0].Err)
		s.assertGone(t, 3, r)
	})
}

func TestATornLastLineCountsForNothing(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		rs := s.leavers(3)
		line := entry("begun", rs[0], offboard.Remove)
		for cut := range len(line) {
			journal := &memory{data: []byte(entry("done", rs[1], offboard.Reassign) + line[:cut])}
			results := s.run(t.Context(), offboard.Options{Journal: journal, DryRun: true}, rs[0], rs[1])
			require.Len(t, results, 2, "cut at %d", cut)
			assert.Equal(t, cut == len(line)-1, of(results, rs[0].From).Resumed, "cut at %d", cut)
			assert.True(t, of(results, rs[1].From).Resumed)
		}
		journal := &memory{data: []byte(line[:20])}
		require.NoError(t, s.run(t.Context(), offboard.Options{Journal: journal}, rs[2])[0].Err)
		results := s.run(t.Context(), offboard.Options{Journal: journal.open()}, rs[2])
		require.NoError(t, results[0].Err)
		assert.True(t, results[0].Resumed, "the torn line does not take the next one with it")
	})
}

func TestADamagedLineIsAnErrorThatNamesTheLine(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		r := s.to(s.leaver(1))
		good := entry("begun", r, offboard.Reassign)
		for name, line := range map[string]string{
			"garbage":            "\x00\x00\x00\n",
			"two in one":         good[:30] + good,
			"a wrong id":         `{"event":"done","from":"x"}` + "\n",
			"an unknown event":   `{"event":"dome","from":"` + r.From.String() + `"}` + "\n",
			"no user":            `{"event":"done"}` + "\n",
			"no JSON object":     "17\n",
			"somebody's journal": "hello\n",
		} {
			results := s.run(t.Context(), offboard.Options{Journal: &memory{data: []byte(good + line + good)}}, r)
			require.Len(t, results, 1, name)
			assert.ErrorContains(t, results[0].Err, "line 2", name)
		}
		assert.Empty(t, s.sent())
	})
}

func TestAJournalThatCannotBeReadIsAnError(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		broken := struct {
			io.Reader
			io.Writer
		}{io.MultiReader(strings.NewReader("{"), failingReader{}), io.Discard}
		results := s.run(t.Context(), offboard.Options{Journal: broken}, s.leavers(2)...)
		require.Len(t, results, 1)
		assert.ErrorIs(t, results[0].Err, errDisk)
		assert.Empty(t, s.sent())
	})
}

var errDisk = errors.New("no space left on device")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errDisk }

func TestWithoutAJournalThatCanBeWrittenNothingIsStarted(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		journal := &memory{spoil: func([]byte) (int, error) { return 0, errDisk }}
		rs := s.leavers(10)
		results := s.run(t.Context(), offboard.Options{Journal: journal}, rs...)
		require.Len(t, results, 10)
		for _, r := range results {
			assert.ErrorIs(t, r.Err, errDisk)
		}
		assert.Empty(t, starts(s.portal))
	})
}

func TestAFailureOfTheJournalNamesTheUserAndSaysWhetherTheyAreGone(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		n := 0
		journal := &memory{spoil: func(line []byte) (int, error) {
			if n++; n > 1 {
				return 0, errDisk
			}
			return len(line), nil
		}}
		r := s.to(s.leaver(1))
		err := s.run(t.Context(), offboard.Options{Journal: journal}, r)[0].Err
		require.ErrorIs(t, err, errDisk)
		assert.ErrorContains(t, err, r.From.String())
		assert.ErrorContains(t, err, "done")
	})
}

func TestALineThatWasWrittenHalfDoesNotSpoilTheJournal(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		n := 0
		journal := &memory{spoil: func(line []byte) (int, error) {
			if n++; n == 3 {
				return len(line) / 2, errDisk
			}
			return len(line), nil
		}}
		rs := s.leavers(8)
		s.run(t.Context(), offboard.Options{Journal: journal}, rs...)
		for _, r := range s.run(t.Context(), offboard.Options{Journal: journal.open()}, rs...) {
			require.NoError(t, r.Err)
		}
		s.assertGone(t, 4, rs...)
	})
}

// crash is a run that dies as by kill -9: from one moment on, nothing that it does gets anywhere.
type crash struct {
	dead   atomic.Bool
	cancel context.CancelFunc
}

func (c *crash) die() {
	c.dead.Store(true)
	c.cancel()
}

// way is a transport that a crash cuts: before a request gets to the portal, or after it.
type way struct {
	http.RoundTripper
	crash    *crash
	before   int64 // the number of the request before which it happens; 0 for never
	after    int64
	requests atomic.Int64
}

func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	n := w.requests.Add(1)
	if n == w.before {
		w.crash.die()
	}
	if w.crash.dead.Load() {
		return nil, errors.New("dead")
	}
	resp, err := w.RoundTripper.RoundTrip(r)
	if n == w.after {
		w.crash.die()
	}
	if w.crash.dead.Load() {
		return nil, errors.New("dead")
	}
	return resp, err
}

// mortal runs Users over everybody until it ends or dies. It tells whether it died.
func (s stage) mortal(t *testing.T, journal *memory, rs []offboard.Request, atByte int, before, after int64) (died bool, requests int64) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := &crash{cancel: cancel}
	path := &way{RoundTripper: s.portal.HTTPClient().Transport, crash: c, before: before, after: after}
	client, err := wrapper.New(s.portal.URL, wrapper.WithHTTPClient(&http.Client{Transport: path}), wrapper.WithAuth(wrapper.APIKey(s.portal.Owner().APIKey)))
	require.NoError(t, err)
	journal.open().spoil = func(line []byte) (int, error) {
		left := atByte - len(journal.data)
		switch {
		case c.dead.Load():
			return 0, errDisk
		case atByte > 0 && left <= len(line):
			c.die()
			return left, errDisk
		}
		return len(line), nil
	}
	for r := range offboard.Users(ctx, client, sliceSeq(rs), offboard.Options{Journal: journal}) {
		if !c.dead.Load() {
			require.NoError(t, r.Err)
		}
	}
	return c.dead.Load(), path.requests.Load()
}

func sliceSeq(rs []offboard.Request) func(func(offboard.Request) bool) {
	return func(yield func(offboard.Request) bool) {
		for _, r := range rs {
			if !yield(r) {
				return
			}
		}
	}
}

// survive resumes after a crash, some time later, and checks that all is as it should be.
func (s stage) survive(t *testing.T, journal *memory, rs []offboard.Request, rooms int, later time.Duration) {
	t.Helper()
	time.Sleep(later)
	died, _ := s.mortal(t, journal, rs, 0, 0, 0)
	require.False(t, died)
	s.assertGone(t, rooms, rs...)
	for _, r := range rs {
		assert.Equal(t, 1, journal.done(r), "noted as done")
	}
	assert.LessOrEqual(t, len(s.portal.Users()), 2)
}

func stride() int {
	if underRace || testing.Short() {
		return 17
	}
	return 4
}

func TestARunWhoseJournalIsCutAnywhereCanBeResumed(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	total := 0
	onStage(t, func(t *testing.T, s stage) {
		journal := &memory{}
		s.mortal(t, journal, s.leavers(4), 0, 0, 0)
		total = len(journal.data)
	})
	require.NotZero(t, total)
	for at := 1; at <= total; at += stride() {
		onStage(t, func(t *testing.T, s stage) {
			journal, rs := &memory{}, s.leavers(4)
			died, _ := s.mortal(t, journal, rs, at, 0, 0)
			require.True(t, died || at > len(journal.data)-3)
			s.survive(t, journal, rs, 2, time.Duration(random.Int64N(int64(100*time.Second))))
		})
		if t.Failed() {
			t.Fatal("cut at", at)
		}
	}
}

func TestARunThatDiesAtAnyRequestCanBeResumed(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(rand.Uint64(), 2)) // some of the requests, others every time
	var total int64
	onStage(t, func(t *testing.T, s stage) { _, total = s.mortal(t, &memory{}, s.leavers(6), 0, 0, 0) })
	for at := int64(1); at <= total; at += int64(1 + random.IntN(9)) {
		for _, lost := range []bool{false, true} {
			for _, later := range []time.Duration{0, time.Duration(random.Int64N(int64(100 * time.Second))), time.Hour} {
				onStage(t, func(t *testing.T, s stage) {
					journal, rs := &memory{}, s.leavers(6)
					before, after := at, int64(0)
					if lost {
						before, after = 0, at
					}
					s.mortal(t, journal, rs, 0, before, after)
					s.survive(t, journal, rs, 3, later)
				})
				if t.Failed() {
					t.Fatal("died at request", at, "answer lost:", lost, "resumed after", later)
				}
			}
		}
	}
}

func TestARunThatIsCancelledAgainAndAgainGetsThereInTheEnd(t *testing.T) {
	for seed := range uint64(40) {
		onStage(t, func(t *testing.T, s stage) {
			random := rand.New(rand.NewPCG(seed, 7))
			journal, rs := &memory{}, s.leavers(12)
			for range 8 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.Int64N(int64(60*time.Second))))
				s.run(ctx, offboard.Options{Journal: journal.open()}, rs...)
				cancel()
				if n := bytes.LastIndexByte(bytes.TrimSuffix(journal.data, []byte("\n")), '\n'); n > 0 && random.IntN(2) == 0 {
					// A line that says how something ended may be torn. That something was begun was safe before it was.
					if last := journal.data[n+1:]; !bytes.Contains(last, []byte(`"begun"`)) {
						journal.data = journal.data[:n+1+random.IntN(len(last))]
					}
				}
				time.Sleep(time.Duration(random.Int64N(int64(3 * time.Minute))))
			}
			for _, r := range s.run(t.Context(), offboard.Options{Journal: journal.open()}, rs...) {
				require.NoError(t, r.Err, "seed %d", seed)
			}
			s.assertGone(t, 6, rs...)
			for id, n := range starts(s.portal) {
				assert.Equal(t, 1, n, "starts of %s, seed %d", id, seed)
			}
		})
	}
}
