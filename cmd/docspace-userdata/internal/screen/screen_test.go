package screen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/wrapper"
)

const carla = "user aae1e103-bca5-9fa1-ba8c-42058b4abf28"

func at(percentage int) wrapper.Progress {
	p := wrapper.Progress{ID: "1_x_ReassignProgressItem", Percentage: percentage, Status: api.DistributedTaskStatusRunning}
	if percentage == 100 {
		p.Status, p.IsCompleted = api.DistributedTaskStatusCompleted, true
	}
	return p
}

var waiting = wrapper.Progress{ID: "1_x_ReassignProgressItem"}

// onTerminal plays in virtual time on a terminal in memory.
func onTerminal(t *testing.T, columns int, play func(t *testing.T, s *Screen, v *terminal)) {
	synctest.Test(t, func(t *testing.T) {
		v := newTerminal(t, columns, 24)
		s := &Screen{out: v}
		s.onTerminal(v.size, false, false)
		defer s.Close()
		play(t, s, v)
	})
}

// after lets time pass, and what is due be drawn.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAJobHasALineThatFitsTheTerminal(t *testing.T) {
	for columns, want := range map[int]string{
		120: carla + "  [#######-----------------]   30%  step 4 of 9   1:05",
		80:  carla + "  [##------]   30%  step 4 of 9   1:05",
		60:  "user aae1e103-bca5-9fa1-ba8c-4205…  [##------]   30%   1:05",
		40:  "user aae1e103…  [##------]   30%   1:05",
		20:  "user aa…  30%  1:05",
		10:  "30%  1:05",
		4:   "30%",
		1:   "",
	} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			onTerminal(t, columns, func(t *testing.T, s *Screen, v *terminal) {
				job := s.Job(carla)
				job.Progress(waiting)
				after(5 * time.Second)
				job.Progress(at(30))
				after(time.Minute)
				assert.Equal(t, want, v.text())
			})
		})
	}
}

func TestWhereAJobStandsIsSaidInWords(t *testing.T) {
	for _, c := range []struct {
		p    wrapper.Progress
		want string
	}{
		{wrapper.Progress{}, "waiting"},
		{at(5), "step 1 of 9"},
		{at(95), "step 8 of 9"},
		{at(42), "running"},
		{wrapper.Progress{ID: "1_x_RemoveProgressItem", Percentage: 45, Status: 1}, "step 4 of 9"},
		{wrapper.Progress{ID: "1_x_DeletePersonalFolderProgressItem", Percentage: 50, Status: 1}, "step 3 of 4"},
		{wrapper.Progress{ID: "something else", Percentage: 30, Status: 1}, "running"},
		{at(100), "done"},
		{wrapper.Progress{Status: api.DistributedTaskStatusRunning, IsCompleted: true}, "done"},
		{wrapper.Progress{Status: api.DistributedTaskStatusFailed, IsCompleted: true}, "failed"},
		{wrapper.Progress{Status: api.DistributedTaskStatusCompleted, IsCompleted: true, Error: "no room"}, "failed"},
		{wrapper.Progress{Status: api.DistributedTaskStatusCanceled, IsCompleted: true}, "stopped"},
		{wrapper.Progress{Status: api.DistributedTaskStatusUnknown, StatusName: "Pau\x1b[2Jsed"}, "Pau?[2Jsed"},
	} {
		assert.Equal(t, c.want, words(c.p), "%+v", c.p)
	}
}

func TestAnEndedJobHasNoBarAnyMore(t *testing.T) {
	onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
		first, second := s.Job("first"), s.Job("second")
		first.Progress(at(50))
		second.Progress(at(20))
		after(time.Second)
		assert.Equal(t, "first   [############------------]   50%   0:01\nsecond  [####--------------------]   20%   0:01", v.text())
		first.End()
		after(time.Second)
		assert.Equal(t, "second  [####--------------------]   20%   0:02", v.text())
		first.End()
		first.Progress(at(70))
		s.print("a word in between", "and one more")
		second.End()
		after(time.Second)
		assert.Equal(t, "a word in between\nand one more", v.text())
	})
}

func TestAPercentageNeverGoesBack(t *testing.T) {
	onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
		job := s.Job("carla")
		for _, percentage := range []int{50, 20, -7} {
			job.Progress(at(percentage))
			after(time.Second)
			assert.Contains(t, v.text(), " 50%")
		}
		job.Progress(at(700))
		after(time.Second)
		assert.Contains(t, v.text(), "[########################]  100%")
	})
}

