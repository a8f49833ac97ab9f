package wrapper

import (
	"errors"
	"time"
)

// terminateLimit is how long TerminateOnCancel may take.
const terminateLimit = 10 * time.Second

// JobOption is what Reassign takes: every [ReassignOption] and every [WaitOption].
type JobOption interface{ apply(*jobOptions) }

// ReassignOption says what a reassignment does.
type ReassignOption interface {
	JobOption
	reassign()
}

// WaitOption says how a job is waited for.
type WaitOption interface {
	JobOption
	wait()
}

type reassignOption func(*jobOptions)

func (f reassignOption) apply(o *jobOptions) { f(o) }
func (reassignOption) reassign()             {}

type waitOption func(*jobOptions)

func (f waitOption) apply(o *jobOptions) { f(o) }
func (waitOption) wait()                 {}

type jobOptions struct {
	deleteProfile    bool
	onProgress       func(Progress)
	pollMin, pollMax time.Duration
	absentFor        time.Duration
	patient          bool // whether absentFor was given
	terminate        bool
}

func newJobOptions[O JobOption](kind *taskKind, opts []O) (*jobOptions, error) {
	o := &jobOptions{pollMin: pollMin, pollMax: pollMax, absentFor: 15 * time.Minute}
	for _, option := range opts {
		if any(option) == nil {
			return nil, errors.New("an option is nil")
		}
		option.apply(o)
	}
	switch {
	case o.pollMin <= 0 || o.pollMax < o.pollMin || o.pollMax >= time.Minute:
		return nil, errors.New("PollBetween: the bounds have to be above zero, in order, and below the minute after which portals forget")
	case o.absentFor < 0:
		return nil, errors.New("AbsentFor: the time is negative")
	case o.terminate && kind.stop == "":
		return nil, errNoFolder
	}
	return o, nil
}

// DeleteProfile erases the user's personal files and profile at the end of the reassignment. Nobody can undo that.
func DeleteProfile() ReassignOption {
	return reassignOption(func(o *jobOptions) { o.deleteProfile = true })
}

// OnProgress calls f, on the goroutine that waits, whenever the progress has changed.
func OnProgress(f func(Progress)) WaitOption {
	return waitOption(func(o *jobOptions) { o.onProgress = f })
}

// PollBetween bounds the time between two looks at a job. By default it is about a twelfth of the time watched so far, between
// 0.5 and 14 seconds. Both have to be below a minute, after which portals forget a job that has ended.
func PollBetween(shortest, longest time.Duration) WaitOption {
	return waitOption(func(o *jobOptions) { o.pollMin, o.pollMax = shortest, longest })
}

// TerminateOnCancel stops the job when the context ends while it is waited for, as [Task.Terminate] does, within 10
// seconds. The personal folder's job cannot be stopped, so that this is an error for it.
func TerminateOnCancel() WaitOption {
	return waitOption(func(o *jobOptions) { o.terminate = true })
}

// AbsentFor says how long a job's progress may be absent before the job counts as lost, 15 minutes by default: while a
// job waits its turn for long, portals hide its progress, and show it again once it moves (observed).
func AbsentFor(d time.Duration) WaitOption {
	return waitOption(func(o *jobOptions) { o.absentFor, o.patient = d, true })
}
