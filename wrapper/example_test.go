package wrapper_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/wrapper"
)

var (
	leaving   = uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28")
	successor = uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9")
)

// portal answers like a portal on which every job is quick: done when its start is answered.
func portal() *httptest.Server { return portalWith(100) }

// portalWith answers to a start with that progress, and to the second look that the job is done.
func portalWith(percentage int) *httptest.Server {
	looks := 0
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running := `{"response":{"id":"1","error":"","percentage":0,"isCompleted":false,"status":1},"count":1,"status":0,"statusCode":200}`
		done := `{"response":{"id":"1","error":"","percentage":100,"isCompleted":true,"status":2},"count":1,"status":0,"statusCode":200}`
		answer := `{"count":0,"status":0,"statusCode":200}`
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/necessary"):
			answer = `{"response":true,"count":1,"status":0,"statusCode":200}`
		case strings.HasSuffix(path, "/self/delete"):
			answer = `{"response":"Sent to <b>ann@example.com</b>","count":1,"status":0,"statusCode":200}`
		case strings.HasSuffix(path, "/start") && percentage < 100:
			answer = running
		case strings.HasSuffix(path, "/start"):
			answer = done
		case strings.Contains(path, "/progress"):
			if looks++; looks > 1 {
				answer = done
			}
		}
		_, _ = io.WriteString(w, answer)
	}))
}

// connect makes a client of the portal of these examples.
func connect(server *httptest.Server) *wrapper.Client {
	client, err := wrapper.New(server.URL, wrapper.WithAuth(wrapper.APIKey("sk-0123456789abcdef")))
	if err != nil {
		panic(err)
	}
	return client
}

func Example() {
	server := portal()
	defer server.Close()

	client, err := wrapper.New(server.URL, wrapper.WithAuth(wrapper.APIKey("sk-0123456789abcdef")))
	if err != nil {
		fmt.Println(err)
		return
	}
	progress, err := client.Reassign(context.Background(), leaving, successor, wrapper.DeleteProfile())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(progress)
	// Output: 100%, completed
}

func ExampleNew() {
	_, err := wrapper.New("docspace.example.com")
	fmt.Println(err)
	// Output: docspace: base URL: has to begin with https:// or http://
}

func ExampleNewFromEnv() {
	_ = os.Setenv("DOCSPACE_URL", "https://docspace.example.com")
	_ = os.Setenv("DOCSPACE_API_KEY", "sk-0123456789abcdef")
	client, err := wrapper.NewFromEnv()
	fmt.Println(client != nil, err)
	// Output: true <nil>
}

func ExampleWithAuth() {
	_, err := wrapper.New("https://docspace.example.com", wrapper.WithAuth(wrapper.APIKey("")))
	fmt.Println(err)
	// Output: docspace: the API key is empty
}

