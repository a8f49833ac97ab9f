package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/docspacetest"
)

var (
	update = flag.Bool("update", false, "write the golden screens anew")
	tool   string // the program
)

func TestMain(m *testing.M) {
	flag.Parse()
	folder, err := os.MkdirTemp("", "terminal-")
	if err == nil {
		tool, err = build(folder)
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// seat is somebody at a terminal, in a test.
type seat struct {
	*terminal
	t *testing.T
}

// at opens the tool at a terminal, as the portal's owner.
func at(t *testing.T, columns int, s *stage, environment []string, args ...string) seat {
	t.Helper()
	environment = append([]string{"HOME=" + s.folder, "DOCSPACE_URL=" + s.url, "DOCSPACE_API_KEY=" + s.portal.Owner().APIKey}, environment...)
	opened, err := open(tool, s.folder, columns, environment, args...)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = opened.cmd.Process.Kill() // of one that a failed test has left
		_ = opened.pty.Close()
	})
	return seat{opened, t}
}

// sees waits until the screen shows something.
func (s seat) sees(text string) {
	s.t.Helper()
	require.NoError(s.t, s.until(func(now string) bool { return strings.Contains(now, text) }), "waiting for %q:\n%s", text, s)
}

func (s seat) types(keys string) {
	s.t.Helper()
	require.NoError(s.t, s.enter(keys))
}

func (s seat) ends(code int) {
	s.t.Helper()
	got, err := s.close()
	require.NoError(s.t, err, s)
	assert.Equal(s.t, code, got, s)
}

// String is the screen without what is another each time: the port, and times.
func (s seat) String() string {
	text := regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(s.text(), "127.0.0.1:12345")
	text = regexp.MustCompile(`\b\d:\d\d\b`).ReplaceAllString(text, "0:01")
	text = regexp.MustCompile(`\b(in|took|after)(\s+)[\d.]+(ms|s)\b`).ReplaceAllString(text, "${1}${2}1s")
	text = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(text, "2026-01-01T00:00:00Z")
	return text + "\n"
}

// shows holds the screen against a golden one.
func (s seat) shows(name string) {
	s.t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(s.t, os.MkdirAll("testdata", 0o750))
		require.NoError(s.t, os.WriteFile(path, []byte(s.String()), 0o600))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(s.t, err)
	assert.Equal(s.t, string(want), s.String(), "make screens writes %s anew", path)
}

// widths plays at two widths. name names a golden screen.
func widths(t *testing.T, play func(t *testing.T, columns int, name func(string) string)) {
	for _, columns := range []int{80, 40} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			play(t, columns, func(name string) string { return fmt.Sprintf("%s-%d", name, columns) })
		})
	}
}

func TestAUserIsOffboardedBeforeOnesEyes(t *testing.T) {
	t.Parallel()
	widths(t, func(t *testing.T, columns int, name func(string) string) {
		s := newStage(t).peopled()
		v := at(t, columns, s, nil, "offboard", "--from", ann.String(), "--to", sam.String())
		v.sees("[y/N]")
		v.shows(name("question"))
		v.types("y\r")
		v.sees("0%")
		s.reach(ann, 30, "")
		v.sees("30%")
		v.shows(name("job"))
		s.reach(ann, 100, "")
		v.ends(0)
		v.shows(name("job-end"))
	})
}

func TestManyUsersAreOffboardedBeforeOnesEyes(t *testing.T) {
	t.Parallel()
	widths(t, func(t *testing.T, columns int, name func(string) string) {
		s := newStage(t).peopled()
		s.question.Store(4)
		v := at(t, columns, s, nil, "offboard", "--csv", "leavers.csv")
		v.sees("[y/N]")
		v.types("y\r")
		v.sees("0/4")
		s.reach(ann, 30, "")
		v.sees("30%")
		s.reach(dora, 45, "")
		v.sees("45%")
		v.shows(name("many"))
		s.reach(dora, 100, "")
		v.sees("1/4")
		s.reach(ann, 70, "the disk is full")
		v.sees("1 failed")
		s.reach(bob, 100, "")
		v.sees("2/4")
		s.reach(cem, 100, "")
		v.ends(1)
		v.shows(name("many-end"))
	})
}

