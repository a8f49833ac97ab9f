package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/lock"
	"github.com/docspace-go/userdata/docspacetest"
)

// listed writes a list of users who leave, in a folder of its own, and returns its path.
func listed(t *testing.T, successor docspacetest.User, leaving ...docspacetest.User) string {
	text := "from,to\n"
	for _, u := range leaving {
		text += u.ID.String() + "," + successor.ID.String() + "\n"
	}
	path := filepath.Join(t.TempDir(), "leavers.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// onBulk is withPortal with two more who leave: one has nothing to hand over, and the job of one fails.
func onBulk(t *testing.T, play func(t *testing.T, p *docspacetest.Portal, good string, bad string)) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		signedIn(t, p)
		empty := p.AddUser(docspacetest.User{Status: docspacetest.Terminated})
		failing := p.AddUser(docspacetest.User{Status: docspacetest.Terminated, Rooms: 1, Job: docspacetest.Job{Length: time.Second, Error: "the disk is full"}})
		play(t, p, listed(t, successor, leaving, empty), listed(t, successor, failing, leaving, empty))
	})
}

func TestManyUsersAreOffboardedFromAList(t *testing.T) {
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, good, _ string) {
		got := runIn(t.Context(), p.HTTPClient(), "offboard", "--csv", good, "--yes")
		assert.Zero(t, got.code, got.err)
		assert.Regexp(t, `^2 of 2 users done: 1 handed over, 1 had nothing to hand over\. It took .+\n$`, got.out)
		assert.Len(t, p.Users(), 3)
		assert.FileExists(t, good+".journal")
		before := starts(p)
		got = runIn(t.Context(), p.HTTPClient(), "offboard", "--csv", good, "--yes")
		assert.Zero(t, got.code, got.err)
		assert.Contains(t, got.out, "2 of them begun or done by an earlier run")
		assert.Equal(t, before, starts(p))
	})
}

func TestTheStreamHasALineForEachUserAndOneForAll(t *testing.T) {
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, _, bad string) {
		report := filepath.Join(t.TempDir(), "report.json")
		got := runIn(t.Context(), p.HTTPClient(), "offboard", "--csv", bad, "--yes", "--json", "--report", report)
		assert.Equal(t, exitFailed, got.code)
		lines := strings.Split(strings.TrimSpace(got.out), "\n")
		require.Len(t, lines, 4)
		outcomes := map[float64]string{}
		for _, line := range lines[:3] {
			var u map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &u))
			assert.NotContains(t, u, "summary")
			outcomes[u["line"].(float64)] = u["outcome"].(string)
		}
		assert.Equal(t, map[float64]string{2: "failed", 3: "done", 4: "done"}, outcomes)
		var end bulkDocument
		require.NoError(t, json.Unmarshal([]byte(lines[3]), &end))
		assert.True(t, end.Summary)
		assert.Equal(t, 2, end.Done)
		assert.Equal(t, map[string]int{"done": 2, "failed": 1}, end.Outcomes)
		assert.Contains(t, end.Next, "--csv "+bad)
		data, err := os.ReadFile(report)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &end))
		require.Len(t, end.Users, 3)
		assert.Equal(t, "failed", end.Outcome)
		assert.Contains(t, end.Users[0].Error, "the disk is full")
	})
}

func TestAReportSaysWhatIsKnownOfEachUser(t *testing.T) {
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, _, bad string) {
		report := filepath.Join(t.TempDir(), "report.csv")
		require.NoError(t, os.WriteFile(report, []byte("of the last run"), 0o600))
		got := runIn(t.Context(), p.HTTPClient(), "offboard", "--csv", bad, "--yes", "--report", report)
		assert.Equal(t, exitFailed, got.code)
		assert.Contains(t, got.out, "line 2: reassignment of user ")
		assert.Contains(t, got.out, "the disk is full")
		file, err := os.Open(report)
		require.NoError(t, err)
		defer file.Close()
		rows, err := csv.NewReader(file).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 4)
		assert.Equal(t, []string{"line", "from", "to", "action", "outcome", "percentage", "resumed", "seconds", "error"}, rows[0])
		assert.Equal(t, "failed", rows[1][4])
		assert.Equal(t, []string{"reassign", "done", "100"}, rows[2][3:6])
		assert.Equal(t, []string{"remove", "done", "100"}, rows[3][3:6])
		left, err := filepath.Glob(filepath.Join(filepath.Dir(report), ".*"))
		require.NoError(t, err)
		assert.Empty(t, left)
	})
}

func TestADryRunOfManyOnlyReads(t *testing.T) {
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, good, _ string) {
		got := runIn(t.Context(), p.HTTPClient(), "offboard", "--csv", good, "--dry-run")
		assert.Zero(t, got.code, got.err)
		assert.Contains(t, got.out, "would be handed over to")
		assert.Contains(t, got.out, "would be erased: nothing to hand over")
		assert.Contains(t, got.out, "2 of 2 users would be done")
		assert.Zero(t, starts(p))
		assert.NoFileExists(t, good+".journal")
	})
}

