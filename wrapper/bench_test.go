package wrapper_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/wrapper"
)

// The calls whose cost is measured, each written three times: with net/http and encoding/json alone (the floor), with the
// generated client, and with the wrapper. All of them send the same request, signed with the same key, and end with the
// same value in hand.
var (
	benchUser   = uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28")
	benchTarget = uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9")
)

const (
	benchKey   = "sk-0123456789abcdef"
	people     = "/api/2.0/people/"
	benchError = `{"error":{"message":"Access denied","type":"System.Security.SecurityException","stack":"   at ASC.People.Api()","hresult":-2146233078},"status":1,"statusCode":403}`
)

// caller is one way to make the three calls.
type caller struct {
	look  func(context.Context) (percentage int, err error)
	start func(context.Context) (percentage int, err error)
	fail  func(context.Context) (message string, err error)
}

// floor is the least that a program needs which neither retries nor checks anything.
func floor(base string, client *http.Client) caller {
	type envelope struct {
		Response struct {
			ID          string `json:"id"`
			Error       string `json:"error"`
			Percentage  int    `json:"percentage"`
			IsCompleted bool   `json:"isCompleted"`
			Status      int    `json:"status"`
		} `json:"response"`
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	do := func(ctx context.Context, method, path string, body any) (status int, e envelope, err error) {
		var reader io.Reader
		if body != nil {
			data, err := json.Marshal(body)
			if err != nil {
				return 0, e, err
			}
			reader = bytes.NewReader(data)
		}
		req, err := http.NewRequestWithContext(ctx, method, base+people+path, reader)
		if err != nil {
			return 0, e, err
		}
		req.Header.Set("Authorization", "Bearer "+benchKey)
		if body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := client.Do(req)
		if err != nil {
			return 0, e, err
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			return 0, e, err
		}
		return resp.StatusCode, e, json.Unmarshal(data, &e)
	}
	return caller{
		look: func(ctx context.Context) (int, error) {
			_, e, err := do(ctx, http.MethodGet, "reassign/progress/"+benchUser.String(), nil)
			return e.Response.Percentage, err
		},
		start: func(ctx context.Context) (int, error) {
			_, e, err := do(ctx, http.MethodPost, "reassign/start", api.StartReassignRequestDto{FromUserId: benchUser, ToUserId: benchTarget})
			return e.Response.Percentage, err
		},
		fail: func(ctx context.Context) (string, error) {
			status, e, err := do(ctx, http.MethodGet, "remove/progress/"+benchUser.String(), nil)
			if err == nil && status == http.StatusForbidden {
				return e.Error.Message, nil
			}
			return "", fmt.Errorf("%d, %w", status, err)
		},
	}
}

func generated(base string, client *http.Client) caller {
	c, err := api.NewClientWithResponses(base, api.WithHTTPClient(client), api.WithRequestEditorFn(wrapper.APIKey(benchKey)))
	if err != nil {
		panic(err)
	}
	return caller{
		look: func(ctx context.Context) (int, error) {
			resp, err := c.GetReassignProgressWithResponse(ctx, benchUser)
			if err != nil {
				return 0, err
			}
			return int(resp.JSON200.Response.Percentage), nil
		},
		start: func(ctx context.Context) (int, error) {
			resp, err := c.StartReassignWithResponse(ctx, api.StartReassignRequestDto{FromUserId: benchUser, ToUserId: benchTarget})
			if err != nil {
				return 0, err
			}
			return int(resp.JSON200.Response.Percentage), nil
		},
		fail: func(ctx context.Context) (string, error) {
			resp, err := c.GetRemoveProgressWithResponse(ctx, benchUser)
			if err != nil {
				return "", err
			}
			if resp.StatusCode() != http.StatusForbidden || resp.JSONDefault == nil {
				return "", errors.New(resp.Status())
			}
			return resp.JSONDefault.Error.Message, nil
		},
	}
}

func wrapped(base string, client *http.Client) caller {
	c, err := wrapper.New(base, wrapper.WithHTTPClient(client), wrapper.WithAuth(wrapper.APIKey(benchKey)))
	if err != nil {
		panic(err)
	}
	reassign, removal := c.ReassignTask(benchUser), c.RemoveTask(benchUser)
	return caller{
		look: func(ctx context.Context) (int, error) {
			p, err := reassign.Progress(ctx)
			return p.Percentage, err
		},
		start: func(ctx context.Context) (int, error) {
			_, err := c.StartReassign(ctx, benchUser, benchTarget)
			return 0, err
		},
		fail: func(ctx context.Context) (string, error) {
			_, err := removal.Progress(ctx)
			var failure *wrapper.Error
			if errors.As(err, &failure) {
				return failure.Message, nil
			}
			return "", err
		},
	}
}

// answers is what every transport here answers: a look and a start with a running job, the removal's look with a 403.
type answers struct{ progress, refusal []byte }

func newAnswers(tb testing.TB) answers {
	data, err := os.ReadFile("../testdata/answers/progress-running.json")
	if err != nil {
		tb.Fatal(err)
	}
	return answers{data, []byte(benchError)}
}

func (a answers) to(path string) (status int, body []byte) {
	if strings.HasPrefix(path, people+"remove/") {
		return http.StatusForbidden, a.refusal
	}
	return http.StatusOK, a.progress
}

var jsonHeader = http.Header{"Content-Type": {"application/json"}}

// RoundTrip answers in memory, as cheaply as it can be done.
func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	status, body := a.to(req.URL.Path)
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: jsonHeader,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

func (a answers) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	status, body := a.to(req.URL.Path)
	w.Header()["Content-Type"] = jsonHeader["Content-Type"]
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func BenchmarkCall(b *testing.B) {
	answers := newAnswers(b)
	server := httptest.NewServer(answers)
	defer server.Close()
	for _, where := range []struct {
		name, base string
		client     *http.Client
	}{
		{"memory", "http://127.0.0.1", &http.Client{Transport: answers}},
		{"loopback", server.URL, server.Client()},
	} {
		ways := []struct {
			name string
			caller
		}{
			{"floor", floor(where.base, where.client)},
			{"generated", generated(where.base, where.client)},
			{"wrapper", wrapped(where.base, where.client)},
		}
		ctx := b.Context()
		for _, way := range ways {
			for _, call := range []struct {
				name string
				do   func() error
			}{
				{"look", func() error { _, err := way.look(ctx); return err }},
				{"start", func() error { _, err := way.start(ctx); return err }},
				{"error", func() error { _, err := way.fail(ctx); return err }},
			} {
				b.Run("where="+where.name+"/call="+call.name+"/way="+way.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := call.do(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// What a call may allocate at most: less than with the generated client, which neither retries nor tells what went wrong.
func TestACallAllocatesNoMoreThanItsBudget(t *testing.T) {
	client := &http.Client{Transport: newAnswers(t)}
	ours, theirs := wrapped("http://127.0.0.1", client), generated("http://127.0.0.1", client)
	of := func(do func() error) float64 {
		return testing.AllocsPerRun(100, func() {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		})
	}
	for name, call := range map[string]struct {
		ours, theirs func() error
		most         float64
	}{
		"a look": {
			func() error { _, err := ours.look(t.Context()); return err },
			func() error { _, err := theirs.look(t.Context()); return err }, 42,
		},
		"a start": {
			func() error { _, err := ours.start(t.Context()); return err },
			func() error { _, err := theirs.start(t.Context()); return err }, 54,
		},
	} {
		ours, theirs := of(call.ours), of(call.theirs)
		if ours > call.most || ours >= theirs {
			t.Errorf("%s allocates %v times, where %v are allowed, and %v are the generated client's", name, ours, call.most, theirs)
		}
	}
}
