package wrapper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
)

// shape is an answer that is a failure whatever the operation, and what becomes of it.
type shape struct {
	name    string
	reply   reply
	kind    error  // which Err value it is
	also    error  // a second one, for an error inside a 200
	message string // the portal's words
	unknown bool   // whether the outcome of what is not a read is unknown
}

func shapes(t *testing.T) []shape {
	f := func(status int, name string, header ...string) reply { return file(t, status, name, header...) }
	big := `{"response":"` + strings.Repeat("x", 2<<20) + `","status":0,"statusCode":200}`
	return []shape{
		{"an envelope with 400", f(400, "error-400.json"), ErrBadRequest, nil, "This user can neither give nor take data", false},
		{"an envelope with 401", f(401, "error-401.json"), ErrUnauthorized, nil, "Unauthorized", false},
		{"an envelope with 402", f(402, "error-402.json"), ErrPaymentRequired, nil, "The tariff has expired", false},
		{"an envelope with 403", f(403, "error-403.json"), ErrForbidden, nil, "Access denied", false},
		{"an envelope with 404", f(404, "error-404.json"), ErrNotFound, nil, "The required resource was not found", false},
		{"an envelope with 415", f(415, "error-415.json"), ErrBadRequest, nil, "Unsupported media type", false},
		{"an envelope with 500", f(500, "error-500.json"), ErrServer, nil, "Object reference not set to an instance of an object.", true},
		{"an envelope whose type and stack are null", f(400, "error-nulls.json"), ErrBadRequest, nil, "User with id = 0 not found", false},
		{"an envelope whose message holds the stack", f(500, "error-stack-in-message.json"), ErrServer, nil, "", true},
		{"an envelope whose error is a text", answers(403, `{"error":"no","status":1,"statusCode":403}`), ErrForbidden, nil, "no", false},
		{"an envelope whose type is a number", answers(403, `{"error":{"message":"no","type":5},"status":1,"statusCode":403}`), ErrForbidden, nil, "no", false},
		{"an envelope whose error is null", answers(403, `{"error":null,"status":1,"statusCode":403}`), ErrForbidden, nil, "", false},
		{"a validation problem inside the wrapper of a success", f(400, "validation-400.json", "Content-Type", "application/problem+json"), ErrBadRequest, nil, "One or more validation errors occurred.", false},
		{"a plain text inside the wrapper of a success", f(403, "ip-restriction-403.json"), ErrForbidden, nil, "Access to the portal is restricted from your IP address", false},
		{"401 without a body", answers(401, "", "WWW-Authenticate", "Basic"), ErrUnauthorized, nil, "", false},
		{"402 without a body", answers(402, ""), ErrPaymentRequired, nil, "", false},
		{"403 without a body", answers(403, ""), ErrForbidden, nil, "", false},
		{"404 without a body", answers(404, ""), ErrNotFound, nil, "", false},
		{"429 without a body", answers(429, "", "X-RateLimit-Limit", "1500", "X-RateLimit-Remaining", "0", "Retry-After", "7"), ErrRateLimited, nil, "", false},
		{"429 without a body and a Retry-After", answers(429, ""), ErrRateLimited, nil, "", false},
		{"502 with a proxy's HTML", f(502, "proxy-502.html", "Content-Type", "text/html"), ErrServer, nil, "", true},
		{"503 with a proxy's HTML", f(503, "proxy-503.html", "Content-Type", "text/html"), ErrServer, nil, "", true},
		{"503 with a proxy's HTML and a Retry-After", f(503, "proxy-503.html", "Retry-After", "30"), ErrServer, nil, "", false},
		{"an unknown status of the 4xx class", answers(499, ""), ErrBadRequest, nil, "", false},
		{"an unknown status of the 5xx class", answers(599, ""), ErrServer, nil, "", true},
		{"403 with cut JSON", f(403, "cut.json"), ErrForbidden, nil, "", false},
		{"403 with JSON of another kind", answers(403, `[1]`), ErrForbidden, nil, "", false},
		{"403 with a JSON text", answers(403, `"no"`), ErrForbidden, nil, "no", false},
		{"400 with a validation problem without a wrapper", answers(400, `{"title":"Odd values","errors":{"x":["y"]}}`), ErrBadRequest, nil, "Odd values", false},
		{"403 with a byte order mark", answers(403, "\xef\xbb\xbf"+fileText(t, "error-403.json")), ErrForbidden, nil, "Access denied", false},
		{"403 with a JSON number", answers(403, `5`), ErrForbidden, nil, "", false},
		{"403 with a plain text", answers(403, "no way\nat all", "Content-Type", "text/plain"), ErrForbidden, nil, "no way", false},
		{"403 with a body that breaks off", breaksOff(403, `{"error":{"mess`, io.ErrUnexpectedEOF), ErrForbidden, nil, "", false},
		{"403 with more than a MiB", answers(403, big), ErrForbidden, nil, "", false},
		{"404 with other fields", answers(404, `{"timestamp":1,"path":"/x"}`), ErrNotFound, nil, "", false},

		{"200 with an HTML sign-in page", f(200, "sign-in.html", "Content-Type", "text/html"), ErrUnexpectedResponse, nil, "", true},
		{"200 with an HTML page that calls itself JSON", f(200, "sign-in.html", "Content-Type", "application/json"), ErrUnexpectedResponse, nil, "", true},
		{"200 with a plain text", answers(200, "OK", "Content-Type", "text/plain"), ErrUnexpectedResponse, nil, "", true},
		{"200 with cut JSON", f(200, "cut.json"), ErrUnexpectedResponse, nil, "", true},
		{"200 with a body that breaks off", breaksOff(200, `{"response":{"id"`, io.ErrUnexpectedEOF), ErrUnexpectedResponse, nil, "", true},
		{"200 with something behind the JSON", answers(200, `{"count":0}x`), ErrUnexpectedResponse, nil, "", true},
		{"200 with a JSON array", answers(200, `[{"response":true}]`), ErrUnexpectedResponse, nil, "", true},
		{"200 with a JSON text", answers(200, `"done"`), ErrUnexpectedResponse, nil, "", true},
		{"200 with a JSON number", answers(200, `42`), ErrUnexpectedResponse, nil, "", true},
		{"200 with JSON null", answers(200, `null`), ErrUnexpectedResponse, nil, "", true},
		{"200 with an empty object", answers(200, `{}`), ErrUnexpectedResponse, nil, "", true},
		{"200 with other fields", answers(200, `{"foo":1}`), ErrUnexpectedResponse, nil, "", true},
		{"200 with more than a MiB", answers(200, big), ErrUnexpectedResponse, nil, "", true},
		{"200 with an error envelope of 403", f(200, "error-403.json"), ErrUnexpectedResponse, ErrForbidden, "Access denied", false},
		{"200 with an error envelope of 500", f(200, "error-500.json"), ErrUnexpectedResponse, ErrServer, "Object reference not set to an instance of an object.", true},
		{"200 with a validation problem", f(200, "validation-400.json"), ErrUnexpectedResponse, ErrBadRequest, "One or more validation errors occurred.", false},
		{"200 with a status of 1 alone", answers(200, `{"response":"no","status":1}`), ErrUnexpectedResponse, nil, "no", true},
		{"300 without a location", answers(300, ""), ErrUnexpectedResponse, nil, "", true},
	}
}

