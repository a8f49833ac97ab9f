package offboard

import (
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/wrapper"
)

// How a lane feeds its queue. Portals forget what waits for a minute; a backlog of twenty seconds is far from that, and
// long enough for the end of a job to be seen before the queue runs dry.
const (
	backlog     = 20 * time.Second
	mostActive  = 100
	mostAtOnce  = 10 // users of a lane who are asked about at once
	enoughAhead = 5  // users who are ready to begin, beyond what the window takes

	soonestLook = 500 * time.Millisecond
	latestLook  = 12 * time.Second
	lookShare   = 0.1 // of the time that a job has run
	relaxed     = 2 * time.Second

	// How long a job may have no progress before its outcome counts as unknown, from when it should have had one.
	absentFor = 15 * time.Minute
)

// lane keeps one of the portal's two queues busy, and no more than that. What is not guarded belongs to the goroutine of
// work; the requests about a user run on one of their own each, so that one that hangs keeps nobody else waiting.
type lane struct {
	run   *run
	wake  chan struct{} // something to begin, or nothing more to come
	fed   chan struct{} // something was begun
	heard chan heard    // what came of asking about a user

	mu     sync.Mutex // guards the next three
	ready  []*user    // to begin
	closed bool       // nothing more comes from the list
	window int        // how many jobs may be under way

	active []*user // under way, or about to be, in the order in which they were begun
	busy   int     // how many of them are asked about just now
	ended  float64 // jobs that have ended, and
	span   float64 // the seconds in which they did, both fading
	last   time.Time
	turn   time.Time // when a job was last seen to have begun to run
	alive  time.Time // when any job was last seen at all
}

// heard is what came of asking the portal about a user.
type heard struct {
	u    *user
	over bool
	err  error
}

func newLane(r *run) *lane {
	return &lane{
		run: r, window: 2, last: time.Now(),
		wake: make(chan struct{}, 1), fed: make(chan struct{}, 1), heard: make(chan heard, mostAtOnce),
	}
}

// push adds a user who is ready to begin, in the place that the list has for it.
func (l *lane) push(u *user) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, _ := slices.BinarySearchFunc(l.ready, u.place, func(other *user, place int) int { return other.place - place })
	l.ready = slices.Insert(l.ready, at, u)
	signal(l.wake)
}

// close says that the list has come to its end.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	signal(l.wake)
}

// hungry tells whether the lane could do with more users.
func (l *lane) hungry() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ready) < l.window+enoughAhead
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// next takes a user who is ready to begin, nil if there is none, and tells whether any may still come.
func (l *lane) next() (u *user, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ready) == 0 {
		return nil, !l.closed
	}
	u, l.ready = l.ready[0], l.ready[1:]
	signal(l.fed)
	return u, true
}

// work begins users and looks at their jobs until nothing is left to do.
func (l *lane) work() {
	for {
		if l.run.ctx.Err() != nil {
			l.abandon()
		}
		more := l.fill()
		l.look()
		if len(l.active) == 0 && !more {
			return
		}
		l.wait()
	}
}

// ask sends what there is to ask about a user.
func (l *lane) ask(u *user, question func(*user) (over bool, _ error)) {
	u.asking = true
	l.busy++
	go func() {
		over, err := question(u)
		l.heard <- heard{u, over, err}
	}()
}

// fill begins as many users as the window has room for, and tells whether more may come.
func (l *lane) fill() (more bool) {
	for len(l.active) < l.window && l.busy < mostAtOnce || l.run.halted() != nil {
		u, more := l.next()
		if u == nil {
			return more
		}
		if len(l.active) == 0 {
			l.last = time.Now() // the queue was idle, which says nothing of how fast it is
		}
		l.active = append(l.active, u)
		l.ask(u, l.run.begin)
	}
	return true
}

// look asks about the jobs that it is time for.
func (l *lane) look() {
	now := time.Now()
	for _, u := range l.active {
		if l.busy >= mostAtOnce {
			return
		}
		if !u.asking && !u.due.After(now) {
			l.ask(u, l.run.check)
		}
	}
}

// wait sleeps until something was heard, or there is something to begin or to look at.
func (l *lane) wait() {
	var (
		due  <-chan time.Time
		wake <-chan struct{}
		stop = l.run.stopped
		end  = l.run.ctx.Done()
	)
	halted := l.run.halted() != nil
	if len(l.active) < l.window || halted {
		wake = l.wake
	}
	if halted { // that is known, and what is left comes by the others
		stop = nil
	}
	if l.run.ctx.Err() != nil {
		end = nil
	}
	if l.busy < mostAtOnce {
		var first time.Time
		for _, u := range l.active {
			if !u.asking && (first.IsZero() || u.due.Before(first)) {
				first = u.due
			}
		}
		if !first.IsZero() {
			timer := time.NewTimer(max(time.Until(first), time.Millisecond))
			defer timer.Stop()
			due = timer.C
		}
	}
	select {
	case h := <-l.heard:
		l.take(h)
	case <-due:
	case <-wake:
	case <-stop:
	case <-end:
	}
}

