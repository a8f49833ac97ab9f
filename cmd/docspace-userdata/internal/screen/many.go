package screen

import (
	"fmt"
	"sync"
	"time"

	"github.com/docspace-go/userdata/wrapper"
)

// Many is a number of jobs on a screen: a bar for all of them, and one for each that is under way and does not just wait
// for its turn.
type Many struct {
	screen *Screen
	total  int
	began  time.Time

	life sync.Mutex // held while bars come and go
	jobs map[string]*entry

	mu      sync.Mutex // never held while mpb is called
	done    int        // failed ones included
	failed  int
	worked  int       // those of the done that were seen at work, which the estimate goes by
	working time.Time // since when there is one at work
}

// entry is one of many jobs, at work.
type entry struct {
	*Job
	said time.Time // when a line about it was last written
}

// Many shows so many jobs, from now on until Close. On a terminal the bar for all of them is the lowest and stays.
func (s *Screen) Many(total int) *Many {
	m := &Many{screen: s, total: total, began: time.Now(), jobs: map[string]*entry{}}
	if s.console != nil {
		s.add(true, m.line)
	}
	return m
}

// Progress shows how the job with the label goes. Where there is no terminal, a job is worth a line when it is first
// seen at work, and then not more than one a minute.
func (m *Many) Progress(label string, p wrapper.Progress) {
	if waits(p) {
		return
	}
	now := time.Now()
	m.life.Lock()
	defer m.life.Unlock()
	e := m.jobs[label]
	if e == nil {
		e = &entry{Job: m.screen.Job(label)}
		m.jobs[label] = e
		m.mu.Lock()
		if m.working.IsZero() {
			m.working = now
		}
		m.mu.Unlock()
	}
	p = e.set(p)
	if m.screen.console == nil && now.Sub(e.said) >= time.Minute {
		e.said = now
		m.screen.dated(e.label + ": " + Clean(p.String()))
	}
}

// End counts a job as done, or as failed, and leaves a line with what is to be said of it. An empty text leaves none.
// A job that was never seen at work may end as well.
func (m *Many) End(label, text string, failed bool) {
	m.life.Lock()
	defer m.life.Unlock()
	m.mu.Lock()
	m.done++
	if failed {
		m.failed++
	}
	e := m.jobs[label]
	if e != nil {
		m.worked++
	}
	count := fmt.Sprintf("%d/%d ", m.done, m.total)
	m.mu.Unlock()
	if e != nil {
		delete(m.jobs, label)
		e.End()
	}
	switch {
	case text == "":
	case m.screen.console == nil:
		m.screen.dated(count + Clean(text))
	default:
		m.screen.print(Clean(text))
	}
}

// left estimates how long the rest takes, zero if nothing is known. Jobs that took no time, since an earlier run had done
// them, say nothing about it.
func (m *Many) left(now time.Time) time.Duration {
	if m.worked == 0 {
		return 0
	}
	return time.Duration(float64(now.Sub(m.working)) / float64(m.worked) * float64(m.total-m.done))
}

func (m *Many) line(l look) string {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	return l.many(m.done, m.failed, m.total, now.Sub(m.began), m.left(now))
}
