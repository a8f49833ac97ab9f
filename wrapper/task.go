package wrapper

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
)

// Progress is one look at a job.
type Progress struct {
	ID          string                    // the portal's name for the job
	Percentage  int                       // how far it is, 0 to 100; moves in milestones (observed)
	Status      api.DistributedTaskStatus // where it stands; IsCompleted decides where the two disagree
	StatusName  string                    // the portal's word for a Status that is DistributedTaskStatusUnknown
	IsCompleted bool                      // whether it has ended, well or badly
	Error       string                    // what went wrong, in the portal's words
}

// String says where the job stands, as in "30%, running".
func (p Progress) String() string {
	status := p.Status.String()
	if name := oneLine(p.StatusName); name != "" {
		status = name
	}
	return fmt.Sprintf("%d%%, %s", p.Percentage, status)
}

// Follows tells whether p can be the same job at a later look: the ID is the same, and the percentage no lower until it has
// ended. Portals name jobs by user and kind, so that one which takes the place of another has its ID, but begins anew
// (observed).
func (p Progress) Follows(earlier Progress) bool {
	return (p.ID == earlier.ID || p.ID == "" || earlier.ID == "") && (p.Percentage >= earlier.Percentage || p.IsCompleted)
}

// progressIn reads a TaskProgressResponseDto. One that lacks what tells how the job stands is none: a guess would be worse.
func progressIn(a *answer) (p Progress, ok bool) {
	var id, problem, percentage, completed, status json.RawMessage
	for name, value := range members(a.response) {
		switch {
		case name.is("id"):
			id = value
		case name.is("error"):
			problem = value
		case name.is("percentage"):
			percentage = value
		case name.is("isCompleted"):
			completed = value
		case name.is("status"):
			status = value
		}
	}
	var known, named, explained bool
	p.Percentage, known = number(percentage)
	p.ID, named = text(id)
	p.Error, explained = text(problem)
	p.IsCompleted = string(completed) == "true"
	switch {
	case !known || !named || !explained || !p.IsCompleted && string(completed) != "false" || !isSet(status):
		return Progress{}, false
	case p.Status.UnmarshalJSON(status) != nil:
		return Progress{}, false
	case p.Status == api.DistributedTaskStatusUnknown:
		p.StatusName, _ = text(status) // a number, if it is no word
	}
	p.Percentage = min(max(p.Percentage, 0), 100)
	p.ID, p.Error, p.StatusName = a.secrets.hide(p.ID), a.secrets.hide(p.Error), a.secrets.hide(p.StatusName)
	return p, true
}

// taskKind is what sets the three kinds of job apart.
type taskKind struct {
	name          string
	look, stop    string // operationIds; without stop it cannot be terminated
	progressOf    func(context.Context, *api.Client, uuid.UUID) (*http.Response, error)
	terminationOf func(context.Context, *api.Client, uuid.UUID) (*http.Response, error)
	remains       string // what stays of a job that did not come to its end
	stopped       string // what can be said of a job that was asked to stop
	running       string // what to do about one that runs already
}

var (
	reassignment = &taskKind{
		name: "reassignment", look: "getReassignProgress", stop: "terminateReassign",
		progressOf: func(ctx context.Context, c *api.Client, user uuid.UUID) (*http.Response, error) {
			return c.GetReassignProgress(ctx, user)
		},
		terminationOf: func(ctx context.Context, c *api.Client, user uuid.UUID) (*http.Response, error) {
			return c.TerminateReassign(ctx, api.TerminateRequestDto{UserId: user})
		},
		remains: "What was handed over by then stays so",
		stopped: "It ends at its next milestone, and what was handed over by then stays so",
		running: "Somebody else may have started it, with another target. Wait for it, or stop it, and start again",
	}
	removal = &taskKind{
		name: "removal", look: "getRemoveProgress", stop: "terminateRemove",
		progressOf: func(ctx context.Context, c *api.Client, user uuid.UUID) (*http.Response, error) {
			return c.GetRemoveProgress(ctx, user)
		},
		terminationOf: func(ctx context.Context, c *api.Client, user uuid.UUID) (*http.Response, error) {
			return c.TerminateRemove(ctx, api.TerminateRequestDto{UserId: user})
		},
		remains: "What was erased by then is gone",
		stopped: "A removal that is at work may go on until all is erased; what is erased is gone",
		running: "Wait until it has ended",
	}
	folderDeletion = &taskKind{
		name: "deletion of the personal folder", look: "getDeletePersonalFolderProgress",
		progressOf: func(ctx context.Context, c *api.Client, _ uuid.UUID) (*http.Response, error) {
			return c.GetDeletePersonalFolderProgress(ctx)
		},
		remains: "What was erased by then is gone",
		running: "Wait until it has ended",
	}
)

