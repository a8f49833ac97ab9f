package offboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/docspace-go/userdata/wrapper"
)

// ErrStopped is the error of a user who was not begun because too many others had failed.
var ErrStopped = errors.New("too many others have failed")

// Options say how Users goes about its work. The zero value is fine.
type Options struct {
	// Journal makes a run resumable: with the same journal, the next run passes over the users who are done, comes back
	// to jobs that are under way, and refuses to do a user again with another successor. It is read to its end first and
	// then written to, a line of JSON at a time; a file opened with os.O_RDWR|os.O_CREATE|os.O_APPEND is meant. If it
	// has a Sync method, that is called after every line. No two runs may share one at the same time.
	Journal io.ReadWriter
	// DryRun asks what would be done, with reads only. Nothing is started, and no journal is written.
	DryRun bool
	// StopAfter begins no more users after so many have failed. Zero means that the others always go on.
	StopAfter int
	// OnProgress is told of every change of a job that is under way, on the goroutine that ranges over the results.
	OnProgress func(Request, wrapper.Progress)
}

// What a portal takes from one account: 1,500 requests a minute (observed). The rest is for whoever else uses it.
const (
	requestsPerSecond = 24
	requestsAtOnce    = 40
)

// Users offboards any number of users, each as User does, and yields each result as it is known, in no special order.
// The requests are read on another goroutine, as far ahead as is of use.
//
// Portals work off the queue of reassignments and that of removals one job at a time, and forget the progress of what
// waits for more than a minute (observed). So no more jobs are started at once than the portal gets to in time, and
// enough to keep both queues busy. What cannot be done is a result with an error, and the others go on.
//
// If the context ends nothing more is begun. What is under way is yielded with an error that says that the job goes on,
// and the rest of the list, which is read to its end, with one that says that it was not begun. Breaking out of the loop
// does the same without a word. With a journal, the next run picks up from there.
func Users(ctx context.Context, c *wrapper.Client, rs iter.Seq[Request], o Options) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		journal, err := openJournal(o.Journal)
		if err != nil {
			yield(Result{Err: err})
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		r := &run{
			ctx: ctx, client: c, options: o, journal: journal,
			limit: rate.NewLimiter(requestsPerSecond, requestsAtOnce), stopped: make(chan struct{}), news: newMailbox(),
		}
		r.reassign, r.remove = newLane(r), newLane(r)
		var (
			work   sync.WaitGroup
			broken any // what the list has panicked with
		)
		work.Go(func() {
			defer func() { broken = recover() }()
			r.read(rs)
		})
		work.Go(r.reassign.work)
		work.Go(r.remove.work)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			work.Wait()
			r.news.close()
		}()
		defer func() {
			r.left.Store(true)
			cancel()
			<-ended
		}()
		for n := range r.news.all {
			if n.result != nil {
				if !yield(*n.result) {
					return
				}
			} else {
				o.OnProgress(n.of, n.progress)
			}
		}
		if broken != nil {
			panic(broken) // where somebody can recover from it
		}
	}
}

// run is one call of Users.
type run struct {
	ctx      context.Context // it lives as long as the call that it belongs to
	client   *wrapper.Client
	options  Options
	journal  *journal
	limit    *rate.Limiter
	reassign *lane
	remove   *lane
	news     *mailbox
	left     atomic.Bool // nobody ranges over the results any more

	mu       sync.Mutex
	failures int
	stopped  chan struct{} // closed when StopAfter is reached
}

// user is one request on its way.
type user struct {
	Request
	place   int // in the list
	action  Action
	resumed bool      // an earlier run has begun it
	needed  bool      // whether there is something to hand over
	checked time.Time // when the portal was asked that
	began   time.Time // for the result
	task    *wrapper.Task
	last    wrapper.Progress
	started time.Time // when the job was started; zero while it is not
	running time.Time // when it was first seen to run; zero while it waits
	asking  bool      // a request about it is under way
	asked   time.Time // when the last one came back
	due     time.Time // when to look at the job next
	missing time.Time // since when it has no progress; zero while it has
	passed  time.Time // when one that was started later was seen to run, or to have ended; zero while none was
	gone    bool      // the portal no longer knows the user, whose job was begun
}