func TestEveryShapeOfFailureIsUnderstoodOnEveryOperation(t *testing.T) {
	for _, shape := range shapes(t) {
		for _, call := range calls {
			for _, way := range []string{"typed", "raw"} {
				t.Run(shape.name+" on "+call.id+", "+way, func(t *testing.T) {
					s := newScript(t).onAll(shape.reply)
					client := s.client(WithRetry(RetryPolicy{MaxAttempts: 1}))
					var err error
					if way == "typed" {
						err = call.typed(t.Context(), client)
					} else {
						var resp *http.Response
						resp, err = call.raw(t.Context(), client.API()) //nolint:bodyclose // there is none
						assert.Nil(t, resp)
					}
					var e *Error
					require.ErrorAs(t, err, &e)
					for _, kind := range kinds {
						assert.Equal(t, kind == shape.kind || kind == shape.also, errors.Is(err, kind), "is %v", kind)
					}
					resp, _ := shape.reply(nil) //nolint:bodyclose // it is in memory
					assert.Equal(t, resp.StatusCode, e.StatusCode)
					assert.Equal(t, call.id, e.Operation)
					assert.Equal(t, 1, e.Attempts)
					assert.Len(t, s.sent(""), 1)
					assert.Equal(t, shape.unknown && call.class != effectRead, errors.Is(err, ErrOutcomeUnknown), "%v", err)
					if shape.message != "" {
						assert.Equal(t, shape.message, e.Message)
						assert.Contains(t, err.Error(), shape.message)
					}
					assert.LessOrEqual(t, len(e.Body), 4<<10)
					presentable(t, err)
				})
			}
		}
	}
}

