package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/lock"
	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/people"
	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/screen"
	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

// bulk are the flags of offboard for many users.
type bulk struct {
	csv, journal, report string
	stopAfter            int
}

func bulkFlags(cmd *cobra.Command) *bulk {
	b := &bulk{}
	cmd.Flags().StringVar(&b.csv, "csv", "", "who leaves and who takes over: a `FILE` with the columns from and to, or - for standard input")
	cmd.Flags().StringVar(&b.journal, "journal", "", "the `FILE` that makes the run resumable (default: that of --csv with .journal behind it)")
	cmd.Flags().StringVar(&b.report, "report", "", "a `FILE`, .csv or .json, for what was done and what is not known of each user")
	cmd.Flags().IntVar(&b.stopAfter, "stop-after", 0, "begin nobody else after `N` have failed; 0 never stops")
	return b
}

func (b *bulk) given(cmd *cobra.Command) bool {
	return cmd.Flags().Changed("journal") || cmd.Flags().Changed("report") || cmd.Flags().Changed("stop-after")
}

// userResult is what became of a user of the list.
type userResult struct {
	Line int `json:"line"` // in the list
	deed
	Resumed bool   `json:"resumed"` // an earlier run has begun it, or done it
	Outcome string `json:"outcome"`
	Error   string `json:"error,omitempty"`
	said    string // to people
}

// bulkDocument ends a run about many users: the last line of the stream, and the top of a report in JSON.
type bulkDocument struct {
	head
	Summary    bool           `json:"summary"` // tells it from the lines about users
	Portal     string         `json:"portal"`
	DryRun     bool           `json:"dryRun,omitempty"`
	Journal    string         `json:"journal,omitempty"`
	Total      int            `json:"total"`
	Done       int            `json:"done"`
	Reassigned int            `json:"reassigned"` // of those done; in a dry run, of those that would be
	Removed    int            `json:"removed"`
	Resumed    int            `json:"resumed"`  // of those done, begun or done by an earlier run
	Outcomes   map[string]int `json:"outcomes"` // how many users ended how
	Seconds    float64        `json:"seconds"`
	Users      []userResult   `json:"users,omitempty"` // in the report only
	lines      []userResult   // those that people are told about at the end
}

func (d *bulkDocument) text() string {
	verb := "done"
	if d.DryRun {
		verb = "would be done"
	}
	text := ""
	for _, u := range d.lines {
		text += u.said + "\n"
	}
	text += fmt.Sprintf("%d of %d users %s", d.Done, d.Total, verb)
	if d.Done > 0 {
		text += fmt.Sprintf(": %d handed over, %d had nothing to hand over", d.Reassigned, d.Removed)
	}
	if d.Resumed > 0 {
		text += fmt.Sprintf("; %d of them begun or done by an earlier run", d.Resumed)
	}
	for code, name := range outcomes {
		if n := d.Outcomes[name]; n > 0 && code != exitDone {
			text += fmt.Sprintf("; %d %s", n, [...]string{"", "failed", "refused", "not allowed", "not found", "not known", "interrupted or not begun"}[code])
		}
	}
	return text + fmt.Sprintf(". It took %v", (time.Duration(d.Seconds*1000)*time.Millisecond).Round(100*time.Millisecond))
}

