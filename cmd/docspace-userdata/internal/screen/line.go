package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/wrapper"
)

// steps are the percentages that a portal reports, by the end of the job's id (observed). What is done at each of them
// is not known, so that their number has to do.
var steps = map[string][]int{
	"_ReassignProgressItem":             {5, 10, 20, 30, 50, 70, 90, 95, 100},
	"_RemoveProgressItem":               {5, 10, 30, 45, 50, 60, 70, 95, 100},
	"_DeletePersonalFolderProgressItem": {10, 20, 50, 100},
}

// words say where a job stands. A portal of another version may have other steps: then it just runs.
func words(p wrapper.Progress) string {
	switch {
	case p.IsCompleted && (p.Status == api.DistributedTaskStatusFailed || p.Error != ""):
		return "failed"
	case p.Status == api.DistributedTaskStatusCanceled:
		return "stopped"
	case p.IsCompleted:
		return "done"
	case waits(p):
		return "waiting"
	case p.StatusName != "":
		return Clean(p.StatusName)
	}
	for item, percentages := range steps {
		if strings.HasSuffix(p.ID, item) {
			if i := slices.Index(percentages, p.Percentage); i >= 0 {
				return fmt.Sprintf("step %d of %d", i+1, len(percentages))
			}
		}
	}
	return "running"
}

// waits tells whether a job waits for its turn.
func waits(p wrapper.Progress) bool {
	return !p.IsCompleted && p.Status == api.DistributedTaskStatusCreated && p.Percentage == 0
}

// What a line of a job is made of, in columns.
const (
	wordsWidth  = len("step 9 of 9")
	mostBar     = 24
	leastBar    = 8
	wide        = 60 // from here on there is room for words
	middling    = 30 // from here on there is room for a bar
	gap         = "  "
	brackets    = 2
	neverFilled = 1 // A terminal that is written to its last column may wrap.
)

// look is how lines are drawn.
type look struct {
	width  int // of the terminal
	labels int // width of the longest label
	color  bool
	fine   bool // whether there are other characters than those of ASCII
}

// job is the line of one job: label, bar, percentage, words, time. What there is no room for is left out, the words
// first and then the bar; the label is shortened.
func (l look) job(label string, p wrapper.Progress, took time.Duration) string {
	room := l.width - neverFilled
	var right string
	switch {
	case room >= wide:
		said := runewidth.FillRight(runewidth.Truncate(words(p), wordsWidth, "…"), wordsWidth)
		right = fmt.Sprintf("%3d%%"+gap+"%s"+gap+"%5s", p.Percentage, said, clock(took))
	case room >= middling:
		right = fmt.Sprintf("%3d%%"+gap+"%5s", p.Percentage, clock(took))
	default:
		right = fmt.Sprintf("%d%%"+gap+"%s", p.Percentage, clock(took))
	}
	left := room - len(gap) - runewidth.StringWidth(right)
	bar := ""
	if room >= middling {
		size := min(max(left-l.labels-len(gap)-brackets, leastBar), mostBar)
		bar = gap + l.bar(p.Percentage, size)
		left -= len(gap) + brackets + size
	}
	if left < 2 {
		return runewidth.Truncate(right, max(room, 0), "")
	}
	left = min(left, l.labels)
	return runewidth.FillRight(runewidth.Truncate(label, left, "…"), left) + bar + gap + right
}

// many is the line of all jobs together: the first of several that has room. The failed ones are some of those done, and
// are told apart.
func (l look) many(done, failed, total int, took, left time.Duration) string {
	percentage := 100
	if total > 0 {
		percentage = min(done*100/total, 100)
	}
	count, failures, estimate := fmt.Sprintf("%d/%d", done-failed, total), "", ""
	if failed > 0 {
		failures = fmt.Sprintf(", %d failed", failed)
	}
	if left > 0 && done < total {
		estimate = gap + about(left)
	}
	whole := fmt.Sprintf("%s%3d%%%s%s done%s%s%s", gap, percentage, gap, count, failures, gap, clock(took))
	for _, form := range []struct {
		bar  int
		text string
	}{
		{mostBar, whole + with(estimate, " left")},
		{leastBar, whole + with(estimate, " left")},
		{leastBar, gap + count + failures + estimate},
		{0, count + failures + estimate},
		{0, count + failures},
	} {
		bar := 0
		if form.bar > 0 {
			bar = form.bar + brackets
		}
		if bar+len(form.text) > l.width-neverFilled {
			continue
		}
		if bar == 0 {
			return form.text
		}
		return l.bar(percentage, form.bar) + form.text
	}
	return runewidth.Truncate(count, max(l.width-neverFilled, 0), "")
}

func with(text, more string) string {
	if text == "" {
		return ""
	}
	return text + more
}

func (l look) bar(percentage, size int) string {
	marks := [...]string{"[", "#", "-", "]"}
	if l.fine {
		marks, size = [...]string{"", "━", "─", ""}, size+brackets
	}
	full := percentage * size / 100
	return marks[0] + l.colored("32", strings.Repeat(marks[1], full)) + l.colored("90", strings.Repeat(marks[2], size-full)) + marks[3]
}

func (l look) colored(color, text string) string {
	if !l.color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// clock is a time as 1:05 or 2:01:05.
func clock(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// about is a time that nobody knows to the second.
func about(d time.Duration) string {
	minutes := int((d + time.Minute - 1) / time.Minute)
	switch {
	case d < time.Minute:
		return "<1 min"
	case minutes < 60:
		return fmt.Sprintf("~%d min", minutes)
	case minutes < 48*60:
		return fmt.Sprintf("~%d h %d min", minutes/60, minutes%60)
	}
	return fmt.Sprintf("~%d days", minutes/60/24)
}
