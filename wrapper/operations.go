package wrapper

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
)

// operation is one of the contract's ten, with what the client has to know about it.
type operation struct {
	id, method, path string
	effect           effect
	rule             string // what portals demand, for the errors of a refused call
}

// effect is what sending an operation does, and with that whether it may be sent again. The names are those of
// x-retry-class in the contract; a test compares the two.
type effect string

const (
	effectRead      effect = "read"      // changes nothing
	effectStart     effect = "start"     // starts a job, or joins one
	effectTerminate effect = "terminate" // does the same however often it is sent
	effectMail      effect = "mail"      // does it once more every time
)

var operations = [...]operation{
	{"necessaryReassign", http.MethodGet, "/api/2.0/people/reassign/necessary", effectRead, "Check the user's id."},
	{"startReassign", http.MethodPost, "/api/2.0/people/reassign/start", effectStart, "The source has to be a disabled user other than the owner and yourself, the target an active RoomAdmin or DocSpaceAdmin. Only the owner may take from a DocSpaceAdmin."},
	{"getReassignProgress", http.MethodGet, "/api/2.0/people/reassign/progress/{userid}", effectRead, ""},
	{"terminateReassign", http.MethodPut, "/api/2.0/people/reassign/terminate", effectTerminate, ""},
	{"startRemove", http.MethodPost, "/api/2.0/people/remove/start", effectStart, "The user has to exist, to be disabled, and to be neither the owner nor yourself."},
	{"getRemoveProgress", http.MethodGet, "/api/2.0/people/remove/progress/{userid}", effectRead, ""},
	{"terminateRemove", http.MethodPut, "/api/2.0/people/remove/terminate", effectTerminate, ""},
	{"startDeletePersonalFolder", http.MethodPost, "/api/2.0/people/delete/personal/start", effectStart, "Only guests can empty their personal folder, each their own."},
	{"getDeletePersonalFolderProgress", http.MethodGet, "/api/2.0/people/delete/personal/progress", effectRead, ""},
	{"sendInstructionsToDelete", http.MethodPut, "/api/2.0/people/self/delete", effectMail, "Owners and LDAP accounts cannot delete themselves this way."},
}

// operationOf finds the operation that a request belongs to. A request that is none of the ten, made by hand on the raw
// client, is named by its method and never sent twice.
func operationOf(method, path string) operation {
	for i := range operations {
		op := &operations[i]
		if op.method != method {
			continue
		}
		prefix, _, parameter := strings.Cut(op.path, "{")
		if path == op.path || parameter && strings.HasPrefix(path, prefix) {
			return *op
		}
	}
	return operation{id: method}
}

// NecessaryReassign asks whether the user owns rooms or shared files that have to be handed over before the user's data
// is removed. The type is the one that the user is expected to have (documented); leave it empty not to say. Nothing is
// changed.
func (c *Client) NecessaryReassign(ctx context.Context, user uuid.UUID, as api.EmployeeType) (bool, error) {
	const op = "necessaryReassign"
	params := api.NecessaryReassignParams{UserId: &user}
	if as != "" {
		params.Type = &as
	}
	switch {
	case user == uuid.Nil:
		return false, notSent(op, user, errZeroUser)
	case as != "" && !as.Valid():
		return false, notSent(op, user, errUnknownType)
	}
	resp, err := c.api.NecessaryReassign(ctx, &params)
	return receive(op, user, resp, err, func(a *answer) (needed, ok bool) {
		return string(a.response) == "true", string(a.response) == "true" || string(a.response) == "false"
	})
}

// SendInstructionsToDelete sends the caller a mail with a link that deletes the caller's own profile, and returns what
// the portal says about it: a text that carries the address in <b> markup (observed). Every call sends one more mail,
// so it is never repeated on doubt; portals allow five in 15 minutes. Owners and LDAP accounts get [ErrForbidden].
func (c *Client) SendInstructionsToDelete(ctx context.Context) (string, error) {
	const op = "sendInstructionsToDelete"
	resp, err := c.api.SendInstructionsToDelete(ctx)
	return receive(op, uuid.Nil, resp, err, func(a *answer) (string, bool) {
		said, ok := text(a.response)
		return a.secrets.hide(said), ok
	})
}

// StartReassign starts handing the rooms and shared files of one user over to another. If a reassignment from that user
// runs already, portals start nothing and answer with the running one, even if its target is somebody else (observed):
// Reassign refuses in that case, StartReassign does not notice. The source has to be disabled, the target an active
// RoomAdmin or DocSpaceAdmin (observed); otherwise the error is [ErrBadRequest] or [ErrForbidden].
func (c *Client) StartReassign(ctx context.Context, from, to uuid.UUID, opts ...ReassignOption) (*Task, error) {
	o, err := newJobOptions(reassignment, opts)
	if err != nil {
		return nil, notSent("startReassign", from, err)
	}
	return c.startReassign(ctx, from, to, o)
}

func (c *Client) startReassign(ctx context.Context, from, to uuid.UUID, o *jobOptions) (*Task, error) {
	const op = "startReassign"
	if err := handover(from, to); err != nil {
		return nil, notSent(op, from, err)
	}
	body := api.StartReassignRequestDto{FromUserId: from, ToUserId: to}
	if o.deleteProfile {
		body.DeleteProfile = &o.deleteProfile
	}
	resp, err := c.api.StartReassign(ctx, body)
	return c.ReassignTask(from).started(op, resp, err)
}

