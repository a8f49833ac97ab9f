package main

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/wrapper"
)

var (
	leaving   = uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28")
	successor = uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9")
)

// class is what sending an operation twice comes to. It is written down here once more, so as not to ask the code.
type class string

const (
	read      class = "read"
	start     class = "start"
	terminate class = "terminate"
	mail      class = "mail"
)

// What an operation looks for in an answer, as the letters of facts.fits.
const (
	wantsBool     = "b"
	wantsProgress = "p" // a look
	wantsStart    = "P"
	wantsNothing  = "t"
	wantsText     = "s"
)

// operation is one of the ten, as a caller reaches it.
type operation struct {
	id, method string
	class      class
	wants      string
	good       string // a portal's usual answer
	value      string // what the caller gets for that
	look       string // the operation that looks at the job
	call       func(context.Context, *wrapper.Client) (any, error)
	wait       func(context.Context, *wrapper.Client, ...wrapper.WaitOption) (any, error) // a job watched to its end
	raw        func(context.Context, *api.Client) (*http.Response, error)
}

const (
	created  = `{"response":{"id":"1_x_Item","error":"","percentage":0,"isCompleted":false,"status":0},"count":1,"links":[],"status":0,"statusCode":200}`
	running  = `{"response":{"id":"1_x_Item","error":"","percentage":30,"isCompleted":false,"status":1},"count":1,"links":[],"status":0,"statusCode":200}`
	done     = `{"response":{"id":"1_x_Item","error":"","percentage":100,"isCompleted":true,"status":2},"count":1,"links":[],"status":0,"statusCode":200}`
	canceled = `{"response":{"id":"1_x_Item","error":"","percentage":30,"isCompleted":true,"status":3},"count":1,"links":[],"status":0,"statusCode":200}`
	nothing  = `{"count":0,"links":[],"status":0,"statusCode":200}`
	needed   = `{"response":true,"count":1,"links":[],"status":0,"statusCode":200}`
	sent     = `{"response":"The instructions are on their way","count":1,"links":[],"status":0,"statusCode":200}`
)

var operations = []operation{
	{id: "necessaryReassign", method: "GET", class: read, wants: wantsBool, good: needed, value: "true",
		call: func(ctx context.Context, c *wrapper.Client) (any, error) {
			return c.NecessaryReassign(ctx, leaving, api.EmployeeTypeRoomAdmin)
		},
		raw: func(ctx context.Context, c *api.Client) (*http.Response, error) { return c.NecessaryReassign(ctx, nil) }},
	{id: "startReassign", method: "POST", class: start, wants: wantsStart, good: created, look: "getReassignProgress",
		call: func(ctx context.Context, c *wrapper.Client) (any, error) {
			return c.StartReassign(ctx, leaving, successor, wrapper.DeleteProfile())
		},
		wait: func(ctx context.Context, c *wrapper.Client, o ...wrapper.WaitOption) (any, error) {
			opts := []wrapper.JobOption{wrapper.DeleteProfile()}
			for _, option := range o {
				opts = append(opts, option)
			}
			return c.Reassign(ctx, leaving, successor, opts...)
		},
		raw: func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.StartReassign(ctx, api.StartReassignRequestDto{FromUserId: leaving, ToUserId: successor})
		}},
	{id: "getReassignProgress", method: "GET", class: read, wants: wantsProgress, good: running, value: "30%, running", look: "getReassignProgress",
		call: func(ctx context.Context, c *wrapper.Client) (any, error) {
			return c.ReassignTask(leaving).Progress(ctx)
		},
		wait: func(ctx context.Context, c *wrapper.Client, o ...wrapper.WaitOption) (any, error) {
			return c.ReassignTask(leaving).Wait(ctx, o...)
		},
		raw: func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.GetReassignProgress(ctx, leaving)
		}},
	{id: "terminateReassign", method: "PUT", class: terminate, wants: wantsNothing, good: canceled,
		call: func(ctx context.Context, c *wrapper.Client) (any, error) {
			return nil, c.ReassignTask(leaving).Terminate(ctx)
		},
		raw: func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.TerminateReassign(ctx, api.TerminateRequestDto{UserId: leaving})
		}},
	{id: "startRemove", method: "POST", class: start, wants: wantsStart, good: created, look: "getRemoveProgress",
		call: func(ctx context.Context, c *wrapper.Client) (any, error) { return c.StartRemove(ctx, leaving) },
		wait: func(ctx context.Context, c *wrapper.Client, o ...wrapper.WaitOption) (any, error) {
			return c.Remove(ctx, leaving, o...)
		},
		raw: func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.StartRemove(ctx, api.TerminateRequestDto{UserId: leaving})
		}},
	{id: "getRemoveProgress", method: "GET", class: read, wants: wantsProgress, good: running, value: "30%, running", look: "getRemoveProgress",
		call: func(ctx context.Context, c *wrapper.Client) (any, error) { return c.RemoveTask(leaving).Progress(ctx) },
		wait: func(ctx context.Context, c *wrapper.Client, o ...wrapper.WaitOption) (any, error) {
			return c.RemoveTask(leaving).Wait(ctx, o...)
		},
		raw: func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.GetRemoveProgress(ctx, leaving)
		}},
	{id: "terminateRemove", method: "PUT", class: terminate, wants: wantsNothing, good: nothing,
		call: func(ctx context.Context, c *wrapper.Client) (any, error) {
			return nil, c.RemoveTask(leaving).Terminate(ctx)
		},
		raw: func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.TerminateRemove(ctx, api.TerminateRequestDto{UserId: leaving})
		}},
	{id: "startDeletePersonalFolder", method: "POST", class: start, wants: wantsStart, good: created, look: "getDeletePersonalFolderProgress",
		call: func(ctx context.Context, c *wrapper.Client) (any, error) { return c.StartDeletePersonalFolder(ctx) },
		wait: func(ctx context.Context, c *wrapper.Client, o ...wrapper.WaitOption) (any, error) {
			return c.DeletePersonalFolder(ctx, o...)
		},
		raw: func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.StartDeletePersonalFolder(ctx)
		}},
	{id: "getDeletePersonalFolderProgress", method: "GET", class: read, wants: wantsProgress, good: running, value: "30%, running",
		look: "getDeletePersonalFolderProgress",
		call: func(ctx context.Context, c *wrapper.Client) (any, error) {
			return c.DeletePersonalFolderTask().Progress(ctx)
		},
		wait: func(ctx context.Context, c *wrapper.Client, o ...wrapper.WaitOption) (any, error) {
			return c.DeletePersonalFolderTask().Wait(ctx, o...)
		},
		raw: func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.GetDeletePersonalFolderProgress(ctx)
		}},
	{id: "sendInstructionsToDelete", method: "PUT", class: mail, wants: wantsText, good: sent, value: "The instructions are on their way",
		call: func(ctx context.Context, c *wrapper.Client) (any, error) { return c.SendInstructionsToDelete(ctx) },
		raw: func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.SendInstructionsToDelete(ctx)
		}},
}