func TestManyJobsHaveABarForAllAndOneForEachAtWork(t *testing.T) {
	onTerminal(t, 80, func(t *testing.T, s *Screen, v *terminal) {
		many := s.Many(4)
		many.End("done before", "", false)
		many.Progress("ann", at(0))
		many.Progress("bob", waiting)
		after(time.Minute)
		assert.Equal(t, "ann  [------------------------]    0%  running       1:00\n"+
			"[######------------------]   25%  1/4 done  1:00", v.text(), "what an earlier run has done says nothing about the time left")
		many.End("ann", "ann: handed over", false)
		many.Progress("bob", at(30))
		after(0)
		after(often)
		assert.Equal(t, "ann: handed over\n"+
			"bob  [#######-----------------]   30%  step 4 of 9   0:00\n"+
			"[############------------]   50%  2/4 done  1:00  ~3 min left", v.text())
		many.End("bob", "bob: failed: no room", true)
		many.End("cem", "cem: failed: no such user", true)
		after(time.Second)
		s.Close()
		assert.Equal(t, "ann: handed over\nbob: failed: no room\ncem: failed: no such user\n"+
			"[########################]  100%  2/4 done, 2 failed  1:01", v.text())
	})
}

func TestTheBarForAllFitsTheTerminal(t *testing.T) {
	for columns, want := range map[int]string{
		80: "[##----------------------]   12%  117/1000 done, 3 failed  4:12  ~31 min left",
		65: "[--------]   12%  117/1000 done, 3 failed  4:12  ~31 min left",
		40: "[--------]  117/1000, 3 failed  ~31 min",
		20: "117/1000, 3 failed",
		10: "117/1000",
		5:  "117/",
		0:  "",
	} {
		assert.Equal(t, want, look{width: columns}.many(120, 3, 1000, 252*time.Second, 1848*time.Second))
		assert.LessOrEqual(t, runewidth.StringWidth(want), max(columns-1, 0))
	}
	assert.Equal(t, "[########################]  100%  0/0 done  0:00", look{width: 80}.many(0, 0, 0, 0, 0))
	assert.Equal(t, "[########################]  100%  3/2 done  0:00", look{width: 80}.many(3, 0, 2, 0, 0))
}

func TestNoLineIsWiderThanItsTerminal(t *testing.T) {
	for columns := range 200 {
		l := look{width: columns, labels: 40}
		for _, label := range []string{"", "a", carla, strings.Repeat("漢字", 20), "e\u0301"} {
			for _, took := range []time.Duration{0, 30 * time.Hour} {
				assert.LessOrEqual(t, runewidth.StringWidth(l.job(label, at(95), took)), max(columns-1, 0), "%d columns, %q", columns, label)
			}
		}
	}
}

func TestTheLowestBarIsTheOneForAllHoweverLowTheTerminal(t *testing.T) {
	onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
		v.mu.Lock()
		v.rows = 4
		v.mu.Unlock()
		many := s.Many(9)
		for i := range 9 {
			many.Progress(fmt.Sprintf("user %d", i), at(10))
		}
		for range 3 {
			after(time.Second)
		}
		lines := strings.Split(v.text(), "\n")
		assert.Len(t, lines, 3, "one line is the cursor's")
		assert.Contains(t, lines[2], "0/9 done")
	})
}

func TestNothingIsWrittenWhileNothingChanges(t *testing.T) {
	onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
		job := s.Job("carla")
		after(10 * time.Second)
		before := v.count()
		after(10 * time.Second)
		assert.Equal(t, 10, v.count()-before, "one write for each second on the clock")
		job.Progress(at(5))
		after(often)
		assert.Equal(t, 11, v.count()-before)
	})
}

func TestAFrameIsDrawnOverTheLastOneWhenTheTerminalIsResized(t *testing.T) {
	for _, reflows := range []bool{false, true} {
		t.Run(fmt.Sprintf("reflows %v", reflows), func(t *testing.T) {
			onTerminal(t, 80, func(t *testing.T, s *Screen, v *terminal) {
				v.mu.Lock()
				v.reflows, s.console.reflows = reflows, reflows
				v.mu.Unlock()
				s.print("above")
				many := s.Many(3)
				many.Progress(carla, at(30))
				for _, columns := range []int{40, 20, 120, 60, 30, 80} {
					after(10 * often)
					v.resize(columns)
					after(10 * often)
					lines := strings.Split(v.text(), "\n")
					require.Len(t, lines, 3, v.text())
					assert.Equal(t, "above", lines[0])
					assert.Contains(t, lines[1], " 30%")
					assert.Contains(t, lines[2], "0/3")
				}
			})
		})
	}
}

