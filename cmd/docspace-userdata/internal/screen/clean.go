package screen

import (
	"strings"
	"unicode"
)

// Clean makes one line of text that may come from anywhere: what could move the cursor, ring, or turn the direction of
// writing is replaced, since a portal's words are not to command a terminal.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == unicode.ReplacementChar:
			return '?'
		}
		return r
	}, strings.ToValidUTF8(strings.TrimSpace(text), "?"))
}

// cleanLines is Clean for text that may have several lines.
func cleanLines(text string) []string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	for i, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		lines[i] = strings.TrimRight(indent+Clean(line), " ")
	}
	return lines
}