// read takes the requests in, as long as a lane could do with more.
func (r *run) read(rs iter.Seq[Request]) {
	defer r.reassign.close()
	defer r.remove.close()
	var (
		checks sync.WaitGroup
		places = make(chan struct{}, mostAtOnce)
	)
	defer checks.Wait()
	listed := map[uuid.UUID]uuid.UUID{}
	for request := range rs {
		r.hungry()
		if r.left.Load() {
			return
		}
		u := &user{Request: request, place: len(listed), began: time.Now()}
		before, again := listed[request.From]
		err := request.check()
		switch {
		case err != nil:
			r.finish(u, err)
		case r.halted() != nil:
			r.finish(u, r.notBegun(u, r.halted()))
		case again && before == request.To:
			r.finish(u, fmt.Errorf("offboard: user %s: listed twice; the first time counts", request.From))
		case again:
			r.finish(u, fmt.Errorf("offboard: user %s: listed before with another successor, %s, who counts; strike one of the two", request.From, before))
		default:
			listed[request.From] = request.To
			places <- struct{}{}
			checks.Go(func() {
				r.take(u)
				<-places
			})
		}
	}
}

// hungry waits until a lane has too little to do, or nothing more is begun at all.
func (r *run) hungry() {
	for r.halted() == nil && !r.options.DryRun && !r.reassign.hungry() && !r.remove.hungry() {
		select {
		case <-r.reassign.fed:
		case <-r.remove.fed:
		case <-r.stopped:
		case <-r.ctx.Done():
		}
	}
}

// halted returns why nothing more is begun, nil while that is not so.
func (r *run) halted() error {
	select {
	case <-r.stopped:
		return ErrStopped
	default:
		return r.ctx.Err()
	}
}

func (r *run) notBegun(u *user, why error) error {
	return fmt.Errorf("offboard: user %s: not begun: %w", u.From, why)
}

// take finds out what is to be done for a user, and hands it to a lane.
func (r *run) take(u *user) {
	earlier, known := r.journal.earlier[u.From]
	u.resumed = known && earlier.Event == begun
	switch {
	case known && earlier.Event != refused && earlier.To != u.To:
		r.finish(u, fmt.Errorf("offboard: user %s: an earlier run has done this, or begun it, with another successor, %s; keep to that one", u.From, earlier.To))
		return
	case known && earlier.Event == done:
		u.action, u.resumed = earlier.Action, true
		r.deliver(u, nil)
		return
	}
	err := r.necessary(u)
	switch {
	case u.resumed:
		u.action = earlier.Action // a part may have been handed over by now
	case u.needed:
		u.action = Reassign
	case err == nil:
		u.action = Remove
	}
	switch {
	case u.resumed && isGone(err, u.From):
		r.finish(u, nil)
	case r.ctx.Err() != nil:
		r.finish(u, r.notBegun(u, r.ctx.Err()))
	case err != nil:
		r.finish(u, err)
	case r.options.DryRun:
		r.deliver(u, nil)
	default:
		r.laneOf(u).push(u)
	}
}

func (r *run) laneOf(u *user) *lane {
	if u.action == Reassign {
		return r.reassign
	}
	return r.remove
}