func TestAStoppedProgramStartsBelowWhatTheShellHasWritten(t *testing.T) {
	onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
		s.Job("carla").Progress(at(30))
		after(time.Second)
		s.console.mu.Lock()
		s.console.last = s.console.last.Add(-time.Hour)
		s.console.mu.Unlock()
		_, _ = io.WriteString(v, "[1]+  Stopped\n")
		after(time.Second)
		lines := strings.Split(v.text(), "\n")
		require.Len(t, lines, 3)
		assert.Equal(t, "[1]+  Stopped", lines[1])
	})
}

func TestWhatIsWrittenAsideIsNotMixedUpWithTheBars(t *testing.T) {
	onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
		out := aside{s.console, v}
		job := s.Job("carla")
		job.Progress(at(30))
		after(time.Second)
		s.print("first")
		_, err := io.WriteString(out, "second\n")
		require.NoError(t, err)
		assert.Equal(t, "first\nsecond\ncarla  [#######-----------------]   30%   0:01", v.text())
		_, _ = io.WriteString(out, "thi")
		after(time.Second)
		_, _ = io.WriteString(out, "rd\n")
		after(time.Second)
		assert.Equal(t, "first\nsecond\nthird\ncarla  [#######-----------------]   30%   0:03", v.text())
		long := strings.Repeat("x", 150)
		s.print(long)
		after(time.Second)
		assert.Equal(t, "first\nsecond\nthird\n"+long[:60]+"\n"+long[:60]+"\n"+long[:30]+"\ncarla  [#######-----------------]   30%   0:04", v.text())
	})
}

func TestCloseLeavesWhatWasLastSeenAndCanBeCalledTwice(t *testing.T) {
	onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
		job := s.Job("carla")
		job.Progress(at(30))
		after(time.Second)
		job.Progress(at(50))
		s.print("interrupted")
		s.Close()
		s.Close()
		const last = "interrupted\ncarla  [############------------]   50%   0:01"
		assert.Equal(t, last, v.text())
		job.Progress(at(70))
		after(time.Second)
		assert.Equal(t, last, v.text(), "nothing is drawn after Close")
		s.print("said later")
		late := s.Job("late")
		late.Progress(at(10))
		late.End()
		s.Many(3).End("x", "", false)
		assert.Equal(t, last+"\nsaid later", v.text())
	})
}

func TestAScreenThatShowedNothingWritesNothing(t *testing.T) {
	onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
		s.Close()
		assert.Zero(t, v.count())
	})
}

func TestALineWithoutAnyBarsIsJustWritten(t *testing.T) {
	onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
		s.print("a word")
		assert.Equal(t, "a word\n", v.sent())
	})
}

func TestATerminalThatIsGoneStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Screen{out: gone{}}
		s.onTerminal(func() (int, int) { return 0, 0 }, true, true)
		job := s.Job("carla")
		job.Progress(at(10))
		after(time.Second)
		s.print("word")
		job.End()
		s.Close()
	})
}

type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestWhatAPortalSaysCannotCommandTheTerminal(t *testing.T) {
	evil := "a\x1b[2J\x07\u009b\xff\xc2\u202eb\r\n\tc"
	onTerminal(t, 80, func(t *testing.T, s *Screen, v *terminal) {
		many := s.Many(2)
		job := s.Job(evil)
		p := at(10)
		p.Error, p.StatusName = evil, evil
		job.Progress(p)
		many.Progress(evil+"2", p)
		after(time.Second)
		job.End()
		many.End(evil+"2", evil, true)
		after(time.Second)
		assert.Contains(t, "\n"+v.text(), "\na?[2J????b c\n")
		for _, r := range "\x07\u009b\u202e\t" {
			assert.NotContains(t, v.sent(), string(r))
		}
	})
	var plain bytes.Buffer
	New(&plain, false).Job(evil).Progress(at(10))
	assert.NotContains(t, plain.String(), "\x1b")
	assert.Equal(t, 1, strings.Count(plain.String(), "\n"))
}

func TestTheBarHasAColorOnlyIfThatIsWanted(t *testing.T) {
	for _, color := range []bool{false, true} {
		onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
			s.color = color
			s.Job("carla").Progress(at(50))
			after(time.Second)
			assert.Equal(t, "carla  [############------------]   50%   0:01", v.text())
			assert.Equal(t, color, strings.Contains(v.sent(), "\x1b[32m"))
		})
	}
}

