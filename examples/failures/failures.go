// Package failures shows what a program makes of the errors: the example of docs/errors.md.
package failures

import (
	"context"
	"errors"
	"time"

	"github.com/docspace-go/userdata/wrapper"
)

// Next is what a program does about a handover that did not end well.
type Next string

// What there is to choose from.
const (
	Done  Next = "done"
	Look  Next = "have somebody look at the user" // before anything is done again
	Wait  Next = "wait for the job that runs"
	Later Next = "try again later"
	Again Next = "attach to the job again" // it goes on
	Mend  Next = "mend what it names"      // the same again would fail again
)

// After tells what to do after Reassign or Remove.
func After(err error) Next {
	switch {
	case err == nil:
		return Done
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Again // what was started goes on; ErrNoTask then says that nothing was
	case errors.Is(err, wrapper.ErrTaskRunning):
		return Wait
	case errors.Is(err, wrapper.ErrOutcomeUnknown): // before all that it may be besides
		return Look
	case errors.Is(err, wrapper.ErrRateLimited), errors.Is(err, wrapper.ErrServer):
		return Later
	}
	return Mend // refused, failed, stopped, or a start that never got there
}

// PauseAfter is how long the portal asks to wait, and zero where it does not say.
func PauseAfter(err error) time.Duration {
	var refused *wrapper.Error
	if errors.As(err, &refused) {
		return refused.RetryAfter
	}
	return 0
}

// LastSeen is how far a job was when it was last seen, whatever became of it.
func LastSeen(err error) (progress wrapper.Progress, ok bool) {
	var job *wrapper.TaskError
	if errors.As(err, &job) {
		return job.Progress, job.Progress.ID != ""
	}
	return wrapper.Progress{}, false
}