// patiently asks the portal something when its limits allow. Where it has too much all the same, nothing was done: it is
// asked again, and everything more slowly from then on.
func (r *run) patiently(ask func() error) error {
	for try := 1; ; try++ {
		if err := sleep(r.ctx, r.limit.Reserve().Delay()); err != nil {
			return err
		}
		err := ask()
		if !errors.Is(err, wrapper.ErrRateLimited) || errors.Is(err, wrapper.ErrOutcomeUnknown) || try == mostTries {
			return err
		}
		r.limit.SetLimit(max(r.limit.Limit()*0.7, 1))
		var e *wrapper.Error
		if errors.As(err, &e) && (e.RetryAfter > time.Minute || sleep(r.ctx, e.RetryAfter) != nil) {
			return err // a limit of another kind: by the day, say
		}
	}
}

// mostTries is how often the portal is asked the same while it has too much.
const mostTries = 10

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// necessary asks whether a user has something to hand over.
func (r *run) necessary(u *user) error {
	u.checked = time.Now()
	return r.patiently(func() (err error) {
		u.needed, err = r.client.NecessaryReassign(r.ctx, u.From, "")
		return err
	})
}

func (r *run) look(task *wrapper.Task) (p wrapper.Progress, err error) {
	err = r.patiently(func() (err error) {
		p, err = task.Progress(r.ctx)
		return err
	})
	return p, err
}

func (r *run) ensureIdle(task *wrapper.Task) (p wrapper.Progress, err error) {
	err = r.patiently(func() (err error) {
		p, err = task.EnsureIdle(r.ctx)
		return err
	})
	return p, err
}

// stale is how long the answer counts that there is nothing to hand over.
const stale = time.Minute

// begin starts a user's job, or comes back to the one that an earlier run has started. Where the user turns out to be
// gone, it is over.
func (r *run) begin(u *user) (over bool, err error) {
	if err := r.halted(); err != nil {
		return true, r.notBegun(u, err)
	}
	u.began = time.Now()
	sent := false
	defer func() {
		if err != nil && !sent && r.ctx.Err() != nil {
			err = r.notBegun(u, r.ctx.Err())
		}
	}()
	if u.action == Remove && time.Since(u.checked) > stale {
		if err := r.necessary(u); err != nil && (!u.resumed || !isGone(err, u.From)) {
			return true, err
		}
	}
	var other *wrapper.Task
	if u.task, other = r.client.ReassignTask(u.From), r.client.RemoveTask(u.From); u.action == Remove {
		u.task, other = other, u.task
	}
	before, err := r.ensureIdle(u.task)
	switch {
	case u.resumed && before != (wrapper.Progress{}): // the job of the earlier run, running or ended
		u.last = before
		return false, nil
	case err != nil:
		u.last = before
		return true, err
	}
	p, err := r.ensureIdle(other)
	if err != nil {
		u.last = p
		return true, err
	}
	if u.action == Remove && u.needed { // there is something to hand over by now
		u.action, u.task, before = Reassign, other, p
	}
	if err := r.journal.write(u.entry(begun, nil)); err != nil {
		return true, r.notBegun(u, err)
	}
	sent = true
	err = r.start(u, before)
	switch {
	case err == nil:
		return u.gone, nil
	case u.resumed && isGone(err, u.From):
		return true, nil
	case errors.As(err, new(*wrapper.Error)) && !errors.Is(err, wrapper.ErrOutcomeUnknown):
		event := refused
		if u.resumed {
			event = failed // what the earlier run has handed over stays so
		}
		err = join(err, r.journal.write(u.entry(event, err)))
	}
	return true, err
}

// start sends the start. One whose answer was lost is looked for before it is sent again.
func (r *run) start(u *user, before wrapper.Progress) error {
	for again := false; ; again = true {
		err := r.patiently(func() (err error) {
			if u.action == Reassign {
				_, err = r.client.StartReassign(r.ctx, u.From, u.To, wrapper.DeleteProfile())
			} else {
				_, err = r.client.StartRemove(r.ctx, u.From)
			}
			return err
		})
		switch {
		case err == nil:
			return nil
		case again && isGone(err, u.From):
			u.gone = true
			return nil
		case again:
			return fmt.Errorf("%w (an earlier start of the same was never answered: %w)", err, wrapper.ErrOutcomeUnknown)
		case !errors.Is(err, wrapper.ErrOutcomeUnknown):
			return err
		}
		now, lookErr := r.look(u.task)
		switch {
		case lookErr == nil && now != before:
			u.last = now
			return nil
		case lookErr == nil && u.task.Outcome(now) != nil, errors.Is(lookErr, wrapper.ErrNoTask):
			continue
		}
		return err
	}
}