func (b *bulk) run(cmd *cobra.Command, t *tool, connect *connection, c *consent, watch *watching) error {
	report, err := b.check(t, c)
	if err != nil {
		return usageError{err}
	}
	rows, err := b.read(t)
	if err != nil {
		return usageError{err}
	}
	client, err := connect.client(cmd.Context(), t)
	if err != nil {
		return err
	}
	journal, release, err := b.open(t, c, rows)
	if err != nil {
		return usageError{err}
	}
	defer release()
	if err := report.open(); err != nil {
		return usageError{fmt.Errorf("--report: %w", err)}
	}
	if !c.dry {
		about := fmt.Sprintf("%s: %d users of %s are handed over where there is something to hand over, and erased with their personal files and profiles. Nobody can undo that.", connect.portal(), len(rows), b.csv)
		if !c.yes {
			who, err := listedUsers(cmd.Context(), client, rows)
			if err != nil {
				return errors.Join(err, report.discard())
			}
			about += who
		}
		if err := c.ask(cmd.Context(), t, about); err != nil {
			return errors.Join(err, report.discard())
		}
	}
	d := &bulkDocument{Summary: true, Portal: connect.portal(), DryRun: c.dry, Journal: b.journal, Total: len(rows), Outcomes: map[string]int{}}
	if c.dry {
		d.Journal = ""
	}
	options := offboard.Options{DryRun: c.dry, StopAfter: b.stopAfter}
	if journal != nil {
		options.Journal = journal
	}
	began := time.Now()
	users, err := d.offboard(cmd.Context(), t, client, rows, options, watch)
	d.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	if len(users) == 0 && err != nil {
		return errors.Join(err, report.discard())
	}
	if err != nil && !c.dry {
		again := []string{"offboard", "--csv", b.csv, "--journal", b.journal}
		if b.report != "" {
			again = append(again, "--report", b.report)
		}
		err = advised{err, connect.again(again...)}
	}
	err = report.write(t, cmd, *d, users, err)
	return t.answer(cmd, d, err)
}

// mostListed is how many users a question names, each of whom takes a request.
const mostListed = 10

// listedUsers says whose data a question is about, and what has been found of them.
func listedUsers(ctx context.Context, client *wrapper.Client, rows []people.Row) (string, error) {
	text := ""
	for _, row := range rows[:min(len(rows), mostListed)] {
		necessary, err := client.NecessaryReassign(ctx, row.From, "")
		found := "has nothing to hand over"
		switch {
		case err != nil && (ctx.Err() != nil || !errors.Is(err, wrapper.ErrBadRequest) && !errors.Is(err, wrapper.ErrNotFound)):
			return "", err
		case err != nil: // perhaps an earlier run has erased the user
			found = "is not known to the portal"
		case necessary:
			found = "has something to hand over"
		}
		text += fmt.Sprintf("\nline %d: %s %s", row.Line, row.From, found)
	}
	if more := len(rows) - mostListed; more > 0 {
		text += fmt.Sprintf("\nand %d more, of whom --dry-run tells", more)
	}
	return text, nil
}

// check looks at the flags before anything is read.
func (b *bulk) check(t *tool, c *consent) (*report, error) {
	if b.journal == "" && b.csv != "-" {
		b.journal = b.csv + ".journal"
	}
	switch {
	case b.stopAfter < 0:
		return nil, errors.New("--stop-after: give a number of users, or 0 never to stop")
	case b.journal == "" && !c.dry:
		return nil, errors.New("a list from standard input needs a --journal, so that the run can be resumed")
	case b.csv == "-" && !c.yes && !c.dry:
		return nil, errors.New("nobody can be asked while the list comes from standard input: give --yes if you are sure, or --dry-run to see what would be done")
	}
	for flag, path := range map[string]string{"--report": b.report, "--journal": b.journal} {
		if path != "" && (same(path, b.csv) || flag == "--report" && same(path, b.journal)) {
			return nil, fmt.Errorf("%s: %s is the list or the journal of this run; name another file", flag, path)
		}
	}
	if err := c.possible(t); err != nil {
		return nil, err
	}
	return newReport(b.report)
}

// same tells whether two paths lead to one file.
func same(a, b string) bool {
	one, err := os.Stat(a)
	other, otherErr := os.Stat(b)
	return filepath.Clean(a) == filepath.Clean(b) || err == nil && otherErr == nil && os.SameFile(one, other)
}

// read reads the whole list, so that all that is wrong with it is said before anything starts.
func (b *bulk) read(t *tool) ([]people.Row, error) {
	if b.csv == "-" {
		return people.Read("standard input", t.in)
	}
	file, err := os.Open(b.csv)
	if err != nil {
		return nil, fmt.Errorf("--csv: %w", err)
	}
	defer func() { _ = file.Close() }()
	return people.Read(b.csv, file)
}

