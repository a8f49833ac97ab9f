package wrapper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
)

const canary = "sk-CANARY" // the credential of all scripted clients; must show nowhere

var (
	leaving   = uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28")
	successor = uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9")
)

// kinds are all the values that tell failed requests apart.
var kinds = []error{
	ErrBadRequest, ErrUnauthorized, ErrPaymentRequired, ErrForbidden, ErrNotFound, ErrRateLimited, ErrServer,
	ErrUnexpectedResponse,
}

// call is one of the ten operations, as a caller reaches it.
type call struct {
	id, method, path string
	class            effect
	success          string // the file with its usual answer
	typed            func(context.Context, *Client) error
	raw              func(context.Context, *api.Client) (*http.Response, error)
}

// calls are all ten. That they agree with the contract is tested in operations_test.go.
var calls = []call{
	{"necessaryReassign", http.MethodGet, "/api/2.0/people/reassign/necessary", effectRead, "boolean-true.json",
		func(ctx context.Context, c *Client) error {
			_, err := c.NecessaryReassign(ctx, leaving, api.EmployeeTypeRoomAdmin)
			return err
		},
		func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.NecessaryReassign(ctx, &api.NecessaryReassignParams{UserId: &leaving})
		}},
	{"startReassign", http.MethodPost, "/api/2.0/people/reassign/start", effectStart, "progress-created.json",
		func(ctx context.Context, c *Client) error {
			_, err := c.StartReassign(ctx, leaving, successor, DeleteProfile())
			return err
		},
		func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.StartReassign(ctx, api.StartReassignRequestDto{FromUserId: leaving, ToUserId: successor})
		}},
	{"getReassignProgress", http.MethodGet, "/api/2.0/people/reassign/progress/" + leaving.String(), effectRead, "progress-running.json",
		func(ctx context.Context, c *Client) error {
			_, err := c.ReassignTask(leaving).Progress(ctx)
			return err
		},
		func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.GetReassignProgress(ctx, leaving)
		}},
	{"terminateReassign", http.MethodPut, "/api/2.0/people/reassign/terminate", effectTerminate, "progress-canceled.json",
		func(ctx context.Context, c *Client) error { return c.ReassignTask(leaving).Terminate(ctx) },
		func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.TerminateReassign(ctx, api.TerminateRequestDto{UserId: leaving})
		}},
	{"startRemove", http.MethodPost, "/api/2.0/people/remove/start", effectStart, "progress-created.json",
		func(ctx context.Context, c *Client) error {
			_, err := c.StartRemove(ctx, leaving)
			return err
		},
		func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.StartRemove(ctx, api.TerminateRequestDto{UserId: leaving})
		}},
	{"getRemoveProgress", http.MethodGet, "/api/2.0/people/remove/progress/" + leaving.String(), effectRead, "progress-running.json",
		func(ctx context.Context, c *Client) error {
			_, err := c.RemoveTask(leaving).Progress(ctx)
			return err
		},
		func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.GetRemoveProgress(ctx, leaving)
		}},
	{"terminateRemove", http.MethodPut, "/api/2.0/people/remove/terminate", effectTerminate, "nothing-queued.json",
		func(ctx context.Context, c *Client) error { return c.RemoveTask(leaving).Terminate(ctx) },
		func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.TerminateRemove(ctx, api.TerminateRequestDto{UserId: leaving})
		}},
	{"startDeletePersonalFolder", http.MethodPost, "/api/2.0/people/delete/personal/start", effectStart, "progress-created.json",
		func(ctx context.Context, c *Client) error {
			_, err := c.StartDeletePersonalFolder(ctx)
			return err
		},
		func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.StartDeletePersonalFolder(ctx)
		}},
	{"getDeletePersonalFolderProgress", http.MethodGet, "/api/2.0/people/delete/personal/progress", effectRead, "progress-running.json",
		func(ctx context.Context, c *Client) error {
			_, err := c.DeletePersonalFolderTask().Progress(ctx)
			return err
		},
		func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.GetDeletePersonalFolderProgress(ctx)
		}},
	{"sendInstructionsToDelete", http.MethodPut, "/api/2.0/people/self/delete", effectMail, "string.json",
		func(ctx context.Context, c *Client) error {
			_, err := c.SendInstructionsToDelete(ctx)
			return err
		},
		func(ctx context.Context, c *api.Client) (*http.Response, error) {
			return c.SendInstructionsToDelete(ctx)
		}},
}

func callOf(t *testing.T, id string) call {
	t.Helper()
	for _, c := range calls {
		if c.id == id {
			return c
		}
	}
	require.Fail(t, "no such operation", id)
	return call{}
}

// reply answers one request.
type reply func(*http.Request) (*http.Response, error)

// sent is what a script has seen of a request.
type sent struct {
	id     string
	req    *http.Request
	body   string
	at     time.Duration // since the script began
	number int           // of its operation, from 1
}

// script is a portal that answers as it is told, in memory.
type script struct {
	t       *testing.T
	began   time.Time
	mu      sync.Mutex
	replies map[string][]reply
	log     []sent
	count   map[string]int
}

func newScript(t *testing.T) *script {
	return &script{t: t, began: time.Now(), replies: map[string][]reply{}, count: map[string]int{}}
}

// on tells what to answer to an operation, one reply after the other; the last one stays.
func (s *script) on(id string, replies ...reply) *script {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[id] = replies
	return s
}