// handover says what is wrong with handing data over from one user to another, if that can be told without asking.
func handover(from, to uuid.UUID) error {
	switch {
	case from == uuid.Nil:
		return errZeroUser
	case to == uuid.Nil:
		return errZeroTarget
	case from == to:
		return errSameUser
	}
	return nil
}

// StartRemove starts erasing a user's data and profile. The caller becomes the owner of the rooms and shared files, everything
// else is gone (observed). If a removal of that user runs already, portals answer with that one. The user has to be disabled;
// otherwise, and for a user who does not exist, the error is [ErrBadRequest], [ErrForbidden] or [ErrNotFound].
func (c *Client) StartRemove(ctx context.Context, user uuid.UUID) (*Task, error) {
	const op = "startRemove"
	if user == uuid.Nil {
		return nil, notSent(op, user, errZeroUser)
	}
	resp, err := c.api.StartRemove(ctx, api.TerminateRequestDto{UserId: user})
	return c.RemoveTask(user).started(op, resp, err)
}

// StartDeletePersonalFolder starts emptying the personal folder of the caller, who has to be a guest; otherwise the
// error is [ErrBadRequest] (documented). It cannot be stopped.
func (c *Client) StartDeletePersonalFolder(ctx context.Context) (*Task, error) {
	resp, err := c.api.StartDeletePersonalFolder(ctx)
	return c.DeletePersonalFolderTask().started("startDeletePersonalFolder", resp, err)
}

// ReassignTask attaches to the reassignment from a user, whoever started it. Nothing is sent.
func (c *Client) ReassignTask(from uuid.UUID) *Task {
	return &Task{client: c, kind: reassignment, user: from}
}

// RemoveTask attaches to the removal of a user's data, whoever started it. Nothing is sent.
func (c *Client) RemoveTask(user uuid.UUID) *Task { return &Task{client: c, kind: removal, user: user} }

// DeletePersonalFolderTask attaches to the job that empties the caller's personal folder. Nothing is sent.
func (c *Client) DeletePersonalFolderTask() *Task { return &Task{client: c, kind: folderDeletion} }

// Reassign starts a reassignment as StartReassign does, and waits for its end as [Task.Wait] does. It takes every
// [ReassignOption] and [WaitOption].
//
// A reassignment from the same user that runs already is not joined, because its target may be another one: the error is
// [ErrTaskRunning], with its progress. That takes a look before the start, which cannot show everything: a job that
// somebody else starts in the moment between, and one that has waited its turn for so long that the portal hides its
// progress (observed), are joined without notice.
//
// If the start brings no answer, the progress is looked at before it is sent again; where that does not help, the error
// is [ErrOutcomeUnknown].
func (c *Client) Reassign(ctx context.Context, from, to uuid.UUID, opts ...JobOption) (Progress, error) {
	o, err := newJobOptions(reassignment, opts)
	if err == nil {
		err = handover(from, to)
	}
	if err != nil {
		return Progress{}, notSent("startReassign", from, err)
	}
	return c.ReassignTask(from).run(ctx, o, func() (*Task, error) { return c.startReassign(ctx, from, to, o) })
}

// Remove starts a removal as StartRemove does, and waits for its end as [Task.Wait] does. A removal of the same user
// that runs already is not joined; see Reassign for that and for a start without an answer.
func (c *Client) Remove(ctx context.Context, user uuid.UUID, opts ...WaitOption) (Progress, error) {
	o, err := newJobOptions(removal, opts)
	if err != nil {
		return Progress{}, notSent("startRemove", user, err)
	}
	return c.RemoveTask(user).run(ctx, o, func() (*Task, error) { return c.StartRemove(ctx, user) })
}

// DeletePersonalFolder empties the caller's personal folder as StartDeletePersonalFolder does, and waits for the end as
// [Task.Wait] does. A job that runs already is not joined; see Reassign for that and for a start without an answer.
func (c *Client) DeletePersonalFolder(ctx context.Context, opts ...WaitOption) (Progress, error) {
	o, err := newJobOptions(folderDeletion, opts)
	if err != nil {
		return Progress{}, notSent("startDeletePersonalFolder", uuid.Nil, err)
	}
	return c.DeletePersonalFolderTask().run(ctx, o, func() (*Task, error) { return c.StartDeletePersonalFolder(ctx) })
}

// receive takes what the raw client returned, and reads what stands under response.
func receive[T any](op string, user uuid.UUID, resp *http.Response, err error, read func(*answer) (T, bool)) (value T, _ error) {
	if err != nil {
		return value, about(op, user, err)
	}
	body := resp.Body.(*answer) // made by exchange.Do, which every client has
	err = errNoResponse
	if len(body.response) > 0 {
		value, ok := read(body)
		if ok {
			return value, nil
		}
		err = errOtherKind
	}
	e := unexpected(resp, body.raw, err)
	e.Attempts = body.attempts
	e.hide(body.secrets)
	return value, about(op, user, e)
}
