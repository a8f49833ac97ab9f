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
	"slices"
	"strconv"
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

var (
	update = flag.Bool("update", false, "write what is measured anew")
	full   = flag.Bool("full", false, "measure as many users as the tables are about, and compare; `make figures-check` does")
)

// page has the tables. Chance weighs more with fewer users, so only what the full number gives is written there.
const page = "../docs/bulk-figures.md"

// howMany is how many users the scenarios are about.
func howMany() int {
	if *full || *update {
		return 1000
	}
	return 100
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
			chance    = rand.New(rand.NewPCG(1, uint64(users))) // the same lengths each time, and so the same lower bound
		)
		for i := range users {
			length := time.Duration((0.5 + chance.Float64()) * float64(s.length(i)))
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

// checked is what has to hold of every run.
func (f figure) checked(t *testing.T) {
	assert.Equal(t, f.users, f.results, "a result for everybody")
	if f.atOnce {
		return
	}
	assert.Zero(t, f.failed, "failed")
	assert.Zero(t, f.unknown, "outcome unknown")
	assert.Zero(t, f.twice, "started twice")
	assert.Zero(t, f.limited, "told off")
	assert.Zero(t, f.leftOver, "users who are still there")
	assert.Zero(t, f.misplaced, "rooms that are not the successor's")
	bound := f.bound
	if f.users < 1000 {
		bound = 2 // how a run begins and ends weighs more
	}
	assert.LessOrEqual(t, f.ratio(), bound, "makespan %v, lower bound %v", f.makespan, f.lower)
}

// row is what a table says of it.
func (f figure) row() string {
	return fmt.Sprintf("| %s | %d | %v | %v | %.2f | %d | %d | %d | %d | %d |", f.name, f.workers,
		f.lower.Round(time.Second), f.makespan.Round(time.Second), f.ratio(), f.failed, f.unknown, f.twice, f.limited, f.requests)
}

// With -update, what is measured becomes the first table of the page.
func TestTheFiguresOfABulkRun(t *testing.T) {
	t.Parallel()
	users := howMany()
	rows := []string{
		fmt.Sprintf("| %d users, jobs of ±50 %% | workers of a queue | lower bound | makespan | ratio | failed | outcome unknown | started twice | 429 | requests |", users),
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
	}
	for _, s := range scenarios() {
		t.Run(fmt.Sprintf("%s, workers: %d", s.name, s.workers), func(t *testing.T) {
			f := s.measure(t, users)
			rows = append(rows, f.row())
			f.checked(t)
			spread := usualSpread
			if strings.HasPrefix(s.name, "a third each") { // chance decides what waits behind a long job: 17,000 to 26,400 requests were seen
				spread = 0.5
			}
			if *full && !s.atOnce {
				documented(t, f.row(), 2, spread)
			}
		})
	}
	write(t, 0, rows)
}

// With -update, what is measured becomes the second table of the page.
func TestTheFiguresOfABulkRunThatGrows(t *testing.T) {
	t.Parallel()
	rows := []string{
		"| jobs of ±50 % | users | lower bound | makespan | ratio | requests of a user |",
		"|---|---:|---:|---:|---:|---:|",
	}
	for _, length := range []time.Duration{200 * time.Millisecond, 3 * time.Second} {
		for _, users := range []int{10, 100, 1000, 10_000} {
			if users == 10_000 && !*full && !*update {
				continue
			}
			s := scenario{name: "around " + length.String(), workers: 1, length: always(length), rooms: everySecond, bound: 1.10}
			t.Run(fmt.Sprintf("%s, users: %d", s.name, users), func(t *testing.T) {
				f := s.measure(t, users)
				each := float64(f.requests) / float64(users)
				row := fmt.Sprintf("| %s | %d | %v | %v | %.2f | %.2f |", f.name, users,
					f.lower.Round(100*time.Millisecond), f.makespan.Round(100*time.Millisecond), f.ratio(), each)
				rows = append(rows, row)
				f.checked(t)
				assert.LessOrEqual(t, each, 12.0, "requests of a user")
				if !*update {
					documented(t, row, 2, usualSpread)
				}
			})
		}
	}
	write(t, 1, rows)
}

// write puts a table in its place on the page.
func write(t *testing.T, place int, rows []string) {
	table := strings.Join(rows, "\n")
	t.Log("\n" + table)
	if !*update {
		return
	}
	pageMu.Lock()
	defer pageMu.Unlock()
	parts := strings.Split(thePage(t), "\n\n")
	n := -1
	for i, part := range parts {
		if strings.HasPrefix(part, "|") {
			if n++; n == place {
				parts[i] = strings.TrimRight(table, "\n")
			}
		}
	}
	require.NoError(t, os.WriteFile(page, []byte(strings.TrimRight(strings.Join(parts, "\n\n"), "\n")+"\n"), 0o600))
}

var pageMu sync.Mutex

func thePage(t *testing.T) string {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	return string(text)
}

// usualSpread is by how much one run may differ from another: looks come at random times, so that it takes more or less of
// them, and of time.
const usualSpread = 0.15

// documented compares a row with that of the page which starts with the same cells.
func documented(t *testing.T, row string, same int, spread float64) {
	cells := strings.Split(row, " | ")
	for line := range strings.Lines(thePage(t)) {
		theirs := strings.Split(strings.TrimSpace(line), " | ")
		if len(theirs) != len(cells) || !slices.Equal(theirs[:same], cells[:same]) {
			continue
		}
		for i := same; i < len(cells); i++ {
			said, is := number(t, theirs[i]), number(t, cells[i])
			assert.InDelta(t, said, is, spread*max(said, is), "the page says %s; `make figures` measures it anew\n%s", theirs[i], row)
		}
		return
	}
	assert.Fail(t, "the page has no such row; `make figures` writes it", row)
}

// number reads a number or a duration.
func number(t *testing.T, cell string) float64 {
	cell = strings.TrimSuffix(cell, " |")
	if d, err := time.ParseDuration(cell); err == nil {
		return d.Seconds()
	}
	n, err := strconv.ParseFloat(cell, 64)
	require.NoError(t, err)
	return n
}