// onAll tells what to answer to all ten.
func (s *script) onAll(replies ...reply) *script {
	for _, c := range calls {
		s.on(c.id, replies...)
	}
	return s
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	seen(req, body)
	id := ""
	for _, c := range calls {
		if c.method == req.Method && strings.HasSuffix(req.URL.Path, c.path) {
			id = c.id
		}
	}
	s.mu.Lock()
	s.count[id]++
	number := s.count[id]
	s.log = append(s.log, sent{id, req, string(body), time.Since(s.began), number})
	replies := s.replies[id]
	s.mu.Unlock()
	if len(replies) == 0 {
		s.t.Errorf("nothing is scripted for %s %s", req.Method, req.URL)
		return nil, errors.New("not scripted")
	}
	resp, err := replies[min(number, len(replies))-1](req)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// sent returns the requests seen so far, of one operation or, for "", of all.
func (s *script) sent(id string) []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []sent
	for _, one := range s.log {
		if id == "" || one.id == id {
			found = append(found, one)
		}
	}
	return found
}

// times returns when requests were seen.
func (s *script) times(id string) []time.Duration {
	var at []time.Duration
	for _, one := range s.sent(id) {
		at = append(at, one.at)
	}
	return at
}

// order returns the operations as they were asked.
func (s *script) order() []string {
	var ids []string
	for _, one := range s.sent("") {
		ids = append(ids, one.id)
	}
	return ids
}

// client makes a client of the script.
func (s *script) client(opts ...Option) *Client {
	s.t.Helper()
	c, err := New("https://portal.test", append([]Option{WithAuth(APIKey(canary)), WithHTTPClient(&http.Client{Transport: s})}, opts...)...)
	require.NoError(s.t, err)
	return c
}

// answers is a reply with the status, the body and the headers, given as name, value, name, value.
func answers(status int, body string, header ...string) reply {
	return func(*http.Request) (*http.Response, error) {
		resp := &http.Response{
			StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}
		if strings.HasPrefix(body, "{") {
			resp.Header.Set("Content-Type", "application/json; charset=utf-8")
		}
		for i := 0; i+1 < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

// file is a reply with a body from testdata/answers.
func file(t *testing.T, status int, name string, header ...string) reply {
	t.Helper()
	return answers(status, fileText(t, name), header...)
}

func fileText(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "answers", name))
	require.NoError(t, err)
	return string(data)
}

// fails is a reply that never comes.
func fails(err error) reply {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// slow is a reply that takes its time.
func slow(d time.Duration, then reply) reply {
	return func(req *http.Request) (*http.Response, error) {
		if err := sleep(req.Context(), d); err != nil {
			return nil, err
		}
		return then(req)
	}
}

// breaksOff is an answer whose body ends in an error.
func breaksOff(status int, body string, err error) reply {
	return func(req *http.Request) (*http.Response, error) {
		resp, _ := answers(status, body)(req)
		resp.ContentLength = -1
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), readerOf(func([]byte) (int, error) { return 0, err })))
		return resp, nil
	}
}

type readerOf func([]byte) (int, error)

func (f readerOf) Read(p []byte) (int, error) { return f(p) }

var (
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
)

// at is a running job's progress.
func at(percentage int) reply { return progress(percentage, false, 1, "") }

// progress is an answer with a job's progress.
func progress(percentage int, completed bool, status int, problem string) reply {
	return answers(200, fmt.Sprintf(
		`{"response":{"id":"1_x_ReassignProgressItem","error":%q,"percentage":%d,"isCompleted":%t,"status":%d},"count":1,"links":[],"status":0,"statusCode":200}`,
		problem, percentage, completed, status))
}

var (
	done     = progress(100, true, 2, "")
	canceled = progress(30, true, 3, "")
	failed   = progress(50, true, 4, "The room could not be moved")
	nothing  = answers(200, `{"count":0,"links":[],"status":0,"statusCode":200}`)
)

// requestError asserts that an error is a *Error of exactly one kind, or of none for nil.
func requestError(t *testing.T, err error, kind error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	for _, other := range kinds {
		assert.Equal(t, kind == other, errors.Is(err, other), "%v is %v", err, other)
	}
	return e
}

// taskError asserts that an error is a *TaskError with the reason.
func taskError(t *testing.T, err error, reason error) *TaskError {
	t.Helper()
	var e *TaskError
	require.ErrorAs(t, err, &e)
	assert.ErrorIs(t, err, reason)
	for _, other := range []error{ErrTaskFailed, ErrTaskCanceled, ErrNoTask, ErrTaskLost, ErrTaskRunning} {
		assert.Equal(t, reason == other, errors.Is(err, other), "%v is %v", err, other)
	}
	return e
}

// presentable asserts that an error's text, in every form, is short, one line, and shows nothing it must not.
func presentable(t *testing.T, err error) {
	t.Helper()
	for _, format := range []string{"%v", "%+v", "%s", "%q"} {
		text := fmt.Sprintf(format, err)
		assert.NotContains(t, text, "STACKTRACE", format)
		assert.NotContains(t, text, canary, format)
		assert.NotContains(t, text, "\n", format)
		assert.Less(t, len(text), 2000, format)
	}
	var e *Error
	if errors.As(err, &e) {
		assert.NotContains(t, fmt.Sprintf("%#v", e), "STACKTRACE")
		assert.NotContains(t, fmt.Sprintf("%#v", e), canary)
	}
}

// noLeaks fails the test if it leaves goroutines behind. For tests with sockets; synctest looks after the others.
func noLeaks(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for began := time.Now(); time.Since(began) < 2*time.Second; runtime.Gosched() {
			if runtime.NumGoroutine() <= before { // the transport's goroutines end on their own time
				return
			}
		}
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
	})
}
