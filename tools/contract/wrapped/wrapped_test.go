// Package wrapped compares the wrapper with the contract: which method reaches which operation, how often it is sent, and
// what becomes of every answer that the contract has for it. Operations, statuses, bodies and classes are the contract's;
// only how to call each is written down here.
package wrapped

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"golang.org/x/tools/go/packages"

	"github.com/docspace-go/userdata"
	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/tools/contract"
	"github.com/docspace-go/userdata/tools/contract/traffic"
	"github.com/docspace-go/userdata/wrapper"
)

var (
	leaving   = uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28")
	successor = uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9")
)

// call reaches one operation. It returns what the answer was decoded to, if anything.
type call struct {
	method string // of wrapper
	do     func(context.Context, *wrapper.Client) (any, error)
}

var calls = map[string]call{
	"necessaryReassign": {"Client.NecessaryReassign", func(ctx context.Context, c *wrapper.Client) (any, error) {
		return c.NecessaryReassign(ctx, leaving, api.EmployeeTypeRoomAdmin)
	}},
	"startReassign": {"Client.StartReassign", func(ctx context.Context, c *wrapper.Client) (any, error) {
		_, err := c.StartReassign(ctx, leaving, successor, wrapper.DeleteProfile())
		return nil, err
	}},
	"getReassignProgress": {"Task.Progress", func(ctx context.Context, c *wrapper.Client) (any, error) {
		return c.ReassignTask(leaving).Progress(ctx)
	}},
	"terminateReassign": {"Task.Terminate", func(ctx context.Context, c *wrapper.Client) (any, error) {
		return nil, c.ReassignTask(leaving).Terminate(ctx)
	}},
	"startRemove": {"Client.StartRemove", func(ctx context.Context, c *wrapper.Client) (any, error) {
		_, err := c.StartRemove(ctx, leaving)
		return nil, err
	}},
	"getRemoveProgress": {"Task.Progress", func(ctx context.Context, c *wrapper.Client) (any, error) {
		return c.RemoveTask(leaving).Progress(ctx)
	}},
	"terminateRemove": {"Task.Terminate", func(ctx context.Context, c *wrapper.Client) (any, error) {
		return nil, c.RemoveTask(leaving).Terminate(ctx)
	}},
	"startDeletePersonalFolder": {"Client.StartDeletePersonalFolder", func(ctx context.Context, c *wrapper.Client) (any, error) {
		_, err := c.StartDeletePersonalFolder(ctx)
		return nil, err
	}},
	"getDeletePersonalFolderProgress": {"Task.Progress", func(ctx context.Context, c *wrapper.Client) (any, error) {
		return c.DeletePersonalFolderTask().Progress(ctx)
	}},
	"sendInstructionsToDelete": {"Client.SendInstructionsToDelete", func(ctx context.Context, c *wrapper.Client) (any, error) {
		return c.SendInstructionsToDelete(ctx)
	}},
}

// others are the methods that send nothing by themselves, or what the methods above send.
var others = []string{
	"Client.API", "Client.CloseIdleConnections", "Client.RateLimit", "Client.ReassignTask", "Client.RemoveTask", "Client.DeletePersonalFolderTask",
	"Client.Reassign", "Client.Remove", "Client.DeletePersonalFolder",
	"Task.User", "Task.Operation", "Task.Outcome", "Task.Wait", "Task.Watch", "Task.EnsureIdle",
}

// operations are the contract's.
func operations(t *testing.T) []contract.Operation {
	t.Helper()
	doc, found := contract.Load([]byte(userdata.Contract()))
	if doc == nil {
		t.Fatal(found)
	}
	all := contract.Operations(doc)
	for _, op := range all {
		if _, ok := calls[op.ID]; !ok {
			t.Fatalf("%s: in the contract, but this check knows no method of wrapper that reaches it", op.ID)
		}
	}
	if len(all) != len(calls) {
		t.Fatalf("the contract has %d operations, and wrapper reaches %d", len(all), len(calls))
	}
	return all
}

func TestEveryMethodIsKnownHere(t *testing.T) {
	known := slices.Clone(others)
	for _, c := range calls {
		known = append(known, c.method)
	}
	var there []string
	for _, kind := range []reflect.Type{reflect.TypeFor[*wrapper.Client](), reflect.TypeFor[*wrapper.Task]()} {
		for i := range kind.NumMethod() {
			there = append(there, kind.Elem().Name()+"."+kind.Method(i).Name)
		}
	}
	for _, name := range there {
		if !slices.Contains(known, name) {
			t.Errorf("wrapper: %s: this check does not know which operation it reaches", name)
		}
	}
	for _, name := range known {
		if !slices.Contains(there, name) {
			t.Errorf("wrapper: %s: gone", name)
		}
	}
}

