package offboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

var update = flag.Bool("update", false, "write what is measured anew")

// howMany is how many users the figures are about. Chance weighs more with fewer, so only the full number is written.
func howMany() int {
	if underRace || testing.Short() {
		return 200
	}
	return 1000
}

// scenario is a row of the figures.
type scenario struct {
	name    string
	workers int
	length  func(i int) time.Duration // how long the job of the i-th user takes, before it is spread
	rooms   func(i int) int
	sorted  bool // all reassignments first
	atOnce  bool // everything is started at once, without offboard
	bound   float64
}

func always(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
func everySecond(i int) int                          { return i % 2 }
func everyone(int) int                               { return 1 }

// inThirds mixes lengths, independently of who has rooms.
func inThirds(i int) time.Duration {
	return []time.Duration{200 * time.Millisecond, 3 * time.Second, 40 * time.Second}[i/2%3]
}

func scenarios() (rows []scenario) {
	const short, middle, long = 200 * time.Millisecond, 3 * time.Second, 40 * time.Second
	for _, length := range []time.Duration{short, middle, long} {
		bound := 1.10
		if length == short {
			bound = 1.30 // the limit of requests binds as well as the queue, and each is late for the other now and then
		}
		name := "around " + length.String()
		rows = append(rows,
			scenario{name, 1, always(length), everySecond, false, false, bound},
			scenario{name + ", reassignments first", 1, always(length), everySecond, true, false, bound},
			scenario{name + ", reassignments only", 1, always(length), everyone, false, false, bound},
			scenario{name, 4, always(length), everySecond, false, false, bound},
			scenario{name + ", everything at once", 1, always(length), everySecond, false, true, 0},
		)
	}
	return append(rows,
		scenario{"a third each", 1, inThirds, everySecond, false, false, 1.10},
		scenario{"a third each, reassignments first", 1, inThirds, everySecond, true, false, 1.10},
		scenario{"a third each", 4, inThirds, everySecond, false, false, 1.10},
		scenario{"a third each, everything at once", 1, inThirds, everySecond, false, true, 0},
	)
}

// figure is what came of a scenario.
type figure struct {
	scenario
	users, results, failed, unknown, twice, limited, requests, leftOver, misplaced int

	makespan, lower time.Duration
}

func (f figure) ratio() float64 { return f.makespan.Seconds() / f.lower.Seconds() }

// measure is one run over everybody, or its opposite.
func (s scenario) measure(t *testing.T, users int) (f figure) {
	f = figure{scenario: s, users: users}
	onStage(t, func(t *testing.T, stage stage) {
		var (
			rs        []offboard.Request
			sums      [2]time.Duration
			rooms     int
			withRooms = map[uuid.UUID]bool{}
		)
		for i := range users {
			length := time.Duration((0.5 + rand.Float64()) * float64(s.length(i)))
			n := s.rooms(i)
			u := stage.portal.AddUser(docspacetest.User{
				Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: n, Job: docspacetest.Job{Length: length},
			})
			sums[n] += length
			rooms += n
			withRooms[u.ID] = n > 0
			rs = append(rs, offboard.Request{From: u.ID, To: stage.successor.ID})
		}
		if s.sorted {
			slices.SortStableFunc(rs, func(a, b offboard.Request) int {
				switch {
				case withRooms[a.From] == withRooms[b.From]:
					return 0
				case withRooms[a.From]:
					return -1
				}
				return 1
			})
		}
		f.lower = max(sums[0], sums[1]) / time.Duration(s.workers)
		// Asking, making sure that none runs, starting and seeing the end: four requests a user.
		f.lower = max(f.lower, time.Duration(float64(5*users)/1500*float64(time.Minute)))

		began := time.Now()
		results := func(yield func(error) bool) {
			for r := range offboard.Users(t.Context(), stage.client, slices.Values(rs), offboard.Options{}) {
				if !yield(r.Err) {
					return
				}
			}
		}
		if s.atOnce {
			results = allAtOnce(t.Context(), stage.client, rs, withRooms)
		}
		for err := range results {
			f.results++
			switch {
			case errors.Is(err, wrapper.ErrOutcomeUnknown):
				f.unknown++
			case err != nil:
				f.failed++
				if !s.atOnce {
					t.Log(err)
				}
			}
		}
		f.makespan = time.Since(began)
		for _, n := range starts(stage.portal) {
			if n > 1 {
				f.twice++
			}
		}
		for _, q := range stage.portal.Requests() {
			f.requests++
			if q.Status == http.StatusTooManyRequests {
				f.limited++
			}
		}
		f.leftOver = len(stage.portal.Users()) - 2 // the owner and the successor stay
		now, _ := stage.portal.User(stage.successor.ID)
		f.misplaced = rooms - now.Rooms
	}, docspacetest.WithWorkers(s.workers))
	return f
}

// allAtOnce is what one does without offboard: a goroutine for each user.
func allAtOnce(ctx context.Context, c *wrapper.Client, rs []offboard.Request, withRooms map[uuid.UUID]bool) func(func(error) bool) {
	return func(yield func(error) bool) {
		errs := make([]error, len(rs))
		var all sync.WaitGroup
		for i, r := range rs {
			all.Go(func() {
				if withRooms[r.From] {
					_, errs[i] = c.Reassign(ctx, r.From, r.To, wrapper.DeleteProfile())
				} else {
					_, errs[i] = c.Remove(ctx, r.From)
				}
			})
		}
		all.Wait()
		for _, err := range errs {
			if !yield(err) {
				return
			}
		}
	}
}

// starts counts the starts that a portal has taken, for each user.
func starts(p *docspacetest.Portal) map[uuid.UUID]int {
	taken := map[uuid.UUID]int{}
	for _, r := range p.Requests() {
		if id, ok := startOf(r); ok && r.Status == http.StatusOK {
			taken[id]++
		}
	}
	return taken
}

// startOf tells whose job a request starts.
func startOf(r docspacetest.Request) (uuid.UUID, bool) {
	if r.OperationID != "startReassign" && r.OperationID != "startRemove" {
		return uuid.Nil, false
	}
	var body struct{ FromUserID, UserID uuid.UUID }
	if json.Unmarshal(r.Body, &body) != nil {
		return uuid.Nil, false
	}
	if r.OperationID == "startReassign" {
		return body.FromUserID, true
	}
	return body.UserID, true
}

// figures measures all scenarios, checks what has to hold, and makes a table of them.
func figures(t *testing.T, users int) string {
	var table strings.Builder
	fmt.Fprintf(&table, "<!-- Written by `make figures`. -->\n\n"+
		"| %d users, jobs of ±50 %% | workers of a queue | lower bound | makespan | ratio | failed | outcome unknown | started twice | 429 | requests |\n"+
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n", users)
	for _, s := range scenarios() {
		t.Run(fmt.Sprintf("%s, workers: %d", s.name, s.workers), func(t *testing.T) {
			f := s.measure(t, users)
			fmt.Fprintf(&table, "| %s | %d | %v | %v | %.2f | %d | %d | %d | %d | %d |\n", f.name, f.workers,
				f.lower.Round(time.Second), f.makespan.Round(time.Second), f.ratio(), f.failed, f.unknown, f.twice, f.limited, f.requests)
			assert.Equal(t, users, f.results, "a result for everybody")
			if s.atOnce {
				return
			}
			assert.Zero(t, f.failed, "failed")
			assert.Zero(t, f.unknown, "outcome unknown")
			assert.Zero(t, f.twice, "started twice")
			assert.Zero(t, f.limited, "told off")
			assert.Zero(t, f.leftOver, "users who are still there")
			assert.Zero(t, f.misplaced, "rooms that are not the successor's")
			if users == 1000 {
				assert.LessOrEqual(t, f.ratio(), s.bound, "makespan %v, lower bound %v", f.makespan, f.lower)
			}
		})
	}
	return table.String()
}

// With -update, what is measured becomes the table of the documentation.
func TestTheFiguresOfABulkRun(t *testing.T) {
	t.Parallel()
	users := howMany()
	if *update {
		users = 1000
	}
	table := figures(t, users)
	t.Log("\n" + table)
	if *update {
		const file = "../docs/bulk-figures.md"
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
		require.NoError(t, os.WriteFile(file, []byte(table), 0o600))
	}
}