func TestDetailsOfAFailureAreKept(t *testing.T) {
	t.Run("the fields that could not be read", func(t *testing.T) {
		s := newScript(t).onAll(file(t, 400, "validation-400.json"))
		e := requestError(t, callOf(t, "startReassign").typed(t.Context(), s.client()), ErrBadRequest)
		assert.Equal(t, map[string][]string{
			"$.toUserId": {"The JSON value could not be converted to System.Guid."}, "inDto": {"The inDto field is required."},
		}, e.Fields)
		assert.Contains(t, e.Error(), "$.toUserId: The JSON value could not be converted to System.Guid; inDto: The inDto field is required")
	})
	t.Run("the exception's type and the body, at most 4 KiB of it", func(t *testing.T) {
		s := newScript(t).onAll(file(t, 403, "error-403.json"))
		e := requestError(t, callOf(t, "startReassign").typed(t.Context(), s.client()), ErrForbidden)
		assert.Equal(t, "System.Security.SecurityException", e.Type)
		assert.Equal(t, fileText(t, "error-403.json"), string(e.Body))
		assert.Equal(t, leaving, e.User)

		s.onAll(answers(403, strings.Repeat("y", 1<<19)))
		e = requestError(t, callOf(t, "startReassign").typed(t.Context(), s.client()), ErrForbidden)
		assert.Len(t, e.Body, 4<<10)
		assert.Equal(t, 4<<10, cap(e.Body), "appending to it must not write into what is behind")
	})
	t.Run("how long to wait", func(t *testing.T) {
		s := newScript(t).onAll(answers(429, "", "Retry-After", "86400"))
		e := requestError(t, callOf(t, "startReassign").typed(t.Context(), s.client()), ErrRateLimited)
		assert.Equal(t, 24*time.Hour, e.RetryAfter)
		assert.Equal(t, 1, e.Attempts, "it is longer than the cap")
	})
	t.Run("the user in the path, on the raw client too", func(t *testing.T) {
		s := newScript(t).onAll(answers(403, ""))
		_, err := s.client().API().GetRemoveProgress(t.Context(), leaving) //nolint:bodyclose // there is none
		assert.Equal(t, leaving, requestError(t, err, ErrForbidden).User)
	})
}

func TestNothingInAnAnswer(t *testing.T) {
	for name, reply := range map[string]reply{
		"response absent":        file(t, 200, "nothing-queued.json"),
		"response null":          file(t, 200, "response-null.json"),
		"no body":                answers(200, ""),
		"no body but blank":      answers(200, " \r\n"),
		"204":                    answers(204, ""),
		"response null and bare": answers(200, `{"response":null}`),
	} {
		for _, call := range calls {
			t.Run(name+" on "+call.id, func(t *testing.T) {
				s := newScript(t).onAll(reply)
				err := call.typed(t.Context(), s.client())
				switch {
				case call.class == effectTerminate:
					assert.NoError(t, err, "terminating where nothing is queued is fine")
				case strings.HasPrefix(call.id, "get"):
					taskError(t, err, ErrNoTask)
					assert.NotErrorIs(t, err, ErrOutcomeUnknown)
				default:
					requestError(t, err, ErrUnexpectedResponse)
					assert.Equal(t, call.class != effectRead, errors.Is(err, ErrOutcomeUnknown))
				}
				if err != nil {
					presentable(t, err)
				}

				resp, err := call.raw(t.Context(), s.client().API())
				require.NoError(t, err, "the raw client leaves the judgement to its caller")
				assert.NoError(t, resp.Body.Close())
			})
		}
	}
}