func kindOfTask(look string) *taskKind {
	for _, kind := range []*taskKind{reassignment, removal} {
		if kind.look == look {
			return kind
		}
	}
	return folderDeletion
}

// Task is a job on the portal. It is safe for concurrent use.
type Task struct {
	client *Client
	kind   *taskKind
	user   uuid.UUID
	asked  atomic.Bool              // whether the portal was asked to stop it from here
	ending atomic.Bool              // whether the portal has said that it stops it
	last   atomic.Pointer[Progress] // as last seen: the start's answer, and what came while it was watched
}

// User is whose data the job works on; zero for the caller's own personal folder.
func (t *Task) User() uuid.UUID { return t.user }

// Operation is the operationId of the look at the job, as in the errors about it.
func (t *Task) Operation() string { return t.kind.look }

// started completes a task with the answer to its start.
func (t *Task) started(op string, resp *http.Response, err error) (*Task, error) {
	p, err := receive(op, t.user, resp, err, progressIn)
	if err != nil {
		return nil, err
	}
	t.last.Store(&p)
	return t, nil
}

// Progress looks at the job once. Where the portal knows of none the error is [ErrNoTask]; portals forget a job about a
// minute after it last moved (observed). A job that failed is no error here: look at what is returned, or use Wait.
func (t *Task) Progress(ctx context.Context) (Progress, error) {
	if err := t.check(t.kind.look); err != nil {
		return Progress{}, err
	}
	resp, err := t.kind.progressOf(ctx, t.client.api, t.user)
	p, err := receive(t.kind.look, t.user, resp, err, progressIn)
	if errors.Is(err, errNoResponse) {
		err = t.end(ErrNoTask, Progress{})
	}
	return p, err
}

// Terminate asks the portal to stop the job; that there is none is no error. A reassignment stops at its next milestone,
// and what it has moved stays moved. A removal that runs already may run to its end, and what it has erased is gone
// (observed). The deletion of a personal folder cannot be stopped: that is [errors.ErrUnsupported].
func (t *Task) Terminate(ctx context.Context) error {
	if t.kind.stop == "" {
		return errNoFolder
	}
	if err := t.check(t.kind.stop); err != nil {
		return err
	}
	resp, err := t.kind.terminationOf(ctx, t.client.api, t.user)
	if err != nil {
		return about(t.kind.stop, t.user, err)
	}
	// A reassignment that is stopped stands in the answer, a removal never does.
	if p, ok := progressIn(resp.Body.(*answer)); ok && p.Status == api.DistributedTaskStatusCanceled {
		t.ending.Store(true)
	}
	t.asked.Store(true)
	return nil
}

// Outcome says what the progress of a job that has ended means: nil if all went well, otherwise a [*TaskError] that is
// [ErrTaskFailed] or [ErrTaskCanceled]. It is nil for a job that has not ended, too. Nothing is sent. That it has ended counts,
// with whatever status but these two (observed).
func (t *Task) Outcome(p Progress) error {
	switch {
	case !p.IsCompleted:
		return nil
	case p.Status == api.DistributedTaskStatusCanceled:
		return t.end(ErrTaskCanceled, p)
	case p.Status == api.DistributedTaskStatusFailed || p.Error != "":
		return t.end(ErrTaskFailed, p)
	}
	return nil
}

func (t *Task) check(op string) error {
	if t.user == uuid.Nil && t.kind != folderDeletion {
		return notSent(op, t.user, errZeroUser)
	}
	return nil
}

