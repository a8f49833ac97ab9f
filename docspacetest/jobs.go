package docspacetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
)

// Observed: every 10 s a cleaner drops the progress of what has not reported for 60 s. The folder job says for a moment
// that it is running although it has completed; how long is this package's choice.
const (
	cleanerPeriod = 10 * time.Second
	forgetAfter   = 60 * time.Second
	folderMoment  = 50 * time.Millisecond
)

type kind int // of a job, and the index of its queue

const (
	reassign kind = iota
	remove
	folder
)

// queue holds the jobs of one kind. Nothing moves of its own accord: advance catches up with the clock whenever somebody
// looks.
type queue struct {
	kind       kind
	item       string  // the portal's name for such a job, the end of its id
	milestones []int32 // percentages that are reported, spread evenly over a job's length
	waiting    []*job  // first come, first served
	running    []*job  // no more than there are workers
	latest     map[uuid.UUID]*job
}

func newQueues() [3]*queue {
	return [3]*queue{
		{reassign, "ReassignProgressItem", []int32{5, 10, 20, 30, 50, 70, 90, 95, 100}, nil, nil, map[uuid.UUID]*job{}},
		{remove, "RemoveProgressItem", []int32{5, 10, 30, 45, 50, 60, 70, 95, 100}, nil, nil, map[uuid.UUID]*job{}},
		{folder, "DeletePersonalFolderProgressItem", []int32{10, 20, 50, 100}, nil, nil, map[uuid.UUID]*job{}},
	}
}

// job is one job, from its start until its progress is replaced by that of the user's next job of the kind.
type job struct {
	user, to      uuid.UUID // whose data it is, and who gets the rooms
	deleteProfile bool      // whether the user is gone at the end

	progress   api.TaskProgressResponseDto // as last reported
	reported   time.Time                   // when that was
	terminated bool                        // somebody asked it to stop; its progress is gone until it reports

	// from here on since it has begun
	began  time.Time
	length time.Duration
	fails  string // the error that it ends with
	rooms  int    // to move in all
	moved  int
	done   int // milestones
}

// due returns when the job's next milestone is.
func (q *queue) due(j *job) time.Time {
	return j.began.Add(j.length * time.Duration(j.done+1) / time.Duration(len(q.milestones)))
}

// advance brings the portal up to date and returns the time that it then has. What is due is done in the order of time,
// across the queues, since one job's effects can matter to another's.
func (p *Portal) advance() time.Time {
	now := time.Now()
	for {
		var (
			queue *queue
			next  *job
			due   time.Time
		)
		for _, q := range p.queues {
			for _, j := range q.running {
				if at := q.due(j); next == nil || at.Before(due) {
					queue, next, due = q, j, at
				}
			}
		}
		if next == nil || due.After(now) {
			return now
		}
		p.step(queue, next, due)
		p.dispatch(queue, due)
	}
}

// dispatch begins jobs while there is a worker for them.
func (p *Portal) dispatch(q *queue, at time.Time) {
	for len(q.waiting) > 0 && len(q.running) < p.workers {
		j := q.waiting[0]
		q.waiting = q.waiting[1:]
		j.began, j.length, j.reported = at, p.jobLength, at
		j.progress.Status = api.DistributedTaskStatusRunning
		if u := p.byID[j.user]; u != nil {
			j.rooms, j.fails = u.Rooms, u.Job.Error
			if u.Job.Length > 0 {
				j.length = u.Job.Length
			}
		}
		q.running = append(q.running, j)
	}
}

// step takes a job to its next milestone.
func (p *Portal) step(q *queue, j *job, at time.Time) {
	from, to := p.byID[j.user], p.byID[j.to]
	status, message := api.DistributedTaskStatusRunning, ""
	switch {
	case p.isCanceled(q, j, at):
		status = api.DistributedTaskStatusCanceled
	case from == nil: // a job of the other kind was faster
		status, message = api.DistributedTaskStatusFailed, fmt.Sprintf("User with id = %s not found", j.user)
	case to == nil:
		status, message = api.DistributedTaskStatusFailed, fmt.Sprintf("User with id = %s not found", j.to)
	default:
		j.progress.Percentage = q.milestones[j.done]
		j.done++
		switch {
		case j.done == len(q.milestones):
			status = api.DistributedTaskStatusCompleted
		case j.done == len(q.milestones)-1 && j.fails != "":
			status, message = api.DistributedTaskStatusFailed, j.fails
		}
		p.apply(q, j, from, to, status)
	}
	j.reported, j.terminated = at, false
	j.progress.Status, j.progress.Error = status, &message
	if status != api.DistributedTaskStatusRunning {
		j.progress.IsCompleted = true
		q.running = slices.DeleteFunc(q.running, func(other *job) bool { return other == j })
	}
}

