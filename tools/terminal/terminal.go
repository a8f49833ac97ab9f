package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// terminal is a pseudo-terminal with a program in it, and what somebody who sits there sees.
type terminal struct {
	cmd   *exec.Cmd
	pty   *os.File
	ended chan struct{} // closed once the program has ended and all that it wrote is on the screen
	end   error         // then: how it ended

	mu      sync.Mutex
	screen  *vt.Emulator
	sent    strings.Builder // as it came
	changed chan struct{}   // closed, and made anew, when something is written
}

// open starts a program in a folder, at a terminal of that width; one of no columns is 80 wide, and does not say so. The
// environment is that of a terminal and of nothing else.
func open(program, folder string, columns int, environment []string, args ...string) (*terminal, error) {
	wide := columns
	if columns == 0 {
		wide = 80
	}
	t := &terminal{
		cmd: exec.Command(program, args...), ended: make(chan struct{}), //nolint:noctx // it ends with its terminal
		screen: vt.NewEmulator(wide, rows), changed: make(chan struct{}),
	}
	t.cmd.Dir = folder
	t.cmd.Env = append([]string{"TERM=xterm-256color", "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}, environment...)
	var err error
	if t.pty, err = pty.StartWithSize(t.cmd, size(columns)); err != nil {
		return nil, err
	}
	go t.show()
	return t, nil
}

// rows is how high all terminals are here.
const rows = 24

func size(columns int) *pty.Winsize {
	if columns == 0 {
		return &pty.Winsize{}
	}
	return &pty.Winsize{Cols: uint16(columns), Rows: rows}
}

// show puts what the program writes on the screen, until it ends.
func (t *terminal) show() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := t.pty.Read(buffer)
		if n > 0 {
			t.mu.Lock()
			t.sent.Write(buffer[:n])
			_, _ = t.screen.Write(buffer[:n])
			close(t.changed)
			t.changed = make(chan struct{})
			t.mu.Unlock()
		}
		if err != nil { // there is an end that is no EOF, too
			t.end = t.cmd.Wait()
			close(t.ended)
			return
		}
	}
}

// text is all that stands on the screen or has left it at the top, without blank lines at the end.
func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lines []string
	for y := -t.screen.ScrollbackLen(); y < t.screen.Height(); y++ {
		lines = append(lines, strings.TrimRight(t.row(y, func(cell) {}), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// cell is one place of the screen.
type cell struct {
	text  string
	width int
	color string // of the text, as #rrggbb; empty if it is the usual one
}

// row calls back for each place of a row, and returns its text. Rows below zero have left the screen, -1 last.
func (t *terminal) row(y int, each func(cell)) string {
	var text strings.Builder
	for x := 0; x < t.screen.Width(); x++ {
		found := t.screen.CellAt(x, y)
		if y < 0 {
			found = t.screen.ScrollbackCellAt(x, t.screen.ScrollbackLen()+y)
		}
		c := cell{text: " ", width: 1}
		if found != nil && found.Content != "" {
			c.text, c.width = found.Content, found.Width
			if found.Style.Fg != nil {
				r, g, b, _ := found.Style.Fg.RGBA()
				c.color = fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
			}
		}
		each(c)
		text.WriteString(c.text)
		x += max(c.width, 1) - 1
	}
	return text.String()
}

// patience is how long to wait for what has to come. Only a test that fails waits for so long.
const patience = 60 * time.Second

// until waits until the screen shows something.
func (t *terminal) until(shows func(text string) bool) error {
	late := time.After(patience)
	for {
		t.mu.Lock()
		changed := t.changed
		t.mu.Unlock()
		if shows(t.text()) {
			return nil
		}
		select {
		case <-changed:
		case <-t.ended:
			if shows(t.text()) {
				return nil
			}
			return errors.New("the program has ended")
		case <-late:
			return errors.New("nothing of the kind came up")
		}
	}
}

// enter types something.
func (t *terminal) enter(keys string) error {
	_, err := t.pty.WriteString(keys)
	return err
}

// resize changes the width. The screen keeps its lines as they are, as xterm does.
func (t *terminal) resize(columns int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.screen.Resize(columns, rows)
	return pty.Setsize(t.pty, size(columns))
}

// close waits for the end of the program, and returns its exit code.
func (t *terminal) close() (code int, err error) {
	select {
	case <-t.ended:
	case <-time.After(patience):
		err = errors.New("the program did not end")
		_ = t.cmd.Process.Kill()
		<-t.ended
	}
	err = errors.Join(err, t.end, t.pty.Close())
	if exit := (&exec.ExitError{}); errors.As(t.end, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return t.cmd.ProcessState.ExitCode(), err
}

// build builds the tool into a folder, from the module that this one stands in.
func build(folder string) (program string, err error) {
	program = filepath.Join(folder, "docspace-userdata")
	out, err := exec.Command("go", "build", "-C", "../..", "-buildvcs=false", "-o", program, "./cmd/docspace-userdata").CombinedOutput() //nolint:noctx // the compiler ends by itself
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
}