// Wait looks at the job until it ends, and returns its last progress: with no error if all went well, otherwise with a
// [*TaskError] that is [ErrTaskFailed] or [ErrTaskCanceled].
//
// A progress that vanishes is no outcome. If it does not come back within [AbsentFor], the error is [ErrTaskLost], and if
// another job's does, [ErrTaskReplaced]; both are an [ErrOutcomeUnknown]. If there is none at the first look at a task that
// was attached to, the error is [ErrNoTask] at once, unless AbsentFor was given. After Terminate, its absence is the
// expected end, ErrTaskCanceled.
//
// All who wait on one client share 16 looks a second, so that they keep to the portal's limit of requests: above some 900
// at once, a job that ends may be forgotten before it is looked at, and count as lost.
//
// Failures that may pass are ridden out as far as the retry policy goes. Any other ends the wait, but not the job: the
// error is a TaskError with the [*Error] as its Reason, and an ErrOutcomeUnknown. When the context ends, Wait returns at
// once, and the job goes on as well; see [TerminateOnCancel].
func (t *Task) Wait(ctx context.Context, opts ...WaitOption) (last Progress, err error) {
	o, err := newJobOptions(t.kind, opts)
	if err != nil {
		return last, notSent(t.kind.look, t.user, err)
	}
	t.watch(ctx, o, func(p Progress, e error) bool {
		last, err = p, e
		return true
	})
	return last, err
}

// Watch is Wait as a range loop. It yields the progress whenever it has changed, and the last one with the error that
// Wait would return. Percentages never go back.
func (t *Task) Watch(ctx context.Context, opts ...WaitOption) iter.Seq2[Progress, error] {
	return func(yield func(Progress, error) bool) {
		o, err := newJobOptions(t.kind, opts)
		if err != nil {
			yield(Progress{}, notSent(t.kind.look, t.user, err))
			return
		}
		t.watch(ctx, o, yield)
	}
}

// watch has little on its stack while it waits, and so has what it calls for that: ten thousand may do so at once.
func (t *Task) watch(ctx context.Context, o *jobOptions, yield func(Progress, error) bool) {
	w := &watcher{task: t, options: o, yield: yield, began: time.Now()}
	for goOn := w.begin(); goOn && w.pause(ctx); goOn = w.look(ctx) {
	}
}

// watcher is what is known of a job while it is watched.
type watcher struct {
	task    *Task
	options *jobOptions
	yield   func(Progress, error) bool
	began   time.Time
	hurry   bool // whether to look at once
	last    Progress
	seen    bool
	missing time.Time // since when there is no progress; zero while there is
}

// begin takes in what the start has answered, and tells whether to go on. Where there is nothing, there is no time to lose.
func (w *watcher) begin() bool {
	known := w.task.last.Load()
	w.hurry = known == nil
	return known == nil || w.see(*known)
}

// pause waits until it is time to look, and tells whether to do so.
func (w *watcher) pause(ctx context.Context) bool {
	if !w.hurry {
		delay := pollDelay(time.Since(w.began), w.options.pollMin, w.options.pollMax)
		if sleep(ctx, w.untilLost(delay)) != nil {
			return w.cancel(ctx)
		}
	}
	w.hurry = false
	if w.task.client.way.looks.pass(ctx) != nil {
		return w.cancel(ctx)
	}
	return true
}

// look looks at the job once and tells whether to go on.
func (w *watcher) look(ctx context.Context) bool {
	p, err := w.task.Progress(ctx)
	switch {
	case err == nil:
		return w.see(p)
	case ctx.Err() != nil:
		return w.cancel(ctx)
	case errors.Is(err, ErrNoTask):
		return w.miss()
	case w.seen: // otherwise nothing is known of a job that would go on
		err = w.task.end(err, w.last)
	}
	w.yield(w.last, err)
	return false
}

// see takes a progress in and tells whether to go on.
func (w *watcher) see(p Progress) bool {
	if w.seen && !p.Follows(w.last) {
		w.yield(w.last, w.gone(ErrTaskReplaced))
		return false
	}
	p.Percentage = max(p.Percentage, w.last.Percentage)
	changed := !w.seen || p != w.last
	w.last, w.seen, w.missing = p, true, time.Time{}
	w.task.last.Store(&p)
	if changed && w.options.onProgress != nil {
		w.options.onProgress(p)
	}
	if !p.IsCompleted {
		return !changed || w.yield(p, nil)
	}
	w.yield(p, w.task.Outcome(p))
	return false
}

// miss takes in that there is no progress and tells whether to go on.
func (w *watcher) miss() bool {
	if w.missing.IsZero() {
		w.missing = time.Now()
	}
	err, absent := w.gone(ErrNoTask), time.Since(w.missing)
	switch {
	case w.task.asked.Load():
	case !w.seen && !w.options.patient:
	case absent < w.options.absentFor:
		return true
	case w.seen:
		err.Reason, err.Absent = ErrTaskLost, absent
	}
	w.yield(w.last, err)
	return false
}

