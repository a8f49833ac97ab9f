package docspacetest

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest/internal/portal"
)

// service implements the contract's ten operations. The portal is locked and up to date when they run.
type service struct{ *Portal }

var _ portal.StrictServerInterface = service{}

func (s service) NecessaryReassign(ctx context.Context, r portal.NecessaryReassignRequestObject) (portal.NecessaryReassignResponseObject, error) {
	if r.Params.Type != nil && !isEmployeeType(string(*r.Params.Type)) {
		return nil, problem{"Type": {"The value '" + string(*r.Params.Type) + "' is not valid for Type."}}
	}
	needed := false
	if r.Params.UserId != nil {
		user := s.byID[*r.Params.UserId]
		if user == nil {
			return nil, badArgument("User with id = %s not found", *r.Params.UserId)
		}
		needed = user.Rooms > 0
	}
	c, one, ok, status := callOf(ctx), int32(1), int32(0), int32(http.StatusOK)
	return portal.NecessaryReassign200JSONResponse{
		Response: &needed, Count: &one, Links: c.links(), Status: &ok, StatusCode: &status,
	}, nil
}

func (s service) StartReassign(ctx context.Context, r portal.StartReassignRequestObject) (portal.StartReassignResponseObject, error) {
	c := callOf(ctx)
	from, to := s.byID[r.Body.FromUserId], s.byID[r.Body.ToUserId]
	switch { // system accounts are no users at all here
	case from == nil:
		return nil, badArgument("User with id = %s not found", r.Body.FromUserId)
	case to == nil:
		return nil, badArgument("User with id = %s not found", r.Body.ToUserId)
	case !s.canGo(from, c.caller):
		return nil, badArgument("Can not reassign data from user with id = %s", from.ID)
	case to.Status != Active, to.Type != api.EmployeeTypeRoomAdmin && to.Type != api.EmployeeTypeDocSpaceAdmin:
		return nil, badArgument("Can not reassign data to user with id = %s", to.ID)
	case from.Type == api.EmployeeTypeDocSpaceAdmin && c.caller.ID != s.owner:
		return nil, errAccessDenied
	}
	j := &job{user: from.ID, to: to.ID, deleteProfile: r.Body.DeleteProfile != nil && *r.Body.DeleteProfile}
	return portal.StartReassign200JSONResponse(c.task(s.start(reassign, j, c.now))), nil
}

func (s service) GetReassignProgress(ctx context.Context, r portal.GetReassignProgressRequestObject) (portal.GetReassignProgressResponseObject, error) {
	c := callOf(ctx)
	return portal.GetReassignProgress200JSONResponse(c.task(s.progress(reassign, r.Userid, c.now))), nil
}

func (s service) TerminateReassign(ctx context.Context, r portal.TerminateReassignRequestObject) (portal.TerminateReassignResponseObject, error) {
	return portal.TerminateReassign200JSONResponse(callOf(ctx).task(s.terminate(reassign, r.Body.UserId))), nil
}

func (s service) StartRemove(ctx context.Context, r portal.StartRemoveRequestObject) (portal.StartRemoveResponseObject, error) {
	c := callOf(ctx)
	user := s.byID[r.Body.UserId]
	switch {
	case user == nil: // documented as 404, observed as 400
		return nil, badArgument("User with id = %s not found", r.Body.UserId)
	case !s.canGo(user, c.caller):
		return nil, badArgument("Can not delete user with id = %s", user.ID)
	case user.Type == api.EmployeeTypeDocSpaceAdmin && c.caller.ID != s.owner: // 403 is documented; that this is why, is a guess
		return nil, errAccessDenied
	}
	j := &job{user: user.ID, to: c.caller.ID, deleteProfile: true}
	return portal.StartRemove200JSONResponse(c.task(s.start(remove, j, c.now))), nil
}

func (s service) GetRemoveProgress(ctx context.Context, r portal.GetRemoveProgressRequestObject) (portal.GetRemoveProgressResponseObject, error) {
	c := callOf(ctx)
	return portal.GetRemoveProgress200JSONResponse(c.task(s.progress(remove, r.Userid, c.now))), nil
}

func (s service) TerminateRemove(ctx context.Context, r portal.TerminateRemoveRequestObject) (portal.TerminateRemoveResponseObject, error) {
	s.terminate(remove, r.Body.UserId)
	return emptyWrapper(callOf(ctx).task(nil)), nil
}

// emptyWrapper is what is observed in answer to terminateRemove, for which the contract documents no body.
type emptyWrapper api.TaskProgressResponseWrapper

func (e emptyWrapper) VisitTerminateRemoveResponse(w http.ResponseWriter) error {
	return portal.TerminateReassign200JSONResponse(e).VisitTerminateReassignResponse(w)
}

func (s service) StartDeletePersonalFolder(ctx context.Context, _ portal.StartDeletePersonalFolderRequestObject) (portal.StartDeletePersonalFolderResponseObject, error) {
	c := callOf(ctx)
	if c.caller.Type != api.EmployeeTypeGuest {
		return nil, badArgument("Access denied")
	}
	j := &job{user: c.caller.ID, to: c.caller.ID}
	return portal.StartDeletePersonalFolder200JSONResponse(c.task(s.start(folder, j, c.now))), nil
}

func (s service) GetDeletePersonalFolderProgress(ctx context.Context, _ portal.GetDeletePersonalFolderProgressRequestObject) (portal.GetDeletePersonalFolderProgressResponseObject, error) {
	c := callOf(ctx)
	return portal.GetDeletePersonalFolderProgress200JSONResponse(c.task(s.progress(folder, c.caller.ID, c.now))), nil
}

func (s service) SendInstructionsToDelete(ctx context.Context, _ portal.SendInstructionsToDeleteRequestObject) (portal.SendInstructionsToDeleteResponseObject, error) {
	c := callOf(ctx)
	if c.caller.ID == s.owner || c.caller.LDAP {
		return nil, errAccessDenied
	}
	s.mails = append(s.mails, c.caller.Email)
	text := "The instructions were sent to <b>" + c.caller.Email + "</b>"
	one, ok, status := int32(1), int32(0), int32(http.StatusOK)
	return portal.SendInstructionsToDelete200JSONResponse{
		Response: &text, Count: &one, Links: c.links(), Status: &ok, StatusCode: &status,
	}, nil
}

// canGo tells whether a user's data can be taken away: only a disabled user's, never the owner's nor the caller's own.
func (s service) canGo(user, caller *User) bool {
	return user.Status == Terminated && user.ID != s.owner && user != caller
}

func isEmployeeType(text string) bool {
	for n, name := range []string{"All", "RoomAdmin", "Guest", "DocSpaceAdmin", "User"} {
		if text == strconv.Itoa(n) || strings.EqualFold(text, name) {
			return true
		}
	}
	return false
}

// task wraps the progress of a job; nil means that nothing is queued.
func (c *call) task(progress *api.TaskProgressResponseDto) api.TaskProgressResponseWrapper {
	count, ok, status := int32(0), int32(0), int32(http.StatusOK)
	if progress != nil {
		count = 1
	}
	return api.TaskProgressResponseWrapper{
		Response: progress, Count: &count, Links: c.links(), Status: &ok, StatusCode: &status,
	}
}

func (c *call) links() []api.WrapperLink {
	return []api.WrapperLink{{Href: &c.url, Action: &c.record.Method}}
}