func TestTheDoctorsTableFitsTheTerminal(t *testing.T) {
	t.Parallel()
	widths(t, func(t *testing.T, columns int, name func(string) string) {
		v := at(t, columns, newStage(t), nil, "doctor")
		v.ends(0)
		v.shows(name("doctor"))
	})
}

func TestAnErrorSaysWhatToDo(t *testing.T) {
	t.Parallel()
	widths(t, func(t *testing.T, columns int, name func(string) string) {
		v := at(t, columns, newStage(t), []string{"DOCSPACE_API_KEY=sk-wrong"}, "check", ann.String())
		v.ends(3)
		v.shows(name("error"))
	})
}

func TestCtrlCStopsTheWatchingAndNotTheJob(t *testing.T) {
	t.Parallel()
	widths(t, func(t *testing.T, columns int, name func(string) string) {
		s := newStage(t).peopled()
		v := at(t, columns, s, nil, "offboard", "--from", ann.String(), "--to", sam.String(), "--yes")
		v.sees("0%")
		s.reach(ann, 50, "")
		v.sees("50%")
		v.types("\x03")
		v.ends(6)
		v.shows(name("ctrl-c"))
		for _, r := range s.portal.Requests() {
			assert.NotContains(t, r.OperationID, "terminate")
		}
	})
}

func TestCtrlCInTheMiddleOfManyLeavesTheJobsWhereTheyAre(t *testing.T) {
	t.Parallel()
	widths(t, func(t *testing.T, columns int, name func(string) string) {
		s := newStage(t).peopled()
		s.list(t, ann, dora)
		v := at(t, columns, s, nil, "offboard", "--csv", "leavers.csv", "--yes")
		v.sees("0/2")
		s.reach(dora, 100, "")
		v.sees("1/2")
		s.reach(ann, 70, "")
		v.sees("70%")
		v.types("\x03")
		v.ends(6)
		v.shows(name("many-ctrl-c"))

		s.end()
		v = at(t, columns, s, nil, "offboard", "--csv", "leavers.csv", "--yes")
		v.ends(0)
		assert.Contains(t, strings.Join(strings.Fields(v.String()), " "), "2 of 2 users done")
	})
}

func TestCtrlCTwiceLeavesAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t).peopled()
	s.portal.Fail("terminateReassign", docspacetest.Fault{Hang: true})
	v := at(t, 80, s, nil, "reassign", "start", "--from", ann.String(), "--to", sam.String(), "--wait", "--yes", "--stop-on-interrupt")
	v.sees("0%")
	s.reach(ann, 50, "")
	v.sees("50%")
	v.types("\x03")
	said := regexp.MustCompile(`asking the portal to stop; .*\nuser .* 50% .*\d:\d\d$`)
	require.NoError(t, v.until(said.MatchString), v)
	v.types("\x03")
	v.ends(6)
	assert.Regexp(t, ` 50%  step 5 of 9   0:01\n(\^C)?\ndocspace-userdata: left at once; what the portal has begun goes on\n$`, v.String())
}

func TestAResizeTearsAndDoublesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t).peopled()
	v := at(t, 80, s, nil, "offboard", "--csv", "leavers.csv", "--yes")
	v.sees("0/4")
	s.reach(dora, 10, "")
	v.sees("10%")
	s.reach(ann, 30, "")
	v.sees("30%")
	for i, columns := range []int{40, 120, 60, 20, 80} {
		require.NoError(t, v.resize(columns))
		percentage := []int{50, 70, 90, 95, 96}[i]
		s.reach(ann, percentage, "")
		said := fmt.Sprintf("%d%%", percentage)
		require.NoError(t, v.until(func(now string) bool {
			for line := range strings.SplitSeq(now, "\n") {
				if strings.Contains(line, said) {
					return len([]rune(line)) < columns && strings.Contains(now, "/4")
				}
			}
			return false
		}), v)
		assert.Equal(t, 1, strings.Count(v.String(), said), v)
		assert.Equal(t, 1, strings.Count(v.String(), "0/4"), v)
	}
	v.shows("resized-80")
	s.end()
	v.ends(0)
	assert.Equal(t, 1, strings.Count(v.String(), "100%"), v)
}