// take takes in what was heard of a user.
func (l *lane) take(h heard) {
	u, now := h.u, time.Now()
	u.asking, u.asked = false, now
	l.busy--
	begun := !u.started.IsZero()
	if errors.Is(h.err, errAbsent) {
		h.err = l.miss(u, now)
		h.over = h.err != nil
	} else {
		u.missing, l.alive = time.Time{}, now
	}
	if begun && (h.over || isRunning(u)) && u.missing.IsZero() {
		for _, before := range l.active {
			if before.passed.IsZero() && !before.started.IsZero() && before.started.Before(u.began) {
				before.passed = now
			}
		}
	}
	switch {
	case h.err != nil || h.over:
		l.active = slices.DeleteFunc(l.active, func(other *user) bool { return other == u })
		l.run.finish(u, h.err)
		if begun {
			l.learn(now)
		}
		if h.over && u.running.IsZero() && l.window > mostAtOnce {
			l.hasten(now)
		}
	case !begun:
		u.started = now
	case isRunning(u) && u.running.IsZero():
		u.running = now
	}
	l.schedule(u, now)
	l.judge(now)
}

// miss takes in that a job has no progress, and returns an error once that has lasted for too long. As long as none that
// was started later has had its turn, and something moves, it may well be waiting for its own.
func (l *lane) miss(u *user, now time.Time) error {
	if u.missing.IsZero() {
		u.missing = now
	}
	since := later(u.missing, u.passed)
	if u.passed.IsZero() {
		since = later(u.missing, l.alive)
	}
	if now.Sub(since) < absentFor {
		return nil
	}
	err := l.run.unwatched(u, wrapper.ErrTaskLost)
	err.Absent = now.Sub(u.missing)
	return err
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// schedule says when to look at a user's job next: while it runs, after a share of the time that it has; before, when the
// jobs in front of it are expected to have ended.
func (l *lane) schedule(u *user, now time.Time) {
	position := 1.1*float64(slices.Index(l.active, u)) + 1 // rather a little late than twice
	delay := max(soonestLook, time.Duration(lookShare*float64(now.Sub(l.last))))
	if !u.running.IsZero() {
		delay = max(soonestLook, time.Duration(lookShare*float64(now.Sub(u.running))))
	} else if l.ended > 0 {
		delay = max(delay, time.Duration(position*l.span/l.ended*float64(time.Second)))
	}
	if l.window > mostAtOnce { // jobs are short and the backlog is long: there is no hurry
		delay = max(delay, relaxed)
	}
	u.due = now.Add(min(delay, latestLook))
}

// hasten has the next of those who wait looked at now: where a job ended before it was seen to run, the one behind it may
// have ended as well. So the looks catch up with a queue that is faster than was thought.
func (l *lane) hasten(now time.Time) {
	for _, u := range l.active {
		if !u.started.IsZero() && u.running.IsZero() && !u.asking {
			u.due = now
			return
		}
	}
}

// judge sets the window: what runs, and behind it what the queue gets through in the time of the backlog, as fast as jobs
// have ended of late. So a portal that works on several at once is found out. When one begins to run another may just
// have ended: what ran before is looked at anew before it counts.
func (l *lane) judge(now time.Time) {
	running := 0
	for _, u := range l.active {
		switch {
		case u.running.IsZero():
		case u.running.Equal(now):
			l.turn = now
			running++
		case u.asked.Before(l.turn):
			u.due = now
		default:
			running++
		}
	}
	waiting := 1
	if l.span > 0 {
		waiting = max(waiting, int(math.Ceil(l.ended/l.span*backlog.Seconds())))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.window = min(max(running+waiting, 2), mostActive)
}

func isRunning(u *user) bool { return u.last.Status == api.DistributedTaskStatusRunning }

// learn takes in that a job has ended.
func (l *lane) learn(now time.Time) {
	const fade = 0.9
	l.ended = l.ended*fade + 1
	l.span = l.span*fade + now.Sub(l.last).Seconds()
	l.last = now
}

// abandon delivers what is left when the context has ended: jobs that go on, and users who were not begun. Who is asked
// about just now is heard of in a moment.
func (l *lane) abandon() {
	l.active = slices.DeleteFunc(l.active, func(u *user) bool {
		if !u.asking {
			l.run.finish(u, l.run.unwatched(u, l.run.ctx.Err()))
		}
		return !u.asking
	})
	for u, _ := l.next(); u != nil; u, _ = l.next() {
		l.run.finish(u, l.run.notBegun(u, l.run.ctx.Err()))
	}
}
