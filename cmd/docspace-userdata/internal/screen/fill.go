package screen

import (
	"io"
	"os"
	"strings"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// Width is how many columns a writer has: 0 if it is no terminal, or one that does not say.
func Width(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// leastText is how many columns a text needs to be read with ease.
const leastText = 24

// Fill breaks the lines of a text between words, so that none is wider than it has to be. What follows the last gap of a
// line, the last column of a table for one, stays in its column if there is room. A width of 0 breaks nothing.
func Fill(text string, width int) string {
	if width <= 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = fillLine(line, width)
	}
	return strings.Join(lines, "\n")
}

func fillLine(line string, width int) string {
	if runewidth.StringWidth(line) <= width {
		return line
	}
	indent := 0
	if at := strings.LastIndex(line, gap); at >= 0 {
		indent = runewidth.StringWidth(line[:at+len(gap)])
		if width-indent < leastText {
			indent = len(gap)
		}
	}
	var filled strings.Builder
	room := width
	for i, word := range strings.SplitAfter(line, " ") {
		size := runewidth.StringWidth(strings.TrimRight(word, " "))
		if i > 0 && size > room && size > 0 {
			broken := strings.TrimRight(filled.String(), " ")
			filled.Reset()
			filled.WriteString(broken + "\n" + strings.Repeat(" ", indent))
			room = width - indent
		}
		filled.WriteString(word)
		room -= runewidth.StringWidth(word)
	}
	return filled.String()
}