// gone is the error for a job that is not there any more. One that was asked to stop is not expected to be.
func (w *watcher) gone(reason error) *TaskError {
	err := w.task.end(reason, w.last)
	if w.task.asked.Load() {
		err.Reason, err.note = ErrTaskCanceled, w.task.stopping()
	}
	return err
}

// untilLost shortens a delay so that a job counts as lost when AbsentFor says so, not at the look after that.
func (w *watcher) untilLost(delay time.Duration) time.Duration {
	if w.missing.IsZero() {
		return delay
	}
	return min(delay, time.Until(w.missing.Add(w.options.absentFor)))
}

// cancel ends the watching because the context has ended.
func (w *watcher) cancel(ctx context.Context) bool {
	err := w.task.end(ctx.Err(), w.last)
	if w.options.terminate {
		err.note, err.stop = w.task.terminateAnyway(ctx)
	}
	w.yield(w.last, err)
	return false
}

// terminateAnyway stops the job although the context has ended, within a limit of its own, and says what came of it.
func (t *Task) terminateAnyway(ctx context.Context) (note string, _ error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminateLimit)
	defer cancel()
	switch err := t.Terminate(ctx); {
	case err != nil:
		return "Stopping it failed: " + err.Error(), err
	default:
		return "It was asked to stop. " + t.stopping(), nil
	}
}

// stopping says what can be said of a job that was asked to stop.
func (t *Task) stopping() string {
	if t.kind == reassignment && !t.ending.Load() {
		return unconfirmed
	}
	return t.kind.stopped
}

// unconfirmed is a stop to which the portal has answered that there is none to stop: it may have ended, or be hidden.
const unconfirmed = "The portal knew of none to stop, so that how it ended, or whether it goes on, is not known"

func (t *Task) end(reason error, p Progress) *TaskError {
	return &TaskError{Operation: t.kind.look, User: t.user, Progress: p, Reason: reason}
}

// EnsureIdle makes sure, with one look, that no such job runs for the user: otherwise the error is [ErrTaskRunning]. It
// returns the progress of a job that has ended, if the portal still shows one. A job that waits for so long that its
// progress is hidden for the time being goes unnoticed.
func (t *Task) EnsureIdle(ctx context.Context) (ended Progress, _ error) {
	p, err := t.Progress(ctx)
	switch {
	case errors.Is(err, ErrNoTask):
		return Progress{}, nil
	case err == nil && !p.IsCompleted:
		return p, t.end(ErrTaskRunning, p)
	}
	return p, err
}

// run starts the job and waits for its end. It makes sure first that none runs.
func (t *Task) run(ctx context.Context, o *jobOptions, start func() (*Task, error)) (Progress, error) {
	before, err := t.EnsureIdle(ctx)
	if err != nil {
		return before, err
	}
	if t, err = t.startSurely(ctx, before, start); err != nil {
		if o.terminate && ctx.Err() != nil && errors.Is(err, ErrOutcomeUnknown) {
			note, stop := t.terminateAnyway(ctx)
			err = &TaskError{Operation: t.kind.look, User: t.user, Reason: err, note: note, stop: stop}
		}
		return Progress{}, err
	}
	var last Progress
	t.watch(ctx, o, func(p Progress, e error) bool {
		last, err = p, e
		return true
	})
	return last, err
}

// startSurely sends a start. One whose answer is lost is looked for before it is sent again.
func (t *Task) startSurely(ctx context.Context, before Progress, start func() (*Task, error)) (*Task, error) {
	policy := t.client.way.retry
	delays := policy.delays()
	for attempt := 1; ; attempt++ {
		started, err := start()
		var failure *Error
		if err == nil || !errors.As(err, &failure) {
			return started, err
		}
		failure.unsure = failure.unsure || attempt > 1 // the one before may have been taken, and be the reason
		if !failure.unknown() {
			return t, err
		}
		now, lookErr := t.Progress(ctx)
		again := errors.Is(lookErr, ErrNoTask) || lookErr == nil && t.Outcome(now) != nil // which of the two failed is all one
		switch {
		case lookErr == nil && now != before:
			t.last.Store(&now) // none ran just before, so that this is the one that was started
			return t, nil
		case !again, !failure.transient(), attempt >= policy.MaxAttempts, failure.RetryAfter > policy.MaxDelay,
			sleep(ctx, cmp.Or(failure.RetryAfter, delays.NextBackOff())) != nil:
			return t, err
		}
	}
}