func TestLinesOfJSONAndBarsShareATerminal(t *testing.T) {
	t.Parallel()
	s := newStage(t).peopled()
	s.list(t, ann, dora)
	v := at(t, 240, s, nil, "offboard", "--csv", "leavers.csv", "--yes", "--json")
	v.sees("0/2")
	s.reach(ann, 30, "")
	v.sees("30%")
	s.reach(dora, 100, "")
	v.sees("1/2 done")
	s.reach(ann, 100, "")
	v.ends(0)
	var documents int
	for line := range strings.SplitSeq(v.String(), "\n") {
		if strings.HasPrefix(line, "{") {
			documents++
			assert.True(t, json.Valid([]byte(line)), line)
		}
	}
	assert.Equal(t, 3, documents, v)
	assert.Equal(t, 1, strings.Count(v.String(), "/2 done"), "one bar, and nothing of those before: %s", v)
	assert.NotContains(t, v.String(), "30%")
}

func TestColorsAreForThoseWhoWantThem(t *testing.T) {
	t.Parallel()
	for environment, colored := range map[string]bool{"NO_COLOR=1": false, "NO_COLOR=": true} {
		s := newStage(t).peopled()
		v := at(t, 80, s, []string{environment}, "offboard", "--from", ann.String(), "--to", sam.String(), "--yes")
		v.sees("0%")
		s.reach(ann, 50, "")
		v.sees("50%")
		s.reach(ann, 100, "")
		v.ends(0)
		assert.Equal(t, colored, regexp.MustCompile("\x1b\\[[0-9;]+m").MatchString(v.sent.String()), environment)
	}
}

func TestAPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	s := newStage(t).peopled()
	owner := s.portal.Owner()
	v := at(t, 80, s, []string{"DOCSPACE_API_KEY=", "DOCSPACE_USERNAME=" + owner.Email}, "check", ann.String())
	v.sees("Password of " + owner.Email)
	v.types(owner.Password + "\r")
	v.ends(0)
	assert.NotContains(t, v.sent.String(), owner.Password)
	v.shows("password-80")

	v = at(t, 80, s, []string{"DOCSPACE_API_KEY="}, "check", ann.String())
	v.sees("API key:")
	v.types("sk-half\x03")
	v.ends(6)
	assert.NotContains(t, v.sent.String(), "sk-half")
}

// A terminal that cannot move its cursor is written to line by line; one that does not know its size is taken for 80 wide.
func TestTerminalsThatCanDoLittle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		columns     int
		environment []string
	}{
		"dumb-80": {80, []string{"TERM=dumb"}}, "no-size-80": {0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t).peopled()
			v := at(t, c.columns, s, c.environment, "remove", "start", ann.String(), "--wait", "--yes")
			v.sees("0%")
			s.reach(ann, 45, "")
			v.sees("45%")
			s.reach(ann, 100, "")
			v.ends(0)
			v.shows(name)
		})
	}
}

func TestTheQuestionTakesNoForAnAnswer(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"\r", "n\r", "\x03", "\x04"} {
		s := newStage(t).peopled()
		v := at(t, 80, s, nil, "remove", "start", ann.String())
		v.sees("[y/N]")
		v.types(keys)
		v.ends(6)
		assert.Contains(t, v.String(), "nothing was done")
		for _, r := range s.portal.Requests() {
			assert.Equal(t, "GET", r.Method)
		}
	}
}