// Every operation of the generated client is called at exactly one place of wrapper, and the way that its own method
// goes leads there.
func TestEveryOperationIsReachedAtOnePlace(t *testing.T) {
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps,
	}, "github.com/docspace-go/userdata/wrapper")
	if err != nil || len(loaded) != 1 || len(loaded[0].Errors) > 0 {
		t.Fatal("wrapper cannot be read:", err, loaded)
	}
	places := map[string][]string{}
	for _, file := range loaded[0].Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if method := loaded[0].TypesInfo.Selections[selector]; method != nil && strings.HasSuffix(method.Recv().String(), "userdata/api.Client") {
				at := loaded[0].Fset.Position(selector.Pos())
				name := strings.TrimSuffix(method.Obj().Name(), "WithBody")
				places[name] = append(places[name], fmt.Sprintf("%s:%d", at.Filename[strings.LastIndexByte(at.Filename, '/')+1:], at.Line))
			}
			return true
		})
	}
	for _, op := range operations(t) {
		switch at := places[strings.ToUpper(op.ID[:1])+op.ID[1:]]; len(at) {
		case 1:
		case 0:
			t.Errorf("%s: wrapper does not reach it", op.ID)
		default:
			t.Errorf("%s: wrapper reaches it at more than one place: %s", op.ID, strings.Join(at, ", "))
		}
	}
}

// portal answers as it is told, and holds the requests against the contract.
type portal struct {
	t      *testing.T
	op     contract.Operation
	answer func(r *http.Request) (*http.Response, error)
	sent   int
}

func (p *portal) RoundTrip(r *http.Request) (*http.Response, error) {
	p.sent++
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	for _, f := range traffic.Request(r, body) {
		p.t.Error(f)
	}
	if !traffic.FromWrapper(r) {
		p.t.Errorf("%s: its User-Agent is %q, by which the check of the traffic does not know the wrapper", p.op.ID, r.UserAgent())
	}
	if shape := strings.ReplaceAll(r.URL.Path, leaving.String(), "{userid}"); r.Method != p.op.Method || shape != p.op.Path {
		p.t.Errorf("%s: %s sends %s %s; the contract has %s %s", p.op.ID, calls[p.op.ID].method, r.Method, shape, p.op.Method, p.op.Path)
	}
	return p.answer(r)
}

func (p *portal) client(policy wrapper.RetryPolicy) *wrapper.Client {
	p.t.Helper()
	client, err := wrapper.New("https://portal.test", wrapper.WithAuth(wrapper.APIKey("sk-1")),
		wrapper.WithHTTPClient(&http.Client{Transport: p}), wrapper.WithRetry(policy))
	if err != nil {
		p.t.Fatal(err)
	}
	return client
}

func answers(status int, contentType string, body []byte, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}
		if contentType != "" {
			resp.Header.Set("Content-Type", contentType)
		}
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

// meanings are what wrapper has for a status. The statuses themselves are enumerated from the contract.
var meanings = map[int]error{
	400: wrapper.ErrBadRequest, 401: wrapper.ErrUnauthorized, 402: wrapper.ErrPaymentRequired, 403: wrapper.ErrForbidden,
	404: wrapper.ErrNotFound, 415: wrapper.ErrBadRequest, 429: wrapper.ErrRateLimited, 500: wrapper.ErrServer,
	502: wrapper.ErrServer, 503: wrapper.ErrServer,
}

func TestEveryAnswerOfTheContractComesOutAsWhatItIs(t *testing.T) {
	for _, op := range operations(t) {
		for name, response := range op.Responses.Map() {
			statuses := []int{402, 403, 404, 415, 500, 502, 503} // what `default` stands for
			if code, err := strconv.Atoi(name); err == nil {
				statuses = []int{code}
			}
			for _, status := range statuses {
				if name == "default" && op.Responses.Status(status) != nil {
					continue
				}
				if response.Value.Extensions["x-observed-body"] == "none" || len(response.Value.Content) == 0 {
					t.Run(fmt.Sprintf("%s %d without a body", op.ID, status), func(t *testing.T) {
						come(t, op, status, "", nil)
					})
				}
				for mediaType, content := range response.Value.Content {
					for example, value := range contract.Examples(content.Example, content.Examples) {
						t.Run(fmt.Sprintf("%s %d %s %s", op.ID, status, mediaType, example), func(t *testing.T) {
							come(t, op, status, mediaType, value)
						})
					}
				}
			}
		}
	}
}