func ExampleWithHTTPClient() {
	proxied := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	_, err := wrapper.New("https://docspace.example.com", wrapper.WithHTTPClient(proxied))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithUserAgent() {
	_, err := wrapper.New("https://docspace.example.com", wrapper.WithUserAgent("hr-sync/2.1"))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithRetry() {
	// No retry at all.
	_, err := wrapper.New("https://docspace.example.com", wrapper.WithRetry(wrapper.RetryPolicy{MaxAttempts: 1}))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithTimeout() {
	_, err := wrapper.New("https://docspace.example.com", wrapper.WithTimeout(10*time.Second))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithConcurrency() {
	_, err := wrapper.New("https://docspace.example.com", wrapper.WithConcurrency(10, 5))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithLogger() {
	server := portal()
	defer server.Close()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		},
	}))
	client, err := wrapper.New(server.URL, wrapper.WithLogger(logger))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = client.NecessaryReassign(context.Background(), leaving, "")
	// Output: level=DEBUG msg="docspace request" method=GET operation=necessaryReassign status=200 attempt=1
}

func ExampleWithPlainHTTP() {
	_, err := wrapper.New("http://docspace.lan", wrapper.WithAuth(wrapper.APIKey("sk-0123456789abcdef")))
	fmt.Println(err)
	_, err = wrapper.New("http://docspace.lan", wrapper.WithAuth(wrapper.APIKey("sk-0123456789abcdef")), wrapper.WithPlainHTTP())
	fmt.Println(err)
	// Output:
	// docspace: base URL: credentials would travel unencrypted to docspace.lan; use https, or WithPlainHTTP
	// <nil>
}

// show prints the headers that an editor sets.
func show(editor api.RequestEditorFn) {
	req, _ := http.NewRequest(http.MethodGet, "https://docspace.example.com", nil)
	if err := editor(context.Background(), req); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(req.Header)
}

func ExampleBasicAuth() {
	show(wrapper.BasicAuth("ann@example.com", "secret"))
	// Output: map[Authorization:[Basic YW5uQGV4YW1wbGUuY29tOnNlY3JldA==]]
}

func ExampleBearerToken() {
	show(wrapper.BearerToken("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"))
	// Output: map[Authorization:[Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln]]
}

func ExampleAPIKey() {
	show(wrapper.APIKey("sk-0123456789abcdef"))
	// Output: map[Authorization:[Bearer sk-0123456789abcdef]]
}

// An editor works on the raw client as well.
func ExampleAPIKey_raw() {
	_, err := api.NewClient("https://docspace.example.com", api.WithRequestEditorFn(wrapper.APIKey("sk-0123456789abcdef")))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleCookieAuth() {
	show(wrapper.CookieAuth("0123456789abcdef"))
	// Output: map[Cookie:[asc_auth_key=0123456789abcdef]]
}

func ExampleOAuth2() {
	config := clientcredentials.Config{
		ClientID: "id", ClientSecret: "secret", TokenURL: "https://docspace.example.com/oauth2/token", Scopes: []string{"read", "write"},
	}
	_, err := wrapper.New("https://docspace.example.com", wrapper.WithAuth(wrapper.OAuth2(config.TokenSource(context.Background()))))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleOpenID() {
	show(wrapper.OpenID(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"})))
	// Output: map[Authorization:[Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln]]
}

func ExampleClient_API() {
	server := portal()
	defer server.Close()
	// The generated types, with the signing, the limits, the retries and the errors of the Client.
	raw := api.ClientWithResponses{ClientInterface: connect(server).API()}
	resp, err := raw.TerminateRemoveWithResponse(context.Background(), api.TerminateRequestDto{UserId: leaving})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode())
	// Output: 200
}

func ExampleClient_NecessaryReassign() {
	server := portal()
	defer server.Close()
	needed, err := connect(server).NecessaryReassign(context.Background(), leaving, api.EmployeeTypeRoomAdmin)
	fmt.Println(needed, err)
	// Output: true <nil>
}

func ExampleClient_SendInstructionsToDelete() {
	server := portal()
	defer server.Close()
	text, err := connect(server).SendInstructionsToDelete(context.Background())
	fmt.Println(text, err)
	// Output: Sent to <b>ann@example.com</b> <nil>
}

func ExampleClient_StartReassign() {
	server := portal()
	defer server.Close()
	task, err := connect(server).StartReassign(context.Background(), leaving, successor, wrapper.DeleteProfile())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(task.User())
	// Output: aae1e103-bca5-9fa1-ba8c-42058b4abf28
}

func ExampleClient_StartRemove() {
	server := portal()
	defer server.Close()
	ctx := context.Background()
	task, err := connect(server).StartRemove(ctx, leaving)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(task.Wait(ctx))
	// Output: 100%, completed <nil>
}

func ExampleClient_StartDeletePersonalFolder() {
	server := portal()
	defer server.Close()
	ctx := context.Background()
	task, err := connect(server).StartDeletePersonalFolder(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(task.Wait(ctx))
	// Output: 100%, completed <nil>
}

func ExampleClient_ReassignTask() {
	server := portal()
	defer server.Close()
	task := connect(server).ReassignTask(leaving)
	_, err := task.Progress(context.Background())
	fmt.Println(errors.Is(err, wrapper.ErrNoTask))
	// Output: true
}

func ExampleClient_RemoveTask() {
	server := portal()
	defer server.Close()
	fmt.Println(connect(server).RemoveTask(leaving).Terminate(context.Background()))
	// Output: <nil>
}

func ExampleClient_DeletePersonalFolderTask() {
	server := portal()
	defer server.Close()
	err := connect(server).DeletePersonalFolderTask().Terminate(context.Background())
	fmt.Println(errors.Is(err, errors.ErrUnsupported))
	// Output: true
}

func ExampleClient_Reassign() {
	server := portal()
	defer server.Close()
	progress, err := connect(server).Reassign(context.Background(), leaving, successor, wrapper.DeleteProfile())
	var running *wrapper.TaskError
	switch {
	case errors.Is(err, wrapper.ErrTaskRunning) && errors.As(err, &running):
		fmt.Println("somebody else has started one:", running.Progress)
	case errors.Is(err, wrapper.ErrOutcomeUnknown):
		fmt.Println("look at the user before trying again:", err)
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println("handed over:", progress.IsCompleted)
	}
	// Output:
	// handed over: true
}

func ExampleClient_Remove() {
	server := portal()
	defer server.Close()
	fmt.Println(connect(server).Remove(context.Background(), leaving))
	// Output: 100%, completed <nil>
}

func ExampleClient_DeletePersonalFolder() {
	server := portal()
	defer server.Close()
	fmt.Println(connect(server).DeletePersonalFolder(context.Background()))
	// Output: 100%, completed <nil>
}

func ExampleTask_Progress() {
	server := portal()
	defer server.Close()
	ctx := context.Background()
	task := connect(server).RemoveTask(leaving)
	_, _ = task.Progress(ctx) // this portal knows of nothing yet
	progress, err := task.Progress(ctx)
	fmt.Println(progress.Percentage, progress.Status, err)
	// Output: 100 completed <nil>
}

func ExampleTask_Wait() {
	server := portal()
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	// A job that somebody else has started may not show yet: look for it for a minute.
	progress, err := connect(server).ReassignTask(leaving).Wait(ctx, wrapper.AbsentFor(time.Minute), wrapper.TerminateOnCancel(),
		wrapper.PollBetween(time.Millisecond, time.Second))
	fmt.Println(progress, err)
	// Output: 100%, completed <nil>
}

func ExampleTask_Watch() {
	server := portalWith(0)
	defer server.Close()
	ctx := context.Background()
	task, err := connect(server).StartRemove(ctx, leaving)
	if err != nil {
		fmt.Println(err)
		return
	}
	for progress, err := range task.Watch(ctx, wrapper.PollBetween(time.Millisecond, time.Second)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(progress)
	}
	// Output:
	// 0%, running
	// 100%, completed
}

func ExampleTask_Terminate() {
	server := portal()
	defer server.Close()
	fmt.Println(connect(server).ReassignTask(leaving).Terminate(context.Background()))
	// Output: <nil>
}

func ExampleOnProgress() {
	server := portalWith(0)
	defer server.Close()
	_, _ = connect(server).Remove(context.Background(), leaving, wrapper.PollBetween(time.Millisecond, time.Second),
		wrapper.OnProgress(func(p wrapper.Progress) { fmt.Println(p.Percentage) }))
	// Output:
	// 0
	// 100
}

func ExampleDeleteProfile() {
	server := portal()
	defer server.Close()
	fmt.Println(connect(server).Reassign(context.Background(), leaving, successor, wrapper.DeleteProfile()))
	// Output: 100%, completed <nil>
}

func ExampleTerminateOnCancel() {
	server := portal()
	defer server.Close()
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err := connect(server).RemoveTask(leaving).Wait(ctx, wrapper.TerminateOnCancel())
	fmt.Println(errors.Is(err, context.Canceled))
	// Output: true
}

func ExampleAbsentFor() {
	server := portal()
	defer server.Close()
	task := connect(server).RemoveTask(leaving)
	fmt.Println(task.Wait(context.Background(), wrapper.AbsentFor(time.Minute), wrapper.PollBetween(time.Millisecond, time.Second)))
	// Output: 100%, completed <nil>
}

func ExamplePollBetween() {
	server := portalWith(0)
	defer server.Close()
	fmt.Println(connect(server).Remove(context.Background(), leaving, wrapper.PollBetween(time.Millisecond, time.Second)))
	// Output: 100%, completed <nil>
}

func ExampleError() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"message":"Access denied"},"status":1,"statusCode":403}`)
	}))
	defer server.Close()
	_, err := connect(server).StartRemove(context.Background(), leaving)
	var failure *wrapper.Error
	if errors.As(err, &failure) && errors.Is(err, wrapper.ErrForbidden) {
		fmt.Println(failure.Operation, failure.StatusCode, failure.Message)
	}
	// Output: startRemove 403 Access denied
}

func ExampleTaskError() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"response":{"id":"1","error":"The room could not be moved","percentage":50,"isCompleted":true,"status":4}}`)
	}))
	defer server.Close()
	_, err := connect(server).ReassignTask(leaving).Wait(context.Background())
	var failure *wrapper.TaskError
	if errors.As(err, &failure) && errors.Is(err, wrapper.ErrTaskFailed) {
		fmt.Println(failure.Progress.Error)
	}
	// Output: The room could not be moved
}

func ExampleTask_Outcome() {
	client, err := wrapper.NewFromEnv()
	if err != nil {
		fmt.Println(err)
		return
	}
	task := client.ReassignTask(uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28"))
	progress, err := task.Progress(context.Background())
	if err == nil && progress.IsCompleted {
		err = task.Outcome(progress)
	}
	fmt.Println(task.Operation(), task.User(), err)
}

func ExampleTask_EnsureIdle() {
	client, err := wrapper.NewFromEnv()
	if err != nil {
		fmt.Println(err)
		return
	}
	task := client.RemoveTask(uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28"))
	if _, err := task.EnsureIdle(context.Background()); errors.Is(err, wrapper.ErrTaskRunning) {
		fmt.Println("somebody removes this user already:", err)
	}
}

func ExampleClient_CloseIdleConnections() {
	client, err := wrapper.New("https://docspace.example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdleConnections()
}