// credential is one of the six schemes, each with secrets that are its own.
type credential struct {
	scheme  string
	editor  func() api.RequestEditorFn
	secrets []string
}

const (
	account  = "ann.canary@example.com"
	password = "Pw9&<xQz7+%/5uüVw3s-CANARY-basic"
)

func static(token string) oauth2.TokenSource {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
}

var credentials = []credential{
	{"ApiKeyBearer", func() api.RequestEditorFn { return wrapper.APIKey("sk-Zk4mLq8vN2-CANARY-apikey-Xw7pRt3y") },
		[]string{"sk-Zk4mLq8vN2-CANARY-apikey-Xw7pRt3y"}},
	{"Bearer", func() api.RequestEditorFn {
		return wrapper.BearerToken("eyJhQ0FOQVJZ.eyJzdWIiOiJqd3QifQ.Hs5kD9-CANARY-jwt")
	},
		[]string{"eyJhQ0FOQVJZ.eyJzdWIiOiJqd3QifQ.Hs5kD9-CANARY-jwt"}},
	{"Basic", func() api.RequestEditorFn { return wrapper.BasicAuth(account, password) },
		[]string{password, base64.StdEncoding.EncodeToString([]byte(account + ":" + password))}},
	{"asc_auth_key", func() api.RequestEditorFn { return wrapper.CookieAuth("Ck6jHf1bGd-CANARY-cookie/Lm0nBv+9=") },
		[]string{"Ck6jHf1bGd-CANARY-cookie/Lm0nBv+9="}},
	{"OAuth2", func() api.RequestEditorFn { return wrapper.OAuth2(static("Oa2wSe4dRf-CANARY-oauth2-Tg6yHu8j")) },
		[]string{"Oa2wSe4dRf-CANARY-oauth2-Tg6yHu8j"}},
	{"OpenId", func() api.RequestEditorFn { return wrapper.OpenID(static("Oi1qAz2wSx-CANARY-openid-Ed3cRf4v")) },
		[]string{"Oi1qAz2wSx-CANARY-openid-Ed3cRf4v"}},
}

// signedWith is what a hostile server knows of a request's credential, to be repeated wherever it likes.
func signedWith(req *http.Request) string {
	said := req.Header.Get("Authorization")
	if c, err := req.Cookie("asc_auth_key"); err == nil {
		said += c.Value
	}
	if blob, ok := strings.CutPrefix(said, "Basic "); ok {
		plain, _ := base64.StdEncoding.DecodeString(blob)
		_, word, _ := strings.Cut(string(plain), ":")
		said += " " + word
	}
	return said
}