func TestProgressIsReadInEveryForm(t *testing.T) {
	running := Progress{ID: "1_" + leaving.String() + "_ReassignProgressItem", Percentage: 30, Status: api.DistributedTaskStatusRunning}
	with := func(change func(*Progress)) Progress {
		p := running
		change(&p)
		return p
	}
	for _, test := range []struct {
		file string
		want Progress
		text string
	}{
		{"progress-running.json", running, "30%, running"},
		{"progress-error-null.json", running, "30%, running"},
		{"progress-status-name.json", running, "30%, running"},
		{"progress-unknown-fields.json", running, "30%, running"},
		{"progress-status-unknown-number.json", with(func(p *Progress) { p.Status = 7 }), "30%, status 7"},
		{"progress-status-unknown-name.json", with(func(p *Progress) { p.Status, p.StatusName = api.DistributedTaskStatusUnknown, "Paused" }), "30%, Paused"},
		{"progress-status-misspelt.json", with(func(p *Progress) {
			p.Percentage, p.Status, p.IsCompleted, p.Error = 50, api.DistributedTaskStatusFailed, true, "The room could not be moved"
		}), "50%, failed"},
		{"progress-completed-while-running.json", with(func(p *Progress) { p.Percentage, p.IsCompleted = 100, true }), "100%, running"},
	} {
		t.Run(test.file, func(t *testing.T) {
			client := newScript(t).onAll(file(t, 200, test.file)).client()
			for _, task := range []*Task{client.ReassignTask(leaving), client.RemoveTask(leaving), client.DeletePersonalFolderTask()} {
				p, err := task.Progress(t.Context())
				require.NoError(t, err)
				assert.Equal(t, test.want, p)
				assert.Equal(t, test.text, p.String())
			}
		})
	}
	for _, name := range []string{"progress-without-iscompleted.json", "progress-without-status.json", "progress-without-percentage.json", "string.json", "boolean-true.json"} {
		t.Run(name+" is no progress", func(t *testing.T) {
			client := newScript(t).onAll(file(t, 200, name)).client()
			for _, task := range []*Task{client.ReassignTask(leaving), client.RemoveTask(leaving), client.DeletePersonalFolderTask()} {
				_, err := task.Progress(t.Context())
				requestError(t, err, ErrUnexpectedResponse)
				assert.NotErrorIs(t, err, ErrNoTask)
			}
			_, err := client.StartRemove(t.Context(), leaving)
			requestError(t, err, ErrUnexpectedResponse)
			assert.ErrorIs(t, err, ErrOutcomeUnknown)
		})
	}
	for name, body := range map[string]string{
		"a status that is an object": `{"response":{"id":"x","error":"","percentage":1,"isCompleted":true,"status":{}}}`,
		"a status that is null":      `{"response":{"id":"x","error":"","percentage":1,"isCompleted":true,"status":null}}`,
		"an error that is an object": `{"response":{"id":"x","error":{},"percentage":1,"isCompleted":true,"status":1}}`,
		"an array":                   `{"response":[]}`,
	} {
		t.Run(name+" is no progress", func(t *testing.T) {
			_, err := newScript(t).onAll(answers(200, body)).client().ReassignTask(leaving).Progress(t.Context())
			requestError(t, err, ErrUnexpectedResponse)
		})
	}
}

func TestAnswersThatAreNoJob(t *testing.T) {
	client := newScript(t).
		on("necessaryReassign", file(t, 200, "boolean-true.json"), file(t, 200, "boolean-false.json"), file(t, 200, "string.json")).
		on("sendInstructionsToDelete", file(t, 200, "string.json"), file(t, 200, "boolean-true.json")).client()
	needed, err := client.NecessaryReassign(t.Context(), leaving, "")
	require.NoError(t, err)
	assert.True(t, needed)
	needed, err = client.NecessaryReassign(t.Context(), leaving, api.EmployeeTypeUser)
	require.NoError(t, err)
	assert.False(t, needed)
	_, err = client.NecessaryReassign(t.Context(), leaving, "")
	requestError(t, err, ErrUnexpectedResponse)

	text, err := client.SendInstructionsToDelete(t.Context())
	require.NoError(t, err)
	assert.Contains(t, text, "<b>ann@example.com</b>")
	_, err = client.SendInstructionsToDelete(t.Context())
	requestError(t, err, ErrUnexpectedResponse)
	assert.ErrorIs(t, err, ErrOutcomeUnknown, "a mail may be on its way")
}

// A 200 of another service that happens to have a field called status: the portal's wrapper has response, or count and
// statusCode. Taking it for "nothing is queued" makes a terminate that reached nobody a success.
func TestHealthPageOfAnotherServiceIsNoAnswer(t *testing.T) {
	for _, body := range []string{`{"status":"ok"}`, `{"status":404,"title":"Not Found"}`} {
		for _, call := range calls {
			t.Run(body+" on "+call.id, func(t *testing.T) {
				err := call.typed(t.Context(), newScript(t).onAll(answers(200, body)).client())
				assert.ErrorIs(t, err, ErrUnexpectedResponse)
			})
		}
	}
}

