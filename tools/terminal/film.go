package main

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"
)

// run is text of one color in a row.
type run struct {
	column, columns int
	text, color     string
}

// frame is what the terminal showed from a time on.
type frame struct {
	at   time.Duration
	rows [][]run
}

// film is a record of what a terminal has shown, below the command that was typed there.
type film struct {
	command string
	frames  []frame
}

// roll records until the program ends.
func (f *film) roll(t *terminal) {
	began := time.Now()
	for {
		t.mu.Lock()
		changed := t.changed
		rows := [][]run{{{0, 1, "$", "prompt"}, {2, len(f.command), f.command, ""}}}
		for y := -t.screen.ScrollbackLen(); y < t.screen.Height(); y++ {
			rows = append(rows, t.runs(y))
		}
		t.mu.Unlock()
		for len(rows[len(rows)-1]) == 0 {
			rows = rows[:len(rows)-1]
		}
		f.frames = append(f.frames, frame{time.Since(began), rows})
		select {
		case <-changed:
		case <-t.ended:
			select {
			case <-changed: // the last it has written is still to be recorded
			default:
				return
			}
		}
	}
}

// runs are a row of the screen, by color.
func (t *terminal) runs(y int) (runs []run) {
	column := 0
	t.row(y, func(c cell) {
		last := len(runs) - 1
		adjacent := last >= 0 && runs[last].column+runs[last].columns == column
		if adjacent && (runs[last].color == c.color || c.text == " ") {
			runs[last].text += c.text
			runs[last].columns += c.width
		} else if c.text != " " {
			runs = append(runs, run{column, c.width, c.text, c.color})
		}
		column += max(c.width, 1)
	})
	for i, r := range runs {
		runs[i].text = strings.TrimRight(r.text, " ")
		runs[i].columns -= len(r.text) - len(runs[i].text)
	}
	return runs
}

// How the picture looks, in pixels and seconds.
const (
	pictureColumns = 112
	pictureWidth   = pictureColumns * 78 / 10
	cellWidth      = 7.8
	rowHeight      = 18
	margin         = 18
	top            = 40
	often          = 400 * time.Millisecond // between two frames of the picture
	stays          = 5 * time.Second        // the last one
)

// colors of a terminal, in those of the picture.
var colors = map[string]string{"": "#d7dde4", "prompt": "#7d8590", "#008000": "#3fb950", "#808080": "#4a525c"}

// svg is the film as a picture that moves. Where it may or can not, it shows the end.
func (f *film) svg() ([]byte, error) {
	frames := f.sampled()
	width, height := pictureWidth+2*margin, 0
	for _, frame := range frames {
		height = max(height, top+len(frame.rows)*rowHeight+margin)
	}
	end := frames[len(frames)-1].at + stays

	var rows, strip, steps bytes.Buffer
	known := map[string]int{} // rows are alike in most frames, so that each is drawn once
	for i, frame := range frames {
		fmt.Fprintf(&steps, "%.2f%%{transform:translateY(%dpx)}", 100*frame.at.Seconds()/end.Seconds(), -i*height)
		for y, row := range frame.rows {
			drawn, err := draw(row)
			if err != nil {
				return nil, err
			}
			if drawn == "" {
				continue
			}
			n, ok := known[drawn]
			if !ok {
				n = len(known)
				known[drawn] = n
				fmt.Fprintf(&rows, "<g id=\"r%d\">%s</g>\n", n, drawn)
			}
			fmt.Fprintf(&strip, `<use href="#r%d" y="%d"/>`, n, i*height+top+y*rowHeight)
		}
		strip.WriteString("\n")
	}

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">
<title>%s, at work</title>
<!-- Recorded by make picture. -->
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:%s;white-space:pre}
`, width, height, width, height, html.EscapeString(f.command), colors[""])
	for i, name := range palette() {
		fmt.Fprintf(&b, ".c%d{fill:%s}", i, colors[name])
	}
	fmt.Fprintf(&b, `
@keyframes run{%s}
@media (prefers-reduced-motion:no-preference){.film{animation:run %.1fs step-end infinite}}
</style>
<defs>
%s</defs>
<rect x=".5" y=".5" width="%d" height="%d" rx="9" fill="#12161c" stroke="#8b949e" stroke-opacity=".4"/>
<g fill="#3a424d"><circle cx="20" cy="19" r="5"/><circle cx="37" cy="19" r="5"/><circle cx="54" cy="19" r="5"/></g>
<svg width="%d" height="%d">
<g class="film" transform="translate(0 %d)">
%s</g>
</svg>
</svg>
`, steps.String(), end.Seconds(), rows.String(), width-1, height-1, width, height, -(len(frames)-1)*height, strip.String())
	return b.Bytes(), nil
}

// sampled are as many frames as one can follow: of those that came close together, the last.
func (f *film) sampled() (frames []frame) {
	for i, frame := range f.frames {
		last := i == len(f.frames)-1
		if !last && f.frames[i+1].at/often == frame.at/often {
			continue
		}
		frame.at = frame.at.Truncate(often)
		if len(frames) == 0 {
			frame.at = 0
		}
		frames = append(frames, frame)
	}
	return frames
}

func palette() []string {
	var names []string
	for name := range colors {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// draw is a row, its base at zero. Each run is as wide as it was, whatever the font.
func draw(row []run) (string, error) {
	var b strings.Builder
	for _, r := range row {
		color := slices.Index(palette(), r.color)
		if color < 0 {
			return "", fmt.Errorf("the picture has no color %s", r.color)
		}
		class := ""
		if r.color != "" {
			class = fmt.Sprintf(` class="c%d"`, color)
		}
		fmt.Fprintf(&b, `<text x="%.4g" textLength="%.4g"%s xml:space="preserve">%s</text>`,
			margin+float64(r.column)*cellWidth, float64(r.columns)*cellWidth, class, html.EscapeString(r.text))
	}
	return b.String(), nil
}
