package mock

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/wrapper"
)

var (
	user      = uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28")
	successor = uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9")
)

// unseen is what a call returns that shows nothing of the answer.
const unseen = "unseen"

type (
	ctx    = context.Context
	client = *wrapper.Client
)

// calls has for each operation how the wrapper sends it, with all that can be sent. A call returns what the answer had
// under response, as the wrapper decodes it, or nil if it had nothing there.
var calls = map[string]func(ctx, client) (any, error){
	"necessaryReassign": func(x ctx, c client) (any, error) { return c.NecessaryReassign(x, user, api.EmployeeTypeRoomAdmin) },
	"startReassign": func(x ctx, c client) (any, error) {
		return started(c.StartReassign(x, user, successor, wrapper.DeleteProfile()))
	},
	"getReassignProgress":             func(x ctx, c client) (any, error) { return look(x, c.ReassignTask(user)) },
	"terminateReassign":               func(x ctx, c client) (any, error) { return unseen, c.ReassignTask(user).Terminate(x) },
	"startRemove":                     func(x ctx, c client) (any, error) { return started(c.StartRemove(x, user)) },
	"getRemoveProgress":               func(x ctx, c client) (any, error) { return look(x, c.RemoveTask(user)) },
	"terminateRemove":                 func(x ctx, c client) (any, error) { return unseen, c.RemoveTask(user).Terminate(x) },
	"startDeletePersonalFolder":       func(x ctx, c client) (any, error) { return started(c.StartDeletePersonalFolder(x)) },
	"getDeletePersonalFolderProgress": func(x ctx, c client) (any, error) { return look(x, c.DeletePersonalFolderTask()) },
	"sendInstructionsToDelete":        func(x ctx, c client) (any, error) { return c.SendInstructionsToDelete(x) },
}

// started returns the progress that a start was answered with: a wait that is over before it begins knows no other.
func started(task *wrapper.Task, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	progress, _ := task.Wait(over)
	return progress, nil
}

func look(x ctx, task *wrapper.Task) (any, error) {
	progress, err := task.Progress(x)
	switch {
	case errors.Is(err, wrapper.ErrNoTask):
		return nil, nil
	case err != nil:
		return nil, err
	}
	outcome := task.Outcome(progress)
	if errors.Is(outcome, wrapper.ErrTaskFailed) != (progress.Status == api.DistributedTaskStatusFailed) {
		return nil, fmt.Errorf("the outcome of %q is %v", progress, outcome)
	}
	return progress, nil
}

// credential is what a security scheme asks for.
type credential struct {
	sign    api.RequestEditorFn
	header  string // how it travels
	refused []string
}

// credentials has one for each security scheme, and those that Prism can tell from it. It takes any Authorization for an
// API key, and any token for any other.
var credentials = map[string]credential{
	"Basic": {wrapper.BasicAuth("ann@example.com", "secret"), "Authorization: Basic YW5uQGV4YW1wbGUuY29tOnNlY3JldA==",
		[]string{"OAuth2", "ApiKeyBearer", "asc_auth_key", "Bearer", "OpenId"}},
	"OAuth2":       {wrapper.OAuth2(source("oauth2")), "Authorization: Bearer oauth2", []string{"Basic", "asc_auth_key"}},
	"ApiKeyBearer": {wrapper.APIKey("sk-key"), "Authorization: Bearer sk-key", []string{"asc_auth_key"}},
	"asc_auth_key": {wrapper.CookieAuth("session"), "Cookie: asc_auth_key=session",
		[]string{"Basic", "OAuth2", "ApiKeyBearer", "Bearer", "OpenId"}},
	"Bearer": {wrapper.BearerToken("jwt"), "Authorization: Bearer jwt", []string{"Basic", "asc_auth_key"}},
	"OpenId": {wrapper.OpenID(source("openid")), "Authorization: Bearer openid", []string{"Basic", "asc_auth_key"}},
}

func source(token string) oauth2.TokenSource {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
}