func TestTheRawClientsResponseIsStillReadable(t *testing.T) {
	for _, call := range calls {
		t.Run(call.id, func(t *testing.T) {
			resp, err := call.raw(t.Context(), newScript(t).onAll(file(t, 200, call.success)).client().API())
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, fileText(t, call.success), string(body))
			assert.NoError(t, resp.Body.Close())
		})
	}
	t.Run("by the generated parsers too", func(t *testing.T) {
		client := newScript(t).onAll(file(t, 200, "progress-running.json")).client()
		parsed, err := (&api.ClientWithResponses{ClientInterface: client.API()}).GetReassignProgressWithResponse(t.Context(), leaving)
		require.NoError(t, err)
		require.NotNil(t, parsed.JSON200)
		assert.EqualValues(t, 30, parsed.JSON200.Response.Percentage)
	})
}

func TestRequestsOfOnesOwnOnTheRawClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.replies[""] = []reply{answers(503, "")}
		client := s.client()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://portal.test/health", nil)
		require.NoError(t, err)
		_, err = client.API().Client.Do(req) //nolint:bodyclose // there is none
		e := requestError(t, err, ErrServer)
		assert.Equal(t, "POST", e.Operation)
		assert.Len(t, s.sent(""), 1, "what it does is not known, so it is never sent twice")
		presentable(t, err)
	})
}

func TestWhatTheRawClientHandsOutIsACopy(t *testing.T) {
	s := newScript(t).onAll(file(t, 200, "progress-running.json"))
	client := s.client()
	raw := client.API()
	raw.Server = "https://elsewhere.test/"
	raw.RequestEditors = append(raw.RequestEditors, refuse("added"))
	raw.RequestEditors[0] = refuse("changed")
	_, err := client.ReassignTask(leaving).Progress(t.Context())
	assert.NoError(t, err)
}

func TestRequestsCarryWhatPortalsNeed(t *testing.T) {
	for _, call := range calls {
		t.Run(call.id, func(t *testing.T) {
			s := newScript(t).onAll(file(t, 200, call.success))
			require.NoError(t, call.typed(t.Context(), s.client(WithUserAgent("hr-sync/2.1"))))
			req := s.sent(call.id)[0]
			assert.Equal(t, call.method, req.req.Method)
			assert.Equal(t, "https://portal.test"+call.path, "https://"+req.req.URL.Host+req.req.URL.Path)
			assert.Equal(t, "application/json", req.req.Header.Get("Accept"))
			assert.Equal(t, "hr-sync/2.1 docspace-userdata-go/"+Version, req.req.Header.Get("User-Agent"))
			assert.Equal(t, "Bearer "+canary, req.req.Header.Get("Authorization"))
			switch call.id {
			case "startReassign":
				assert.JSONEq(t, `{"fromUserId":"`+leaving.String()+`","toUserId":"`+successor.String()+`","deleteProfile":true}`, req.body)
			case "startRemove", "terminateReassign", "terminateRemove":
				assert.JSONEq(t, `{"userId":"`+leaving.String()+`"}`, req.body)
			default:
				assert.Empty(t, req.body)
			}
			if req.body != "" {
				assert.Equal(t, "application/json", req.req.Header.Get("Content-Type"), "portals answer 415 without it")
			}
			if call.id == "necessaryReassign" {
				assert.Equal(t, leaving.String(), req.req.URL.Query().Get("UserId"))
				assert.Equal(t, "RoomAdmin", req.req.URL.Query().Get("Type"))
			}
		})
	}
}