// apply moves rooms and deletes profiles. A reassignment moves rooms bit by bit, for what it has moved stays moved when
// it is stopped; a removal does everything at the end.
func (p *Portal) apply(q *queue, j *job, from, to *User, status api.DistributedTaskStatus) {
	end := status == api.DistributedTaskStatusCompleted
	rooms := 0
	switch {
	case q.kind == folder: // files, of which there are none here
	case end:
		rooms = from.Rooms
	case q.kind == reassign:
		rooms = min(j.rooms*int(j.progress.Percentage)/100-j.moved, from.Rooms)
	}
	from.Rooms, to.Rooms, j.moved = from.Rooms-rooms, to.Rooms+rooms, j.moved+rooms
	if end && j.deleteProfile {
		p.deleteUser(from)
	}
}

// start queues a job, or joins the one of the same kind that the user has already. It answers with the progress that the
// job has at this moment; a new one has not been begun then.
func (p *Portal) start(k kind, j *job, now time.Time) *api.TaskProgressResponseDto {
	q := p.queues[k]
	if old := q.latest[j.user]; old != nil && !old.progress.IsCompleted && !p.isCanceled(q, old, now) {
		progress := old.progress
		return &progress
	}
	noError := ""
	j.progress = api.TaskProgressResponseDto{Id: fmt.Sprintf("1_%s_%s", j.user, q.item), Error: &noError}
	j.reported = now
	q.latest[j.user] = j
	q.waiting = append(q.waiting, j)
	progress := j.progress
	p.dispatch(q, now)
	return &progress
}

// terminate asks a user's job to stop and returns its last progress, or nil if nothing is queued. A job that waits is
// taken from the queue. One that runs stops at its next milestone, but a removal takes no notice.
func (p *Portal) terminate(k kind, user uuid.UUID) *api.TaskProgressResponseDto {
	q := p.queues[k]
	j := q.latest[user]
	switch {
	case j == nil, j.progress.IsCompleted, j.terminated:
		return nil
	case j.began.IsZero():
		q.waiting = slices.DeleteFunc(q.waiting, func(other *job) bool { return other == j })
		delete(q.latest, user)
	case k == reassign:
		j.terminated = true
	}
	progress := j.progress
	progress.Status, progress.IsCompleted = api.DistributedTaskStatusCanceled, true
	return &progress
}

// progress returns what the portal knows of a user's job, nil if nothing.
func (p *Portal) progress(k kind, user uuid.UUID, now time.Time) *api.TaskProgressResponseDto {
	j := p.queues[k].latest[user]
	if j == nil || j.terminated || p.isDropped(j, now) {
		return nil
	}
	progress := j.progress
	if k == folder && progress.Status == api.DistributedTaskStatusCompleted && now.Sub(j.reported) < folderMoment {
		progress.Status = api.DistributedTaskStatusRunning
	}
	return &progress
}

// isDropped tells whether the cleaner has dropped a job's progress by then: at its first tick that finds it unchanged
// for long enough. That follows from the times alone, so there is no cleaner that would have to run.
func (p *Portal) isDropped(j *job, at time.Time) bool {
	old := j.reported.Add(forgetAfter).Sub(p.booted)
	lastTick := at.Sub(p.booted).Truncate(cleanerPeriod)
	return lastTick >= old
}

// isCanceled tells whether a running job will stop at its next milestone: it was terminated, or it is a reassignment
// that the cleaner dropped while it was running.
func (p *Portal) isCanceled(q *queue, j *job, at time.Time) bool {
	return j.terminated || q.kind == reassign && !j.began.IsZero() && p.isDropped(j, at)
}
