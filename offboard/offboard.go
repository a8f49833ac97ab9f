// Package offboard does the whole job for a user who leaves: what has to be handed over goes to a successor, and the
// user's data and profile are erased. One user:
//
//	client, err := wrapper.NewFromEnv()
//	if err != nil {
//		return err
//	}
//	result, err := offboard.User(ctx, client, offboard.Request{From: leaving, To: successor})
//
// Any number of them, at the pace of the portal's queues:
//
//	for result := range offboard.Users(ctx, client, slices.Values(requests), offboard.Options{Journal: file}) {
//		if result.Err != nil {
//			log.Print(result.Err)
//		}
//	}
//
// # What is done to a user
//
// The portal is asked whether the user owns rooms or shared files. If so, a reassignment hands them over and erases the
// profile; if not, a removal erases everything. None of it can be undone. A job of either kind that runs already is not
// joined, since its successor may be somebody else.
//
// # The journal
//
// With a journal, a run that was interrupted is taken up by the next one: who is done is passed over, who was begun is
// looked after. See [Options].
//
// # Errors
//
// Each [Result] has its own error, of the types of package wrapper. One that is [wrapper.ErrOutcomeUnknown] leaves open
// whether the user is gone: have somebody look.
package offboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/wrapper"
)

// Request names who leaves and who takes over.
type Request struct {
	From uuid.UUID // who leaves; has to be disabled (observed)
	To   uuid.UUID // who takes over; has to be an active RoomAdmin or DocSpaceAdmin (observed)
}

// Action is the way a user was offboarded.
type Action string

// The two ways. A Result has none if neither was begun.
const (
	Reassign Action = "reassign" // the successor gets rooms and shared files, the rest is erased with the profile
	Remove   Action = "remove"   // there was nothing to hand over: everything is erased with the profile
)

// Result says what was done for one user.
type Result struct {
	Request  Request
	Action   Action           // what was begun; whether it came to its end is for Err to say
	Progress wrapper.Progress // the job as it was last seen
	Took     time.Duration    // how long it took, without waiting for its turn in Users
	Resumed  bool             // whether an earlier run with the same journal had begun it, or done it
	Err      error            // nil if the user is gone and everything is where it belongs
}

// User offboards one user and waits for the end: it asks whether the user has anything to hand over, and then either
// reassigns it to the successor, with the profile deleted, or removes the user. The wait takes the same options as
// [wrapper.Task.Wait].
//
// The error, which is also the Result's, is a [*wrapper.Error] or a [*wrapper.TaskError]; one that is
// [wrapper.ErrOutcomeUnknown] leaves open whether the user is gone. A job that runs already is not joined, since its
// successor may be another one: that is [wrapper.ErrTaskRunning].
func User(ctx context.Context, c *wrapper.Client, r Request, opts ...wrapper.WaitOption) (Result, error) {
	began := time.Now()
	result := Result{Request: r}
	result.Action, result.Progress, result.Err = one(ctx, c, r, opts)
	result.Took = time.Since(began)
	return result, result.Err
}

func one(ctx context.Context, c *wrapper.Client, r Request, opts []wrapper.WaitOption) (Action, wrapper.Progress, error) {
	if err := r.check(); err != nil {
		return "", wrapper.Progress{}, err
	}
	needed, err := c.NecessaryReassign(ctx, r.From, "")
	if err != nil {
		return "", wrapper.Progress{}, err
	}
	if !needed {
		// Portals let both jobs run side by side: a removal would erase what a reassignment is about to hand over.
		if p, err := c.ReassignTask(r.From).EnsureIdle(ctx); err != nil {
			return "", p, err
		}
		p, err := c.Remove(ctx, r.From, opts...)
		return Remove, p, err
	}
	if p, err := c.RemoveTask(r.From).EnsureIdle(ctx); err != nil {
		return "", p, err
	}
	jobOpts := []wrapper.JobOption{wrapper.DeleteProfile()}
	for _, o := range opts {
		jobOpts = append(jobOpts, o)
	}
	p, err := c.Reassign(ctx, r.From, r.To, jobOpts...)
	return Reassign, p, err
}

func (r Request) check() error {
	switch {
	case r.From == uuid.Nil:
		return errors.New("offboard: the id of the user who leaves is the zero UUID")
	case r.To == uuid.Nil:
		return fmt.Errorf("offboard: user %s: the successor's id is the zero UUID", r.From)
	case r.From == r.To:
		return fmt.Errorf("offboard: user %s: the successor is the user who leaves; name somebody else", r.From)
	}
	return nil
}
