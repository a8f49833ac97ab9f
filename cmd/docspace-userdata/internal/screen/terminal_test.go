package screen

import (
	"strconv"
	"strings"
	"sync"
	"testing"
)

// terminal is one in memory, with as much of a terminal as the screen uses. Anything else that it is sent fails the test.
type terminal struct {
	t *testing.T

	mu       sync.Mutex
	columns  int
	rows     int
	lines    []string // with what has scrolled off the top
	row, col int
	writes   int
	raw      strings.Builder
	reflows  bool
}

func newTerminal(t *testing.T, columns, rows int) *terminal {
	return &terminal{t: t, columns: columns, rows: rows, lines: []string{""}}
}

func (v *terminal) size() (int, int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.columns, v.rows
}

// resize makes the terminal wider or narrower. What stands there is cut, or wrapped anew.
func (v *terminal) resize(columns int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.columns = columns
	var lines []string
	for _, line := range v.lines {
		runes := []rune(line)
		for v.reflows && len(runes) > columns {
			lines, runes = append(lines, string(runes[:columns])), runes[columns:]
		}
		lines = append(lines, string(runes[:min(len(runes), columns)]))
	}
	v.lines, v.row = lines, len(lines)-1
}

func (v *terminal) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.writes++
	v.raw.Write(p)
	rest := string(p)
	for rest != "" {
		if sequence, ok := strings.CutPrefix(rest, "\x1b["); ok {
			end := strings.IndexFunc(sequence, func(r rune) bool { return r >= '@' })
			v.command(sequence[:end], sequence[end])
			rest = sequence[end+1:]
			continue
		}
		r := []rune(rest)[0]
		rest = rest[len(string(r)):]
		v.put(r)
	}
	return len(p), nil
}

func (v *terminal) command(argument string, command byte) {
	switch command {
	case 'A':
		n, err := strconv.Atoi(argument)
		if err != nil {
			v.t.Errorf("cursor up %q", argument)
		}
		v.row = max(v.row-n, len(v.lines)-v.rows, 0)
	case 'K':
		v.lines[v.row] = string([]rune(v.lines[v.row])[:v.col])
	case 'J':
		v.lines[v.row] = string([]rune(v.lines[v.row])[:v.col])
		v.lines = v.lines[:v.row+1]
	case 'm':
	default:
		v.t.Errorf("the screen sent an unexpected sequence, %q%c", argument, command)
	}
}

func (v *terminal) put(r rune) {
	switch r {
	case '\r':
		v.col = 0
		return
	case '\n':
		v.down()
		return
	}
	if r < ' ' || r == 0x7f {
		v.t.Errorf("the screen sent %q", r)
		return
	}
	if v.col == v.columns {
		v.down()
	}
	line := []rune(v.lines[v.row])
	for len(line) <= v.col {
		line = append(line, ' ')
	}
	line[v.col] = r
	v.lines[v.row] = string(line)
	v.col++
}

func (v *terminal) down() {
	v.row, v.col = v.row+1, 0
	if v.row == len(v.lines) {
		v.lines = append(v.lines, "")
	}
}

// text is all that the terminal shows or has shown, but for what was overwritten. The cursor is on the line below.
func (v *terminal) text() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.row != len(v.lines)-1 || v.lines[v.row] != "" || v.col != 0 {
		v.t.Errorf("the cursor is at %d:%d of %d lines, not below the last", v.row, v.col, len(v.lines))
	}
	return strings.Join(v.lines[:len(v.lines)-1], "\n")
}

// count is how often the terminal was written to.
func (v *terminal) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.writes
}

// sent is all that was written, as it came.
func (v *terminal) sent() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.raw.String()
}