func TestAListFromStandardInput(t *testing.T) {
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, good, _ string) {
		list, err := os.Open(good)
		require.NoError(t, err)
		defer list.Close()
		var out, said bytes.Buffer
		code := run(t.Context(), []string{"offboard", "--csv", "-", "--journal", good + ".j", "--yes"},
			outside{in: list, out: &out, err: &said, http: p.HTTPClient()})
		assert.Zero(t, code, said.String())
		assert.Contains(t, out.String(), "2 of 2 users done")
	})
}

func TestManyAreAskedAboutOnce(t *testing.T) {
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, good, _ string) {
		report := filepath.Join(t.TempDir(), "report.csv")
		got := asked(t.Context(), p.HTTPClient(), "n\n", "offboard", "--csv", good, "--report", report)
		assert.Equal(t, exitInterrupted, got.code)
		assert.Contains(t, got.err, "2 users of "+good)
		assert.Regexp(t, `\nline 2: [0-9a-f-]{36} has something to hand over\nline 3: [0-9a-f-]{36} has nothing to hand over\nGo on\?`, got.err)
		for _, r := range p.Requests() {
			assert.Equal(t, "necessaryReassign", r.OperationID)
		}
		left, err := os.ReadDir(filepath.Dir(report))
		require.NoError(t, err)
		assert.Empty(t, left)
	})
}

func TestAQuestionNamesTheFirstOfMany(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, _, successor docspacetest.User) {
		signedIn(t, p)
		leaving := []docspacetest.User{{ID: uuid.New()}} // whom nobody knows any more
		for range 12 {
			leaving = append(leaving, p.AddUser(docspacetest.User{Status: docspacetest.Terminated}))
		}
		got := asked(t.Context(), p.HTTPClient(), "n\n", "offboard", "--csv", listed(t, successor, leaving...))
		assert.Equal(t, exitInterrupted, got.code)
		assert.Equal(t, 10, strings.Count(got.err, "\nline "))
		assert.Contains(t, got.err, "and 3 more, of whom --dry-run tells\nGo on?")
		assert.Len(t, p.Requests(), 10)
	})
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		signedIn(t, p)
		p.Fail("necessaryReassign", docspacetest.Fault{Status: 403})
		got := asked(t.Context(), p.HTTPClient(), "y\n", "offboard", "--csv", listed(t, successor, leaving))
		assert.Equal(t, exitNotAllowed, got.code)
		assert.NotContains(t, got.err, "Go on?")
		assert.Zero(t, starts(p))
	})
}

func TestNothingStartsIfSomethingIsWrongWithTheFiles(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, list string) (more []string)
		says  string
	}{
		{"a bad line", func(t *testing.T, list string) []string {
			require.NoError(t, os.WriteFile(list, []byte("from,to\ncarla,sam\n"+uuid.NewString()+",ben\n"), 0o600))
			return nil
		}, ":2: "},
		{"an empty list", func(t *testing.T, list string) []string {
			require.NoError(t, os.WriteFile(list, nil, 0o600))
			return nil
		}, "empty"},
		{"a folder for a list", func(t *testing.T, list string) []string { return []string{"--csv", filepath.Dir(list)} }, "is a directory"},
		{"a damaged journal", func(t *testing.T, list string) []string {
			require.NoError(t, os.WriteFile(list+".journal", []byte("what is this\n{}\n"), 0o600))
			return nil
		}, "is damaged"},
		{"a journal of another list", func(t *testing.T, list string) []string {
			require.NoError(t, os.WriteFile(list+".journal", []byte(`{"event":"done","from":"`+uuid.NewString()+`","to":"`+uuid.NewString()+`","action":"remove"}`+"\n"), 0o600))
			return nil
		}, "journal of another list"},
		{"a folder for a journal", func(t *testing.T, list string) []string { return []string{"--journal", filepath.Dir(list)} }, "--journal"},
		{"the list for a report", func(_ *testing.T, list string) []string { return []string{"--report", list} }, "name another file"},
		{"the list for a journal", func(_ *testing.T, list string) []string { return []string{"--journal", list} }, "name another file"},
		{"the journal for a report", func(_ *testing.T, list string) []string {
			return []string{"--report", list + ".json", "--journal", filepath.Dir(list) + "/./" + filepath.Base(list) + ".json"}
		}, "name another file"},
		{"a device for a journal", func(*testing.T, string) []string { return []string{"--journal", os.DevNull} }, "no regular file"},
		{"a journal nowhere", func(*testing.T, string) []string { return []string{"--journal", "/nowhere/j"} }, "/nowhere/j"},
		{"a report nowhere", func(*testing.T, string) []string { return []string{"--report", "/nowhere/r.csv"} }, "--report"},
		{"a folder for a report", func(t *testing.T, list string) []string {
			folder := filepath.Join(filepath.Dir(list), "r.csv")
			require.NoError(t, os.Mkdir(folder, 0o700))
			return []string{"--report", folder}
		}, "is a folder"},
		{"another run", func(t *testing.T, list string) []string {
			release, err := lock.File(list + ".journal")
			require.NoError(t, err)
			t.Cleanup(func() { _ = release() })
			return nil
		}, "another run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBulk(t, func(t *testing.T, p *docspacetest.Portal, good, _ string) {
				got := runIn(t.Context(), p.HTTPClient(), append([]string{"offboard", "--csv", good, "--yes"}, c.spoil(t, good)...)...)
				assert.Equal(t, exitUsage, got.code, got.err)
				assert.Contains(t, got.err, c.says)
				assert.Empty(t, got.out)
				assert.Zero(t, starts(p))
			})
		})
	}
}

