package screen

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLinesAreBrokenBetweenWords(t *testing.T) {
	const id = "aae1e103-bca5-9fa1-ba8c-42058b4abf28"
	for _, c := range []struct {
		name, text string
		width      int
		want       string
	}{
		{"no terminal", "a long line", 0, "a long line"},
		{"room enough", "a long line", 11, "a long line"},
		{"one word too many", "a long line", 10, "a long\nline"},
		{"a word that is too long", "user " + id + " is gone", 20, "user\n" + id + "\nis gone"},
		{"several lines", "one two\nthree four", 7, "one two\nthree\nfour"},
		{"the last column of a table", "check  verdict  what there is to be said about it", 40, "check  verdict  what there is to be said\n                about it"},
		{"a table without room", "check  verdict  what there is to be said about it", 30, "check  verdict  what there is\n  to be said about it"},
		{"an indent", "  handed over and erased", 20, "  handed over and\n  erased"},
		{"wide characters", "漢字 文字 漢文", 9, "漢字 文字\n漢文"},
	} {
		assert.Equal(t, c.want, Fill(c.text, c.width), c.name)
	}
	assert.Zero(t, Width(&bytes.Buffer{}))
}
