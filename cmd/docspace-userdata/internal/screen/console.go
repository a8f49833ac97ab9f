package screen

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
)

// console draws the frames that mpb makes, in place of mpb's own writer: that one erases all and draws it anew several
// times a second, and leaves pieces behind when the terminal is made narrower. Here, a frame that looks like the last one
// is not written at all, any other with one write that overwrites line by line.
type console struct {
	out     io.Writer
	size    func() (columns, rows int)
	reflows bool // whether the terminal wraps its lines anew when it is made narrower

	mu      sync.Mutex
	next    []string     // the frame that is being made
	above   bytes.Buffer // what comes before it and stays
	shown   []string     // the frame on the terminal
	columns int          // how wide the terminal was then
	partial bool         // somebody has written a line above that has not ended
	last    time.Time    // when mpb last asked to draw
}

// IsTerminal makes mpb draw of its own accord.
func (c *console) IsTerminal() bool { return true }

// GetTermSize is asked before each frame. One row is the cursor's.
func (c *console) GetTermSize() (columns, rows int, err error) {
	columns, rows = c.size()
	if columns <= 0 || rows <= 0 {
		columns, rows = 80, 24 // not known
	}
	return columns, max(rows-1, 1), nil
}

// ReadFrom takes a row of the next frame. Empty ones are bars that are about to go.
func (c *console) ReadFrom(r io.Reader) (int64, error) {
	row, err := io.ReadAll(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if text := strings.TrimRight(string(row), " \n"); text != "" {
		c.next = append(c.next, text)
	}
	return int64(len(row)), err
}

// Write takes lines that go above the next frame.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.above.Write(p)
}

// stopped is how long nothing is drawn only if the program, or the whole machine, was stopped. Somebody else has written
// to the terminal since, most likely.
const stopped = 3 * time.Second

// Flush draws the frame. That the terminal is gone is no reason to stop the jobs that it was to show.
func (c *console) Flush(int) error {
	columns, _, _ := c.GetTermSize()
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.next
	c.next = nil
	now := time.Now()
	if !c.last.IsZero() && now.Sub(c.last) > stopped {
		c.shown = nil
	}
	c.last = now
	if c.partial || c.above.Len() == 0 && slices.Equal(next, c.shown) && columns == c.columns {
		return nil
	}
	c.draw(next, columns)
	return nil
}

// draw replaces the frame on the terminal, with one write.
func (c *console) draw(next []string, columns int) {
	var frame bytes.Buffer
	frame.WriteString(c.up(columns))
	if c.above.Len() > 0 || columns != c.columns {
		// What comes above may be wider than the terminal; and rows that were wrapped once are joined again when the
		// terminal is made wider, unless they were erased as a whole.
		frame.WriteString("\x1b[J")
	}
	_, _ = c.above.WriteTo(&frame)
	for _, row := range next {
		frame.WriteString(row + "\x1b[K\n")
	}
	frame.WriteString("\x1b[J")
	_, _ = c.out.Write(frame.Bytes())
	c.shown, c.columns = next, columns
}

// up moves the cursor to where the frame on the terminal begins.
func (c *console) up(columns int) string {
	rows := 0
	for _, row := range c.shown {
		rows++
		if c.reflows {
			rows += max(runewidth.StringWidth(colors.ReplaceAllString(row, ""))-1, 0) / columns
		}
	}
	if rows == 0 {
		return "\r"
	}
	return fmt.Sprintf("\r\x1b[%dA", rows)
}

var colors = regexp.MustCompile("\x1b\\[[0-9]*m")

// aside writes to another writer that ends up on the same terminal, with the frame out of the way.
func (c *console) aside(w io.Writer, p []byte) (int, error) {
	columns, _, _ := c.GetTermSize()
	c.mu.Lock()
	defer c.mu.Unlock()
	shown := c.shown
	if len(shown) > 0 || c.above.Len() > 0 {
		c.draw(nil, columns)
	}
	n, err := w.Write(p)
	if n > 0 {
		c.partial = p[n-1] != '\n'
	}
	if !c.partial && len(shown) > 0 {
		c.draw(shown, columns)
	}
	return n, err
}

// finish draws the last frame once more, which stays: something may have come too late for mpb, and a ^C may stand below.
func (c *console) finish() {
	columns, _, _ := c.GetTermSize()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.above.Len() > 0 || len(c.shown) > 0 {
		c.draw(c.shown, columns)
	}
	c.shown = nil
}