// come has the operation answered once, and looks at what comes out of wrapper.
func come(t *testing.T, op contract.Operation, status int, mediaType string, example any) {
	t.Helper()
	var body []byte
	fields, _ := example.(map[string]any)
	if example != nil {
		if fields = maps.Clone(fields); fields["statusCode"] != nil {
			fields["statusCode"] = status // the example of `default` has one of its own
		}
		body, _ = json.Marshal(fields)
	}
	p := &portal{t: t, op: op, answer: answers(status, mediaType, body)} //nolint:bodyclose // it is the wrapper's to close
	got, err := calls[op.ID].do(t.Context(), p.client(wrapper.RetryPolicy{MaxAttempts: 1}))
	where := fmt.Sprintf("%s: status %d", op.ID, status)

	if status == http.StatusOK {
		response, there := fields["response"]
		class := op.Extensions["x-retry-class"]
		switch {
		case !there && class == "read":
			if !errors.Is(err, wrapper.ErrNoTask) {
				t.Errorf("%s: nothing is queued, but wrapper has %v, %v", where, got, err)
			}
		case err != nil:
			t.Errorf("%s: the contract's example is no success to wrapper: %v", where, err)
		case got != nil && decoded(got) != decoded(response):
			t.Errorf("%s: wrapper has %s, the contract's example is %s", where, decoded(got), decoded(response))
		}
		return
	}

	var failure *wrapper.Error
	if !errors.As(err, &failure) {
		t.Errorf("%s: wrapper has no *Error, but %v", where, err)
		return
	}
	for code, meaning := range meanings {
		if is := errors.Is(err, meaning); is != (meanings[status] == meaning) {
			t.Errorf("%s: errors.Is %v (%d) is %t", where, meaning, code, is)
		}
	}
	if failure.StatusCode != status || failure.Operation != op.ID {
		t.Errorf("%s: wrapper has status %d of %s", where, failure.StatusCode, failure.Operation)
	}
	said, _ := fields["error"].(map[string]any)
	problem, _ := fields["response"].(map[string]any)
	for _, text := range []any{said["message"], problem["title"]} {
		if text != nil && failure.Message != text {
			t.Errorf("%s: wrapper has the message %q, the contract's example %q", where, failure.Message, text)
		}
	}
	if problems, _ := problem["errors"].(map[string]any); len(problems) != len(failure.Fields) {
		t.Errorf("%s: wrapper has the fields %v, the contract's example %v", where, failure.Fields, problems)
	}
	if effective := status >= 500 && op.Extensions["x-retry-class"] != "read"; errors.Is(err, wrapper.ErrOutcomeUnknown) != effective {
		t.Errorf("%s: errors.Is ErrOutcomeUnknown is %t", where, !effective)
	}
}

// decoded is a value in the contract's own words, so that what wrapper made of an answer can be held against it.
func decoded(value any) string {
	switch v := value.(type) {
	case wrapper.Progress:
		value = map[string]any{
			"id": v.ID, "error": v.Error, "percentage": v.Percentage, "isCompleted": v.IsCompleted, "status": int(v.Status),
		}
	}
	data, _ := json.Marshal(value)
	return string(data)
}

// failures say how often a request of each class is sent at the most, of four times that the policy allows.
var failures = []struct {
	name   string
	answer func(*http.Request) (*http.Response, error)
	sends  map[string]int
}{
	{"after a 429", answers(429, "", nil), map[string]int{"read": 4, "terminate": 4, "start": 4, "mail": 4}},
	{"after a 503 that names a wait", answers(503, "", nil, "Retry-After", "1"), map[string]int{"read": 4, "terminate": 4, "start": 4, "mail": 1}},
	{"after a 503 that names none", answers(503, "", nil), map[string]int{"read": 4, "terminate": 4, "start": 1, "mail": 1}},
	{"after a 500", answers(500, "", nil), map[string]int{"read": 4, "terminate": 4, "start": 1, "mail": 1}},
	{"after a 400", answers(400, "", nil), map[string]int{"read": 1, "terminate": 1, "start": 1, "mail": 1}},
	{"after a 403", answers(403, "", nil), map[string]int{"read": 1, "terminate": 1, "start": 1, "mail": 1}},
	{"after a lost answer", func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, map[string]int{"read": 4, "terminate": 4, "start": 1, "mail": 1}},
	{"after a redirect", answers(307, "", nil, "Location", "https://elsewhere.test/"), map[string]int{"read": 1, "terminate": 1, "start": 1, "mail": 1}},
}

func TestEveryOperationIsSentAsOftenAsItsClassAllows(t *testing.T) {
	for _, op := range operations(t) {
		class, _ := op.Extensions["x-retry-class"].(string)
		for _, failure := range failures {
			t.Run(op.ID+" "+failure.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &portal{t: t, op: op, answer: failure.answer}
					_, err := calls[op.ID].do(t.Context(), p.client(wrapper.RetryPolicy{MaxAttempts: 4, MinDelay: time.Second, MaxDelay: time.Minute}))
					if err == nil {
						t.Errorf("%s: %s there is no error", op.ID, failure.name)
					}
					if want := failure.sends[class]; p.sent != want {
						t.Errorf("%s: x-retry-class is %s, which is sent %d times %s; wrapper sends it %d times", op.ID, class, want, failure.name, p.sent)
					}
				})
			})
		}
	}
}
