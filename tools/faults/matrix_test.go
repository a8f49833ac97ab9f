package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/docspace-go/userdata/wrapper"
)

const fewestCells = 2000

// cell is one fault at one operation.
type cell struct {
	row        string
	stage      string
	op         operation
	credential credential
	facts      facts
	want       want
	script     *script
	virtual    bool          // whether time is
	limit      time.Duration // of one attempt, where it is not
	out        string        // what came out, for the table
	wrong      []string
}

// script decides what the server does with each request, and remembers them. Before the fault comes, and after the last
// time that it is expected, the server is a good portal.
type script struct {
	mu       sync.Mutex
	stage    string
	op       operation
	want     want
	limit    int // how often the fault comes
	origin   string
	asked    map[string]int // requests, by method, but for those that a redirect asked for
	faulty   int
	requests []request
}

type request struct {
	origin, url string
	header      http.Header
}

func newScript(stage string, op operation, f facts, w want) *script {
	s := &script{stage: stage, op: op, want: w, limit: 1 << 30, asked: map[string]int{}}
	if stage == nextLook {
		s.limit = w.attempts * max(f.perAttempt(), 1)
		if f.stop > 0 {
			s.limit = 1 << 30
		}
	}
	return s
}

// note takes a request down that the server has seen, wherever it was sent to.
func (s *script) note(req *http.Request, origin string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request{origin, req.URL.String(), req.Header.Clone()})
}

// next says whether the fault is due at a request with the method, and what a good portal answers.
func (s *script) next(method string) (good string, nth int, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[method]++
	good, due = s.plan(method)
	if due {
		s.faulty++
	}
	return good, s.faulty, due
}

func (s *script) plan(method string) (good string, due bool) {
	n := s.asked[method]
	switch {
	case s.stage == direct:
		return s.op.good, s.faulty < s.limit
	case method == http.MethodPost:
		return created, s.stage != nextLook
	case method != http.MethodGet:
		return s.op.good, false
	}
	looks := []string{running}
	if s.op.class == start {
		looks = []string{nothing, running} // the first one makes sure that no job runs
	}
	switch {
	case s.stage == startGone && s.want.fine:
		return []string{nothing, done}[min(n, 2)-1], false
	case s.stage == startGone:
		return nothing, false
	case n <= len(looks):
		return looks[n-1], false
	}
	return done, s.stage == nextLook && s.faulty < s.limit
}

// goods is how many requests come before the fault.
func (s *script) goods() int {
	switch {
	case s.stage == direct:
		return 0
	case s.op.class == start:
		return 3
	}
	return 1
}

// call makes the cell's call and takes down what comes of it.
func (c *cell) call(ctx context.Context, base string, opts ...wrapper.Option) (o outcome) {
	var lines bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug - 8}))
	opts = append([]wrapper.Option{wrapper.WithAuth(c.credential.editor()), wrapper.WithLogger(logger)}, opts...)
	client, err := wrapper.New(base, opts...)
	if err != nil {
		return outcome{err: err}
	}
	o.client = client
	began := time.Now()
	defer func() {
		o.panic = recover()
		o.took, o.log = time.Since(began), lines.String()
		client.CloseIdleConnections()
	}()
	if c.stage == direct {
		o.value, o.err = c.op.call(ctx, client)
	} else {
		var waits []wrapper.WaitOption
		if !c.virtual {
			waits = append(waits, wrapper.PollBetween(time.Millisecond, 2*time.Millisecond))
		}
		o.value, o.err = c.op.wait(ctx, client, waits...)
	}
	return o
}

// judge compares what came of a cell with what is expected, and forgets what it takes for that.
func (c *cell) judge(o outcome) {
	c.out, c.wrong = summary(o), c.findings(o)
	c.script = nil
}

func (c *cell) report(t *testing.T) {
	for _, finding := range c.wrong {
		t.Errorf("%s, %s: %s", c.row, c.op.id, finding)
	}
}