// isGone tells whether the portal itself says that there is no such user: with 404, or with 400 and the user's id
// (observed). What a web server in its place says has another shape.
func isGone(err error, id uuid.UUID) bool {
	var (
		e        *wrapper.Error
		envelope struct {
			Error      struct{ Message string }
			StatusCode int
		}
	)
	if !errors.As(err, &e) || json.Unmarshal(e.Body, &envelope) != nil || envelope.StatusCode != e.StatusCode {
		return false
	}
	said := envelope.Error.Message
	return e.StatusCode == http.StatusNotFound && said != "" ||
		e.StatusCode == http.StatusBadRequest && strings.Contains(said, id.String()) && strings.Contains(strings.ToLower(said), "not found")
}

// errAbsent says that the portal shows no progress, though the user is still there.
var errAbsent = errors.New("offboard: there is no progress")

// check looks at a user's job and tells whether that was the end of it.
func (r *run) check(u *user) (over bool, _ error) {
	p, err := r.look(u.task)
	switch {
	case errors.Is(err, wrapper.ErrNoTask):
		// It waits behind others, or has ended unseen. That the user is gone tells the one from the other.
		if err := r.necessary(u); isGone(err, u.From) {
			return true, nil
		}
		return false, errAbsent
	case r.ctx.Err() != nil:
		return true, r.unwatched(u, r.ctx.Err())
	case err != nil:
		return true, r.unwatched(u, err)
	}
	if !p.Follows(u.last) {
		return true, r.unwatched(u, wrapper.ErrTaskReplaced)
	}
	p.Percentage = max(p.Percentage, u.last.Percentage)
	if p != u.last {
		u.last = p
		if r.options.OnProgress != nil {
			r.news.put(news{of: u.Request, progress: p})
		}
	}
	return p.IsCompleted, u.task.Outcome(p)
}

// unwatched is the error for a job that goes on, as far as is known.
func (r *run) unwatched(u *user, why error) *wrapper.TaskError {
	return &wrapper.TaskError{Operation: u.task.Operation(), User: u.From, Progress: u.last, Reason: why}
}

// finish delivers a result, and notes in the journal what is known for good.
func (r *run) finish(u *user, err error) {
	switch {
	case r.options.DryRun:
	case err == nil:
		if err = r.journal.write(u.entry(done, nil)); err != nil {
			err = fmt.Errorf("offboard: user %s: done, but %w", u.From, err)
		}
	case errors.Is(err, wrapper.ErrTaskFailed), errors.Is(err, wrapper.ErrTaskCanceled):
		err = join(err, r.journal.write(u.entry(failed, err)))
	}
	r.deliver(u, err)
}

func (u *user) entry(e event, err error) entry {
	line := entry{Event: e, From: u.From, To: u.To, Action: u.action}
	if err != nil {
		line.Error = err.Error()
	}
	return line
}

// join adds the journal's failure to that of the user, in one line.
func join(err, journal error) error {
	if journal == nil {
		return err
	}
	return fmt.Errorf("%w; and %w", err, journal)
}

// deliver hands a result to the loop that ranges over them.
func (r *run) deliver(u *user, err error) {
	r.news.put(news{result: &Result{
		Request: u.Request, Action: u.action, Progress: u.last, Took: time.Since(u.began), Resumed: u.resumed, Err: err,
	}})
	if err == nil || errors.Is(err, ErrStopped) || r.ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures++; r.failures == r.options.StopAfter {
		close(r.stopped)
	}
}
