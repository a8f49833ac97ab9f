// Package screen shows how jobs go: with bars on a terminal, with dated lines elsewhere, or not at all.
package screen

import (
	"cmp"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// Screen is where jobs are shown. It is safe for concurrent use.
type Screen struct {
	out   io.Writer
	quiet bool
	color bool
	fine  bool

	// Only on a terminal.
	console *console
	life    sync.Mutex // held while bars are added, and while none can be any more
	bars    *mpb.Progress
	live    map[*mpb.Bar]bool
	added   int
	closed  bool

	mu     sync.Mutex // never held while mpb is called, which calls back
	labels int        // width of the longest label
}

// New shows jobs on the given writer, standard error as a rule. If that is a terminal with a cursor to move there are
// bars, which need Close. If quiet is set there is nothing.
func New(out io.Writer, quiet bool) *Screen {
	s := &Screen{out: out, quiet: quiet}
	if file, ok := out.(*os.File); ok && !quiet && canDraw() && term.IsTerminal(int(file.Fd())) {
		s.onTerminal(func() (int, int) {
			columns, rows, err := term.GetSize(int(file.Fd()))
			if err != nil {
				return 0, 0
			}
			return columns, rows
		}, reflows(), os.Getenv("NO_COLOR") == "")
		s.fine = isFine()
	}
	return s
}

func (s *Screen) onTerminal(size func() (columns, rows int), reflows, color bool) {
	s.console = &console{out: s.out, size: size, reflows: reflows}
	s.live = map[*mpb.Bar]bool{}
	s.color = color
}

// canDraw tells whether the terminal knows how to move its cursor.
func canDraw() bool {
	if runtime.GOOS == "windows" { // The old console has to be told to; the new one says that it is there.
		return os.Getenv("WT_SESSION") != "" || os.Getenv("TERM") != ""
	}
	return os.Getenv("TERM") != "" && os.Getenv("TERM") != "dumb"
}

// isFine tells whether the terminal is one for UTF-8, whose lines are not twice as wide as letters, as they are for some in
// East Asia.
func isFine() bool {
	locale := strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	utf8 := strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8") || os.Getenv("WT_SESSION") != ""
	return utf8 && runewidth.StringWidth("━─") == 2
}

// reflows tells whether the terminal is one that is known to wrap its lines anew when it is made narrower. Where a guess
// is wrong one way, pieces of a bar are left behind; the other way, lines above the bars are overwritten, which is worse.
func reflows() bool {
	for _, name := range []string{"TMUX", "VTE_VERSION", "TERM_PROGRAM", "KONSOLE_VERSION", "WT_SESSION"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return slices.Contains([]string{"alacritty", "foot", "xterm-ghostty", "xterm-kitty"}, os.Getenv("TERM"))
}

// Say writes a line above the bars, and just writes it where there are none.
func (s *Screen) Say(text string) { s.print(Clean(text)) }

// print writes lines above the bars, and just writes them where there are none.
func (s *Screen) print(lines ...string) {
	if s.quiet {
		return
	}
	text := strings.Join(lines, "\n") + "\n"
	if s.console == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, _ = io.WriteString(s.out, text) // That nobody can read it is no reason to stop a job.
		return
	}
	columns, _, _ := s.console.GetTermSize()
	filled := []byte(Fill(text, columns))
	s.life.Lock()
	defer s.life.Unlock()
	if s.bars != nil && !s.closed {
		if _, err := s.bars.Write(filled); err == nil {
			return
		}
	}
	_, _ = s.console.aside(s.out, filled)
}

// dated writes a line with the time, where there is no terminal.
func (s *Screen) dated(line string) {
	s.print(time.Now().UTC().Format(time.RFC3339) + " " + line)
}

// Above returns a writer for what is not the screen's but may end up on the same terminal, such as standard output. The
// bars get out of its way. A write should end with the end of a line: until one does, there are no bars.
func (s *Screen) Above(w io.Writer) io.Writer {
	file, ok := w.(*os.File)
	if s.console == nil || !ok || !term.IsTerminal(int(file.Fd())) {
		return w
	}
	return aside{s.console, w}
}

type aside struct {
	console *console
	to      io.Writer
}

func (a aside) Write(p []byte) (int, error) { return a.console.aside(a.to, p) }

// Close stops redrawing, and returns when nothing more will be drawn. Bars of jobs that have not ended are left as they
// are. What is printed later is still printed.
func (s *Screen) Close() {
	if s.console == nil {
		return
	}
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if s.bars == nil {
		return
	}
	for bar := range s.live {
		bar.Abort(false)
	}
	s.bars.Wait()
	s.console.finish()
}

// often is how often mpb looks whether there is something new to draw.
const often = 100 * time.Millisecond

// add puts a line on the terminal that is asked for anew in each frame. They stand in the order in
// which they came, unless one is to be the lowest. What takes it away again is returned.
func (s *Screen) add(lowest bool, line func(look) string) (remove func()) {
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return func() {}
	}
	if s.bars == nil {
		s.bars = mpb.New(mpb.WithConsoleWriter(s.console), mpb.WithRefreshRate(often))
	}
	filler := mpb.BarFillerFunc(func(w io.Writer, stat decor.Statistics) error {
		s.mu.Lock()
		l := look{width: stat.AvailableWidth, labels: s.labels, color: s.color, fine: s.fine}
		s.mu.Unlock()
		_, err := io.WriteString(w, line(l))
		return err
	})
	priority := s.added
	if lowest {
		priority = math.MaxInt
	}
	s.added++
	bar, err := s.bars.Add(0, filler, mpb.BarFillerTrim(), mpb.BarPriority(priority))
	if err != nil {
		return func() {}
	}
	s.live[bar] = true
	return func() {
		s.life.Lock()
		defer s.life.Unlock()
		if !s.closed {
			delete(s.live, bar)
			bar.Abort(true)
		}
	}
}

// label cleans a label, and remembers how wide the longest one is, so that bars begin in one column.
func (s *Screen) label(text string) string {
	text = Clean(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.labels = max(s.labels, runewidth.StringWidth(text))
	return text
}
