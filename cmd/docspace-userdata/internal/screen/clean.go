package screen

import (
	"strings"
	"unicode"
)

// Clean makes one line of text that may come from anywhere: what could move the cursor, ring, or turn the direction of
// writing is replaced, since a portal's words are not to command a terminal.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " "))
}