func TestABarIsFineWhereTheTerminalIs(t *testing.T) {
	onTerminal(t, 60, func(t *testing.T, s *Screen, v *terminal) {
		s.fine = true
		s.Job("carla").Progress(at(50))
		after(time.Second)
		assert.Equal(t, "carla  ━━━━━━━━━━━━━─────────────   50%   0:01", v.text())
	})
	for _, c := range []struct {
		all, ctype, lang string
		fine             bool
	}{
		{"", "", "de_DE.UTF-8", true}, {"", "C.utf8", "C", true}, {"C", "", "en_US.UTF-8", false}, {"", "", "", false},
	} {
		t.Setenv("LC_ALL", c.all)
		t.Setenv("LC_CTYPE", c.ctype)
		t.Setenv("LANG", c.lang)
		t.Setenv("WT_SESSION", "")
		assert.Equal(t, c.fine, isFine(), c)
	}
}

func TestElsewhereThereAreDatedLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := New(&out, false)
		job := s.Job("carla")
		job.Progress(at(30))
		after(time.Minute)
		job.Progress(at(20))
		s.print("a word")
		job.End()
		s.Close()
		assert.Equal(t, "2000-01-01T00:00:00Z carla: 30%, running\n"+
			"2000-01-01T00:01:00Z carla: 30%, running\n"+
			"a word\n", out.String())
	})
}

func TestElsewhereManyJobsAreWorthALineAMinuteEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		many := New(&out, false).Many(2)
		many.Progress("ann", waiting)
		many.Progress("ann", at(5))
		many.Progress("ann", at(10))
		after(time.Minute)
		many.Progress("ann", at(20))
		many.Progress("ann", at(100))
		many.End("ann", "ann: handed over", false)
		many.End("bob", "bob: no such user", true)
		assert.Equal(t, "2000-01-01T00:00:00Z ann: 5%, running\n"+
			"2000-01-01T00:01:00Z ann: 20%, running\n"+
			"2000-01-01T00:01:00Z 1/2 ann: handed over\n"+
			"2000-01-01T00:01:00Z 2/2 bob: no such user\n", out.String())
	})
}

func TestQuietIsQuiet(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, true)
	s.Job("carla").Progress(at(30))
	s.Job("carla").End()
	s.Many(2).End("ann", "done", true)
	s.print("word")
	s.Close()
	assert.Empty(t, out.String())
}

func TestAFileIsNoTerminalAndNeitherIsADumbOne(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/log")
	require.NoError(t, err)
	defer file.Close()
	s := New(file, false)
	assert.Nil(t, s.console)
	assert.Same(t, file, s.Above(file))
	for _, kind := range []string{"dumb", ""} {
		t.Setenv("TERM", kind)
		t.Setenv("WT_SESSION", "")
		assert.False(t, canDraw())
	}
	t.Setenv("TERM", "xterm")
	assert.True(t, canDraw())
}

// Under the race detector, and with the clock of the world.
func TestManyGoroutinesMayShareAScreen(t *testing.T) {
	v := newTerminal(t, 80, 24)
	s := &Screen{out: v}
	s.onTerminal(v.size, true, true)
	many := s.Many(40)
	out := aside{s.console, v}
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			label := fmt.Sprint("user ", i)
			for percentage := 0; percentage <= 100; percentage += 10 {
				many.Progress(label, at(percentage))
			}
			_, _ = fmt.Fprintln(out, "out", i)
			s.print(fmt.Sprint("err ", i))
			many.End(label, label+": done", i%2 == 0)
		})
	}
	all.Wait()
	s.Close()
	text := v.text()
	assert.Equal(t, 40, strings.Count(text, ": done"))
	assert.Equal(t, 40, strings.Count(text, "out "))
	assert.True(t, strings.HasSuffix(text, "20/40 done, 20 failed  0:00"), text)
}

func TestTimeIsSaidAsPreciselyAsItIsKnown(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0:00", 65 * time.Second: "1:05", time.Hour + 62*time.Second: "1:01:02", 100 * time.Hour: "100:00:00",
	} {
		assert.Equal(t, want, clock(d))
	}
	for d, want := range map[time.Duration]string{
		time.Second: "<1 min", time.Minute: "~1 min", 61 * time.Second: "~2 min", 200 * time.Minute: "~3 h 20 min", 50 * time.Hour: "~2 days",
	} {
		assert.Equal(t, want, about(d))
	}
}
