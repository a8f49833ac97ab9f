package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/docspace-go/userdata/wrapper"
)

// display shows how a job goes: a bar that is redrawn on a terminal, dated lines elsewhere.
type display struct {
	out   io.Writer
	live  bool
	label string
}

func newDisplay(out io.Writer, label string) *display {
	file, ok := out.(*os.File)
	return &display{out: out, live: ok && term.IsTerminal(int(file.Fd())), label: label}
}

// progress is for wrapper.OnProgress.
func (d *display) progress(p wrapper.Progress) {
	if !d.live {
		d.printf("%s %s: %s\n", time.Now().UTC().Format(time.RFC3339), d.label, p)
		return
	}
	// A line that wraps could not be redrawn: the bar gives way, and then the label.
	room := d.width() - len(d.label) - len(p.String()) - 8
	if room < 0 {
		d.printf("\r\x1b[K  %s", p)
		return
	}
	bar := min(room, 24)
	full := min(max(p.Percentage, 0), 100) * bar / 100
	d.printf("\r\x1b[K  %s  [%s%s] %s", d.label, strings.Repeat("#", full), strings.Repeat("-", bar-full), p)
}

// width is the terminal's, in columns, asked for anew since terminals are resized.
func (d *display) width() int {
	if file, ok := d.out.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return 80
}

// done leaves the last bar where it is.
func (d *display) done() {
	if d.live {
		d.printf("\n")
	}
}

// printf writes as well as it can: that nobody can watch a job any more is no reason to stop it.
func (d *display) printf(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format, args...) }