// open opens the journal, and keeps other runs off it. A dry run reads it, if there is one.
func (b *bulk) open(t *tool, c *consent, rows []people.Row) (_ *os.File, release func(), err error) {
	if info, err := os.Stat(b.journal); err == nil && !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("the journal %s is no regular file; name another with --journal", b.journal)
	}
	if c.dry {
		file, err := os.Open(b.journal)
		if b.journal == "" || errors.Is(err, fs.ErrNotExist) {
			return nil, func() {}, nil
		}
		return b.known(t, file, func() error { return nil }, rows, err)
	}
	unlock, err := lock.File(b.journal)
	if err != nil && !errors.Is(err, lock.ErrHeld) {
		err = fmt.Errorf("the journal: %w; name another with --journal", err)
	}
	if err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(b.journal, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	return b.known(t, file, unlock, rows, err)
}

// known makes sure that a journal is one of this list.
func (b *bulk) known(t *tool, file *os.File, unlock func() error, rows []people.Row, err error) (*os.File, func(), error) {
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("the journal: %w; name another with --journal", err), unlock())
	}
	release := func() {
		if err := errors.Join(file.Close(), unlock()); err != nil {
			t.note("warning: the journal: %v", err)
		}
	}
	ours := map[uuid.UUID]bool{}
	for _, row := range rows {
		ours[row.From] = true
	}
	inIt, notOurs := strangers(file, ours)
	if inIt > 0 && notOurs == inIt {
		release()
		return nil, nil, fmt.Errorf("%s is the journal of another list: none of its %d users is in %s; name another with --journal", b.journal, inIt, b.csv)
	}
	if notOurs > 0 {
		t.note("warning: %d of the %d users in the journal %s are not in %s", notOurs, inIt, b.journal, b.csv)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		release()
		return nil, nil, fmt.Errorf("the journal %s: %w; name a regular file with --journal", b.journal, err)
	}
	return file, release, nil
}

// strangers counts the users in a journal, and those of them who are not in the list. What cannot be read is for package
// offboard to object to.
func strangers(journal io.Reader, ours map[uuid.UUID]bool) (inIt, notOurs int) {
	seen := map[uuid.UUID]bool{}
	lines := bufio.NewScanner(journal)
	for lines.Scan() {
		var entry struct{ From uuid.UUID }
		if json.Unmarshal(lines.Bytes(), &entry) != nil || entry.From == uuid.Nil || seen[entry.From] {
			continue
		}
		seen[entry.From] = true
		if !ours[entry.From] {
			notOurs++
		}
	}
	return len(seen), notOurs
}

// offboard does the work. The error stands for those of all users.
func (d *bulkDocument) offboard(ctx context.Context, t *tool, client *wrapper.Client, rows []people.Row, options offboard.Options, watch *watching) (users []userResult, _ error) {
	display := screen.New(t.err, t.quiet)
	defer display.Close()
	defer watch.heard(ctx, display)()
	many := display.Many(len(rows))
	options.OnProgress = func(r offboard.Request, p wrapper.Progress) { many.Progress(r.From.String(), p) }
	line := map[uuid.UUID]int{}
	requests := func(yield func(offboard.Request) bool) {
		for _, row := range rows {
			if !yield(row.Request) {
				return
			}
		}
	}
	for _, row := range rows {
		line[row.From] = row.Line
	}
	var broken error // the output
	stream := *t
	stream.out = display.Above(t.out)
	// Somebody who has seen a line about a user need not see it again.
	shown := !t.quiet && screen.Width(t.err) > 0 && screen.Width(t.out) > 0
	for result := range offboard.Users(ctx, client, requests, options) {
		if result.Request.From == uuid.Nil {
			return nil, usagef("%w. Nothing was started. Mend the journal, or look at who is done and name another with --journal", result.Err)
		}
		if watch.stopToo {
			result.Err = stopAnyway(ctx, client, result.Err)
		}
		u := userResult{Line: line[result.Request.From], deed: deedOf(result), Resumed: result.Resumed, Outcome: outcomes[exitCode(result.Err)]}
		if result.Err != nil {
			u.Error = said(result.Err)
		}
		users = append(users, u)
		d.count(u)
		if t.json && broken == nil {
			broken = stream.line(u)
		}
		u.said = fmt.Sprintf("line %d: %s", u.Line, fate(result, d.DryRun))
		interrupted := u.Outcome == outcomes[exitInterrupted]
		switch begun := result.Action != ""; {
		case d.DryRun, interrupted && begun, result.Err != nil && !interrupted && !shown:
			d.lines = append(d.lines, u)
		}
		switch {
		case interrupted: // its bar stays as it was last seen
		case d.DryRun && shown:
			many.End(u.User.String(), "", result.Err != nil)
		default:
			many.End(u.User.String(), u.said, result.Err != nil)
		}
	}
	for _, list := range [][]userResult{users, d.lines} {
		slices.SortFunc(list, func(a, b userResult) int { return a.Line - b.Line })
	}
	err := d.verdict(watch.stopToo)
	if broken != nil {
		err = errors.Join(err, fmt.Errorf("the results could not be written: %w", broken))
	}
	return users, err
}