func TestAnInterruptedRunIsResumed(t *testing.T) {
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, good, _ string) {
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, interrupt)
		got := runIn(ctx, p.HTTPClient(), "offboard", "--csv", good, "--yes")
		assert.Equal(t, exitInterrupted, got.code)
		assert.Contains(t, got.err, "Jobs that were started go on")
		assert.Regexp(t, `^line 2: [0-9a-f-]{36}: under way, last seen at \d+%\. The job goes on\nline 3: `, got.out)
		assert.NotContains(t, got.err, "context canceled")
		assert.Contains(t, got.err, "next: docspace-userdata offboard --csv "+good)
		before := starts(p)
		got = runIn(t.Context(), p.HTTPClient(), "offboard", "--csv", good, "--yes")
		assert.Zero(t, got.code, got.err)
		assert.Equal(t, before, starts(p), "the jobs are come back to")
	})
}

func TestAnInterruptCanStopAllJobs(t *testing.T) {
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, good, _ string) {
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, interrupt)
		got := runIn(ctx, p.HTTPClient(), "offboard", "--csv", good, "--yes", "--stop-on-interrupt")
		assert.Equal(t, exitInterrupted, got.code)
		assert.Contains(t, got.out, "was asked to stop")
		assert.NotContains(t, got.err, "Jobs that were started go on")
		stops := 0
		for _, r := range p.Requests() {
			if strings.HasPrefix(r.OperationID, "terminate") {
				stops++
			}
		}
		assert.Equal(t, 2, stops)
	})
}

func TestTheWorstKindOfFailureIsTheExitCodeOfMany(t *testing.T) {
	for _, c := range []struct {
		name     string
		outcomes map[string]int
		code     int
	}{
		{"all done", map[string]int{"done": 3}, exitDone},
		{"all of one kind", map[string]int{"done": 1, "notAllowed": 2}, exitNotAllowed},
		{"two kinds", map[string]int{"notFound": 1, "notAllowed": 2}, exitFailed},
		{"one not known", map[string]int{"failed": 2, "unknown": 1}, exitUnknown},
		{"an interrupt", map[string]int{"failed": 1, "unknown": 1, "interrupted": 1}, exitInterrupted},
	} {
		d := bulkDocument{Total: 3, Done: c.outcomes["done"], Outcomes: c.outcomes}
		assert.Equal(t, c.code, exitCode(d.verdict(false)), c.name)
	}
}

// full is a disk without room.
type full struct{ io.Writer }

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestResultsThatCannotBeWrittenStopNothing(t *testing.T) {
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, good, _ string) {
		var said bytes.Buffer
		code := run(t.Context(), []string{"offboard", "--csv", good, "--yes", "--json"},
			outside{in: strings.NewReader(""), out: full{}, err: &said, http: p.HTTPClient()})
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, said.String(), "no space left")
		assert.Len(t, p.Users(), 3, "both are gone")
	})
}

// What is no regular file must never be replaced by one: think of a device, and of a tool that runs as root.
func TestAReportReplacesNothingButARegularFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a right there")
	}
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, good, _ string) {
		folder := t.TempDir()
		socket, err := net.Listen("unix", filepath.Join(folder, "socket"))
		require.NoError(t, err)
		defer socket.Close()
		report := filepath.Join(folder, "report.csv")
		require.NoError(t, os.Symlink(filepath.Join(folder, "socket"), report))
		got := runIn(t.Context(), p.HTTPClient(), "offboard", "--csv", good, "--dry-run", "--report", report)
		assert.Equal(t, exitUsage, got.code, got.err)
		info, err := os.Lstat(filepath.Join(folder, "socket"))
		require.NoError(t, err)
		assert.NotZero(t, info.Mode()&os.ModeSocket)
	})
}

// A link to a report of yesterday stays a link.
func TestAReportIsWrittenThroughALink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a right there")
	}
	onBulk(t, func(t *testing.T, p *docspacetest.Portal, good, _ string) {
		folder := t.TempDir()
		link, target := filepath.Join(folder, "report.json"), filepath.Join(folder, "kept")
		require.NoError(t, os.WriteFile(target, nil, 0o600))
		require.NoError(t, os.Symlink(target, link))
		got := runIn(t.Context(), p.HTTPClient(), "offboard", "--csv", good, "--dry-run", "--report", link)
		assert.Zero(t, got.code, got.err)
		info, err := os.Lstat(link)
		require.NoError(t, err)
		assert.NotZero(t, info.Mode()&os.ModeSymlink)
		data, err := os.ReadFile(target)
		require.NoError(t, err)
		assert.True(t, json.Valid(data), "as its name says: %s", data)
	})
}