func TestARedirectIsFollowedForAGetOnTheSameOriginOnly(t *testing.T) {
	noLeaks(t)
	var elsewhereSaw, sameSaw []*http.Request
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { elsewhereSaw = append(elsewhereSaw, r) }))
	defer elsewhere.Close()
	var target string
	var status int
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sameSaw = append(sameSaw, r)
		switch r.URL.Path {
		case "/moved":
			_, _ = io.WriteString(w, fileText(t, "progress-running.json"))
		case "/login":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, fileText(t, "sign-in.html"))
		default:
			w.Header().Set("Location", target)
			w.WriteHeader(status)
		}
	}))
	defer portal.Close()
	hostname := strings.Replace(portal.URL, "127.0.0.1", "localhost", 1)

	for _, status = range []int{301, 302, 303, 307, 308} {
		for name, where := range map[string]string{
			"another host":       elsewhere.URL + "/login?token=SECRET",
			"another name":       hostname + "/moved?token=SECRET",
			"https":              strings.Replace(portal.URL, "http:", "https:", 1) + "/moved?token=SECRET",
			"credentials in it":  "http://u:SECRET@" + elsewhere.Listener.Addr().String() + "/login",
			"the same (writes)":  portal.URL + "/moved?token=SECRET",
			"a path (writes)":    "/moved?token=SECRET",
			"another port, bare": elsewhere.URL,
		} {
			for _, call := range calls {
				target = where
				if call.class == effectRead && strings.Contains(name, "writes") {
					continue
				}
				elsewhereSaw, sameSaw = nil, nil
				client, err := New(portal.URL, WithAuth(APIKey(canary)))
				require.NoError(t, err)
				err = call.typed(t.Context(), client)
				e := requestError(t, err, ErrUnexpectedResponse)
				assert.Equal(t, status, e.StatusCode)
				assert.Empty(t, elsewhereSaw, "%d to %s on %s: nothing goes elsewhere", status, name, call.id)
				assert.Len(t, sameSaw, 1)
				assert.NotContains(t, err.Error(), "SECRET")
				path, _, _ := strings.Cut(where, "?")
				assert.Contains(t, err.Error(), strings.Replace(path, "u:SECRET@", "", 1), "the target is named")
				presentable(t, err)
			}
		}
		target = "/moved?x=1"
		sameSaw = nil
		client, err := New(portal.URL, WithAuth(APIKey(canary)))
		require.NoError(t, err)
		p, err := client.ReassignTask(leaving).Progress(t.Context())
		require.NoError(t, err, "a GET is followed on its own origin")
		assert.Equal(t, 30, p.Percentage)
		require.Len(t, sameSaw, 2)
		assert.Equal(t, "Bearer "+canary, sameSaw[1].Header.Get("Authorization"))

		target = "/login?next=SECRET"
		_, err = client.ReassignTask(leaving).Progress(t.Context())
		requestError(t, err, ErrUnexpectedResponse)
		assert.Contains(t, err.Error(), portal.URL+"/login")
		assert.NotContains(t, err.Error(), "SECRET")

		target = "/api/round/and/round"
		sameSaw = nil
		_, err = client.ReassignTask(leaving).Progress(t.Context())
		assert.Equal(t, status, requestError(t, err, ErrUnexpectedResponse).StatusCode, "a circle ends")
		assert.Len(t, sameSaw, 10)
	}
}

func TestTheSameOriginWrittenOtherwiseIsTheSame(t *testing.T) {
	for _, target := range []string{"https://PORTAL.test/moved", "https://portal.test:443/moved", "//portal.test/moved", "moved"} {
		s := newScript(t).on("getRemoveProgress", answers(307, "", "Location", target))
		s.replies[""] = []reply{file(t, 200, "progress-running.json")}
		_, err := s.client().RemoveTask(leaving).Progress(t.Context())
		assert.NoError(t, err, target)
	}
}

func TestWhatIsLoggedIsOnAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s := newScript(t).on("startReassign", answers(429, "BODY", "Set-Cookie", "asc_auth_key=COOKIE", "Retry-After", "2"), slow(3*time.Second, file(t, 200, "progress-created.json"))).
			on("terminateReassign", fails(errors.New("CAUSE "+canary)))
		client := s.client(WithLogger(logger))
		require.NoError(t, callOf(t, "startReassign").typed(t.Context(), client))
		require.Error(t, callOf(t, "terminateReassign").typed(t.Context(), client))
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		require.Len(t, lines, 6)
		assert.Contains(t, lines[0], `level=WARN msg="docspace request" method=POST operation=startReassign status=429 attempt=1 duration=0s`)
		assert.Contains(t, lines[1], `level=DEBUG msg="docspace request" method=POST operation=startReassign status=200 attempt=2 duration=3s`)
		assert.Contains(t, lines[5], `level=WARN msg="docspace request" method=PUT operation=terminateReassign status=0 attempt=4 duration=0s`)
		for _, secret := range []string{canary, "BODY", "COOKIE", "CAUSE", leaving.String(), successor.String(), "portal.test"} {
			assert.NotContains(t, log.String(), secret)
		}
	})
}

