package screen

import (
	"sync"
	"time"

	"github.com/docspace-go/userdata/wrapper"
)

// Job is one job on a screen.
type Job struct {
	screen *Screen
	label  string
	remove func() // takes the bar away; nil where there is none

	mu    sync.Mutex
	began time.Time
	last  wrapper.Progress
	ended bool
}

// Job shows a job, from now on until its End.
func (s *Screen) Job(label string) *Job {
	j := &Job{screen: s, label: s.label(label), began: time.Now()}
	if s.console != nil {
		j.remove = s.add(false, j.line)
	}
	return j
}

// Progress is for wrapper.OnProgress.
func (j *Job) Progress(p wrapper.Progress) {
	p = j.set(p)
	if j.remove == nil {
		j.screen.dated(j.label + ": " + Clean(p.String()))
	}
}

// set takes a progress in, and returns it with a percentage that has not gone back.
func (j *Job) set(p wrapper.Progress) wrapper.Progress {
	j.mu.Lock()
	defer j.mu.Unlock()
	p.Percentage = min(max(p.Percentage, j.last.Percentage, 0), 100)
	j.last = p
	return p
}

// End takes the job off the screen.
func (j *Job) End() {
	j.mu.Lock()
	before := j.ended
	j.ended = true
	j.mu.Unlock()
	if j.remove != nil && !before {
		j.remove()
	}
}

func (j *Job) line(l look) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return ""
	}
	return l.job(j.label, j.last, time.Since(j.began))
}