// fate says in a line what became of a user.
func fate(r offboard.Result, dry bool) string {
	user := r.Request.From.String()
	switch {
	case errors.Is(r.Err, context.Canceled) && !errors.As(r.Err, &bulkError{}):
		return fmt.Sprintf("%s: under way, last seen at %d%%. The job goes on", user, r.Progress.Percentage)
	case r.Err != nil:
		return said(r.Err) // which names the user
	case dry && r.Action == offboard.Reassign:
		return user + " would be handed over to " + r.Request.To.String() + " and erased"
	case dry:
		return user + " would be erased: nothing to hand over"
	case r.Resumed:
		return user + " is done, begun by an earlier run"
	case r.Action == offboard.Reassign:
		return user + " was handed over and erased"
	}
	return user + " was erased: nothing to hand over"
}

func (d *bulkDocument) count(u userResult) {
	d.Outcomes[u.Outcome]++
	if u.Outcome != outcomes[exitDone] {
		return
	}
	d.Done++
	if u.Resumed {
		d.Resumed++
	}
	if u.Action == offboard.Reassign {
		d.Reassigned++
	} else {
		d.Removed++
	}
}

// The errors of a run as a whole, by the exit code that they lead to.
var verdicts = [...]error{
	exitFailed: errors.New("failed"), exitUsage: usageError{errors.New("refused")}, exitNotAllowed: wrapper.ErrForbidden,
	exitNotFound: wrapper.ErrNoTask, exitUnknown: wrapper.ErrOutcomeUnknown, exitInterrupted: context.Canceled,
}

// bulkError is what a run that did not do everything ends with.
type bulkError struct {
	text string
	kind error
}

func (e bulkError) Error() string { return e.text }
func (e bulkError) Unwrap() error { return e.kind }

// verdict is the error that stands for all: an interrupt, what is not known, the kind of failure if all are of one kind.
func (d *bulkDocument) verdict(stopped bool) error {
	failed := d.Total - d.Done
	if failed == 0 {
		return nil
	}
	code := exitFailed
	for c, name := range outcomes {
		switch n := d.Outcomes[name]; {
		case n == 0 || c == exitDone:
		case c == exitUnknown, c == exitInterrupted, n == failed:
			code = c
		}
	}
	text := fmt.Sprintf("%d of %d users are not done", failed, d.Total)
	switch {
	case code == exitInterrupted && stopped:
		text += ": interrupted, and what was under way was asked to stop. The same command with the same journal goes on with the rest"
	case code == exitInterrupted:
		text += ": interrupted. Jobs that were started go on; the same command with the same journal comes back to them"
	}
	return bulkError{text, verdicts[code]}
}

// stopAnyway stops the job of a user that was under way when the run was interrupted.
func stopAnyway(ctx context.Context, client *wrapper.Client, err error) error {
	var task *wrapper.TaskError
	if ctx.Err() == nil || !errors.As(err, &task) || !errors.Is(err, context.Canceled) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	kind := kindOf(task.Operation)
	if failure := kind.task(client, task.User).Terminate(ctx); failure != nil {
		return fmt.Errorf("%w. Stopping it failed: %w", err, failure)
	}
	return bulkError{fmt.Sprintf("%s was asked to stop at %d%%, since the run was interrupted: %s", kind.about(task.User), task.Progress.Percentage, kind.stops), context.Canceled}
}