// A Progress as JSON, for instance in a journal, and back.
func TestAProgressSurvivesJSON(t *testing.T) {
	for _, name := range []string{"progress-running.json", "progress-failed.json", "progress-status-unknown-name.json"} {
		before, err := newScript(t).onAll(file(t, 200, name)).client().RemoveTask(leaving).Progress(t.Context())
		require.NoError(t, err)
		data, err := json.Marshal(before)
		require.NoError(t, err)
		var after Progress
		require.NoError(t, json.Unmarshal(data, &after))
		assert.Equal(t, before, after, name)
	}
}

func TestAContextThatEndsInTheMiddleOfAFailureIsInTheError(t *testing.T) {
	for _, call := range calls {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(t).on(call.id, func(req *http.Request) (*http.Response, error) {
				resp, err := answers(500, "")(req)
				resp.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
					<-req.Context().Done()
					return 0, req.Context().Err()
				}))
				return resp, err
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := call.typed(ctx, s.client())
			e := requestError(t, err, ErrServer)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, 1, e.Attempts)
			assert.Equal(t, 1, strings.Count(err.Error(), "the time was up"))
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestARedirectWhoseTargetCannotBeReadIsOneAllTheSame(t *testing.T) {
	for _, target := range []string{"%zz", "http://[", "https://a b/", "\x7f", "://"} {
		for _, call := range calls {
			s := newScript(t).on(call.id, answers(302, "", "Location", target))
			err := call.typed(t.Context(), s.client())
			e := requestError(t, err, ErrUnexpectedResponse)
			assert.Equal(t, 302, e.StatusCode)
			assert.Equal(t, 1, e.Attempts)
		}
	}
}

func TestAnAnswerThatWantsToSpeakAnotherProtocolIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, call := range calls {
			s := newScript(t).on(call.id, func(req *http.Request) (*http.Response, error) {
				resp, err := answers(101, "")(req)
				resp.Body = io.NopCloser(readerFunc(func([]byte) (int, error) { select {} }))
				return resp, err
			})
			e := requestError(t, call.typed(t.Context(), s.client()), ErrUnexpectedResponse)
			assert.Equal(t, 101, e.StatusCode)
		}
	})
}

func TestAPercentageIsOne(t *testing.T) {
	for sent, want := range map[string]int{"-5": 0, "0": 0, "100": 100, "250": 100} {
		s := newScript(t).on("getRemoveProgress", answers(200, `{"response":{"id":"1","percentage":`+sent+`,"isCompleted":false,"status":1},"statusCode":200}`))
		p, err := s.client().RemoveTask(leaving).Progress(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, p.Percentage)
	}
}

func TestATransportCanTellWhichCallARequestBelongsTo(t *testing.T) {
	for _, call := range calls {
		t.Run(call.id, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen []Call
				s := newScript(t)
				remembers := func(then reply) reply {
					return func(req *http.Request) (*http.Response, error) {
						of, ok := CallOf(req.Context())
						assert.True(t, ok)
						seen = append(seen, of)
						return then(req)
					}
				}
				s.on(call.id, remembers(answers(429, "", "Retry-After", "1")), remembers(file(t, 200, call.success)))
				require.NoError(t, call.typed(t.Context(), s.client()))
				assert.Equal(t, []Call{{call.id, 1}, {call.id, 2}}, seen)
			})
		})
	}
	_, ok := CallOf(t.Context())
	assert.False(t, ok, "no request of a client")
}

func TestCookiesOfAJarAreSentOnceAtEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).on("getReassignProgress", answers(503, ""), answers(503, ""), at(5))
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		jar.SetCookies(&url.URL{Scheme: "https", Host: "portal.test"}, []*http.Cookie{{Name: "affinity", Value: "7"}})
		_, err = s.client(WithHTTPClient(&http.Client{Transport: s, Jar: jar})).ReassignTask(leaving).Progress(t.Context())
		require.NoError(t, err)
		require.Len(t, s.sent(""), 3)
		for _, one := range s.sent("") {
			assert.Equal(t, []string{"affinity=7"}, one.req.Header["Cookie"])
		}
	})
}