var (
	cellsMu sync.Mutex
	cells   []*cell
)

// newCell makes a cell if the operation has the stage.
func newCell(stage, row string, op operation, f facts) *cell {
	f = f.on(methodAt(stage, op))
	w, ok := expectAt(stage, op, f)
	if !ok {
		return nil
	}
	if stage != direct {
		row = stage + ": " + row
	}
	cellsMu.Lock()
	defer cellsMu.Unlock()
	n := len(cells) + len(cells)/len(operations) // so that every row and every column has all six schemes
	c := &cell{row: row, stage: stage, op: op, facts: f, want: w, script: newScript(stage, op, f, w), credential: credentials[n%len(credentials)]}
	cells = append(cells, c)
	return c
}

// summary is an outcome in a few words.
func summary(o outcome) string {
	var words []string
	add := func(word string) { words = append(words, word) }
	var (
		request *wrapper.Error
		task    *wrapper.TaskError
	)
	if o.hung {
		add("HANGS")
	}
	switch {
	case o.panic != nil:
		add("PANIC")
	case o.err == nil:
		add("answer")
	}
	for _, names := range []map[error]string{allReasons, allKinds, allCauses} {
		var found []string
		for kind, name := range names {
			if is(o.err, kind) {
				found = append(found, name)
			}
		}
		slices.Sort(found)
		words = append(words, found...)
	}
	if as(o.err, &task) {
		add("(job)")
	}
	if as(o.err, &request) {
		if request.StatusCode == 0 {
			add("no answer")
		}
		add(fmt.Sprintf("×%d", request.Attempts))
	}
	if is(o.err, wrapper.ErrOutcomeUnknown) {
		add("unknown")
	}
	return strings.Join(words, " ")
}

// table writes all cells down.
func table() string {
	var (
		rows  []string
		byRow = map[string]map[string]*cell{}
		text  strings.Builder
		wrong int
	)
	for _, c := range cells {
		if byRow[c.row] == nil {
			rows, byRow[c.row] = append(rows, c.row), map[string]*cell{}
		}
		byRow[c.row][c.op.id] = c
		if len(c.wrong) > 0 {
			wrong++
		}
	}
	text.WriteString("| fault |")
	for _, op := range operations {
		text.WriteString(" " + op.id + " |")
	}
	text.WriteString("\n|---|" + strings.Repeat("---|", len(operations)) + "\n")
	for _, row := range rows {
		text.WriteString("| " + strings.ReplaceAll(row, "|", `\|`) + " |")
		for _, op := range operations {
			switch c := byRow[row][op.id]; {
			case c == nil:
				text.WriteString(" |")
			case len(c.wrong) > 0:
				text.WriteString(" **WRONG: " + c.out + "** |")
			default:
				text.WriteString(" " + c.out + " |")
			}
		}
		text.WriteString("\n")
	}
	fmt.Fprintf(&text, "\n%d rows, %d cells, %d of them wrong.\n", len(rows), len(cells), wrong)
	for _, c := range cells {
		for _, finding := range c.wrong {
			fmt.Fprintf(&text, "- %s, %s (%s): %s\n", c.row, c.op.id, c.credential.scheme, finding)
		}
	}
	return text.String()
}

// TestMatrix runs all cells. With FAULTS_TABLE it also writes the table there, however it ends.
func TestMatrix(t *testing.T) {
	var said bytes.Buffer
	log.SetOutput(&said) // net/http writes there
	defer log.SetOutput(os.Stderr)
	t.Run("memory", inMemory)
	t.Run("sockets", overSockets)
	if n := len(cells); n < fewestCells {
		t.Errorf("the matrix: %d cells; there are to be at least %d", n, fewestCells)
	}
	if path := os.Getenv("FAULTS_TABLE"); path != "" {
		if err := os.WriteFile(path, []byte(table()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
