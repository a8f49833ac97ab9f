package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

// examined runs the doctor and returns its findings by the name of the check.
func examined(t *testing.T, client *http.Client, args ...string) (map[string]finding, ran) {
	t.Helper()
	got := runIn(t.Context(), client, append([]string{"doctor", "--json"}, args...)...)
	var document doctorDocument
	require.NoError(t, json.Unmarshal([]byte(got.out), &document), got.err)
	findings := map[string]finding{}
	for _, f := range document.Checks {
		findings[f.Check] = f
	}
	return findings, got
}

func TestTheDoctorOnlyReadsAndFindsAPortalWell(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, _, _ docspacetest.User) {
		signedIn(t, p)
		findings, got := examined(t, p.HTTPClient())
		assert.Zero(t, got.code, got.err)
		assert.Equal(t, "an API key", findings["credential"].Found)
		for _, name := range []string{"url", "necessaryReassign", "getReassignProgress", "getRemoveProgress", "getDeletePersonalFolderProgress", "limits", "version"} {
			assert.Equal(t, verdictOK, findings[name].Verdict, "%s: %s", name, findings[name].Found)
		}
		assert.Equal(t, verdictWarn, findings["tls"].Verdict)
		for _, r := range p.Requests() {
			assert.Equal(t, http.MethodGet, r.Method)
		}
		table := runIn(t.Context(), p.HTTPClient(), "doctor")
		assert.Contains(t, table.out, "credential                       ok       an API key\n")
	})
}

func TestTheDoctorSaysWhatFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(p *docspacetest.Portal)
		env   []string
		check string
		found string
		code  int
	}{
		{"a wrong key", nil, []string{"DOCSPACE_API_KEY", "sk-wrong"}, "credential", "does not accept", exitNotAllowed},
		{"a refusal", fail("getRemoveProgress", 1, docspacetest.Fault{Status: 403, Body: `{"error":{"message":"Access denied"},"status":1,"statusCode":403}`}), nil, "getRemoveProgress", "Access denied. The account may not watch removals", exitNotAllowed},
		{"an address that is not let in", fail("necessaryReassign", 1, docspacetest.Fault{Status: 403, Body: `{"response":"Not from there","count":1,"links":[],"status":1,"statusCode":403}`}), nil, "necessaryReassign", "Not from there", exitNotAllowed},
		{"no portal of that name", fail("necessaryReassign", 1, docspacetest.Fault{Status: 404}), nil, "necessaryReassign", "There is no portal at this address", exitFailed},
		{"a way elsewhere", fail("necessaryReassign", 1, docspacetest.Fault{Status: 302, Header: http.Header{"Location": {"https://login.example.com/"}}}), nil, "necessaryReassign", "302 Found. It leads elsewhere", exitFailed},
		{"a bill", fail("getRemoveProgress", 1, docspacetest.Fault{Status: 402}), nil, "getRemoveProgress", "paid for", exitFailed},
		{"too much", fail("getRemoveProgress", 1, docspacetest.Fault{Status: 429}), nil, "getRemoveProgress", "Try again later", exitFailed},
		{"no answer", fail("necessaryReassign", 9, docspacetest.Fault{Reset: true}), nil, "url", "no answer: read tcp: connection reset by peer. Check the address", exitFailed},
		{"a page", fail("necessaryReassign", 1, docspacetest.Fault{Status: 200, ContentType: "text/html", Body: "<h1>Hello</h1>"}), nil, "necessaryReassign", "no JSON object", exitFailed},
		{"a proxy in trouble", fail("getReassignProgress", 1, docspacetest.Fault{Status: 502, ContentType: "text/html", Body: "<h1>Bad Gateway</h1>"}), nil, "getReassignProgress", "502 Bad Gateway. The portal, or a proxy", exitFailed},
		{"an answer that breaks the contract", fail("getReassignProgress", 1, docspacetest.Fault{Status: 200, ContentType: "application/json", Body: `{"count":1,"links":[],"status":0,"statusCode":200,"response":{"id":"x","percentage":101,"isCompleted":false,"status":1}}`}), nil, "getReassignProgress", "percentage is 101", exitFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			withPortal(t, func(t *testing.T, p *docspacetest.Portal, _, _ docspacetest.User) {
				environment(t, append([]string{"DOCSPACE_URL", p.URL, "DOCSPACE_API_KEY", p.Owner().APIKey}, c.env...)...)
				if c.spoil != nil {
					c.spoil(p)
				}
				findings, got := examined(t, p.HTTPClient())
				assert.Equal(t, c.code, got.code, got.err)
				assert.Equal(t, verdictFail, findings[c.check].Verdict)
				assert.Contains(t, findings[c.check].Found+". "+findings[c.check].Hint, c.found)
				assert.NotContains(t, got.err, "\nnecessaryReassign", "what fails first is told once")
			})
		})
	}
}

func TestACredentialIsNoGoodBecauseSomebodyAnswers(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, _, _ docspacetest.User) {
		signedIn(t, p)
		p.Fail("necessaryReassign", docspacetest.Fault{Status: 200, ContentType: "text/html", Body: "<h1>Sign in</h1>"})
		findings, _ := examined(t, p.HTTPClient())
		assert.Equal(t, finding{Check: "credential", Verdict: verdictWarn, Found: "an API key by its looks; the portal does not say"}, findings["credential"])
	})
}

func TestTheDoctorSeesCertificateClockAndHeaders(t *testing.T) {
	p := docspacetest.NewPortal()
	defer p.Close()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		w.Header().Set("Server", "openresty")
		w.Header().Set("X-RateLimit-Limit", "1500")
		w.Header().Set("X-RateLimit-Remaining", "12")
		p.ServeHTTP(w, r)
	}))
	defer server.Close()
	environment(t, "DOCSPACE_URL", server.URL, "DOCSPACE_TOKEN", p.AddUser(docspacetest.User{Type: api.EmployeeTypeDocSpaceAdmin}).AccessToken)
	findings, got := examined(t, server.Client())
	assert.Zero(t, got.code, got.err)
	assert.Regexp(t, `^TLS 1\.3, the certificate is good for \d+ days$`, findings["tls"].Found)
	assert.Regexp(t, `1h0m[0-2]s ahead`, findings["clock"].Found)
	assert.Equal(t, verdictWarn, findings["clock"].Verdict)
	assert.Equal(t, "an access token (JWT)", findings["credential"].Found)
	assert.Equal(t, "12 of 1500 requests are left", findings["limits"].Found)
	assert.Equal(t, verdictWarn, findings["limits"].Verdict)
	assert.Equal(t, "Server: openresty", findings["version"].Found)
}

func TestTheDoctorHidesACredentialThatAServerRepeats(t *testing.T) {
	for name, env := range map[string][]string{
		"an API key": {"DOCSPACE_API_KEY", "sk-CANARY-1"}, "a password": {"DOCSPACE_USERNAME", "ann@example.com", "DOCSPACE_PASSWORD", "CANARY <2>"},
		"a session's key": {"DOCSPACE_AUTH_KEY", "CANARY-3"},
	} {
		t.Run(name, func(t *testing.T) {
			secret := env[len(env)-1]
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for _, header := range []string{"Server", "Via", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After"} {
					w.Header().Set(header, secret)
				}
				assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"response": true, "count": 1, "links": []any{}, "status": 0, "statusCode": 200, secret: 1}))
			}))
			defer server.Close()
			environment(t, append([]string{"DOCSPACE_URL", server.URL}, env...)...)
			for _, args := range [][]string{{"doctor"}, {"doctor", "--json"}} {
				got := runIn(t.Context(), server.Client(), args...)
				assert.NotContains(t, got.out+got.err, "CANARY")
				assert.Contains(t, got.out, "Server: [hidden]")
				assert.Contains(t, got.out, "not in the contract: [hidden]")
			}
		})
	}
}

func TestCredentialsAreKnownByTheirLooks(t *testing.T) {
	for value, want := range map[string]string{
		"": "a cookie", "Basic YTpi": "password", "Bearer sk-1": "API key", "Bearer a.b.c": "JWT", "Bearer what": "neither",
	} {
		assert.Contains(t, credentialOf(http.Header{"Authorization": {value}}), want, value)
	}
}

func TestAnAnswerIsHeldAgainstTheContract(t *testing.T) {
	const ok, task = `"count":1,"links":[{"href":"h","action":"GET"}],"status":0,"statusCode":200`, `"id":"1","error":"","percentage":30,"isCompleted":false,"status":1`
	for _, c := range []struct {
		name   string
		kind   shape
		status int
		body   string
		want   string // in the problems; nothing if there are none
		news   string
	}{
		{"a yes", shapeBool, 200, `{` + ok + `,"response":true}`, "", ""},
		{"a word for a yes", shapeBool, 200, `{` + ok + `,"response":"true"}`, "response is no boolean", ""},
		{"no answer", shapeBool, 200, `{` + ok + `}`, "response is no boolean", ""},
		{"nothing at all", shapeBool, 200, ``, "an empty body", ""},
		{"a job", shapeTask, 200, `{` + ok + `,"response":{` + task + `}}`, "", ""},
		{"no job", shapeTask, 200, `{"count":0,"links":[],"status":0,"statusCode":200}`, "", ""},
		{"no job, as older portals say it", shapeTask, 200, `{` + ok + `,"response":null}`, "", ""},
		{"no job, as the oldest portals say it", shapeTask, 200, ``, "", ""},
		{"a job of another shape", shapeTask, 200, `{` + ok + `,"response":[]}`, "response is no", ""},
		{"a job without its percentage", shapeTask, 200, `{` + ok + `,"response":{"id":"1","isCompleted":true,"status":2}}`, "response.percentage is missing", ""},
		{"a broken percentage", shapeTask, 200, `{` + ok + `,"response":{"id":"1","percentage":1.5,"isCompleted":true,"status":2}}`, "response.percentage is no integer", ""},
		{"a status that is none", shapeTask, 200, `{` + ok + `,"response":{"id":"1","percentage":1,"isCompleted":true,"status":7}}`, "response.status is 7", ""},
		{"something new", shapeTask, 200, `{` + ok + `,"response":{` + task + `,"speed":1}}`, "", "response.speed"},
		{"a status code that lies", shapeBool, 200, `{"count":1,"links":[],"status":0,"statusCode":500,"response":true}`, "statusCode is 500", ""},
		{"an error inside a success", shapeBool, 200, `{"count":1,"links":[],"status":1,"statusCode":200,"response":true}`, "status is 1", ""},
		{"a link that is none", shapeBool, 200, `{"count":1,"links":["h"],"status":0,"statusCode":200,"response":true}`, "links", ""},
		{"two answers", shapeBool, 200, `{` + ok + `,"response":true}{}`, "no JSON object", ""},
		{"a page", shapeBool, 200, `<html>`, "no JSON object", ""},
		{"an error", shapeBool, 400, `{"error":{"message":"no","type":null,"stack":null,"hresult":-1},"status":1,"statusCode":400}`, "", ""},
		{"an error without words", shapeBool, 400, `{"error":{},"status":1,"statusCode":400}`, "error.message is missing", ""},
		{"an error that says nothing", shapeBool, 400, `{"status":1,"statusCode":400}`, "neither error nor response", ""},
		{"an error without a body", shapeBool, 401, ``, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems, news := validate(c.kind, c.status, []byte(c.body))
			if c.want == "" {
				assert.Empty(t, problems)
			} else {
				assert.Contains(t, strings.Join(problems, "; "), c.want)
			}
			assert.Equal(t, c.news, strings.Join(news, ", "))
		})
	}
}

func TestTheDoctorIsInterruptedLikeAnythingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := docspacetest.NewPortal()
		defer p.Close()
		signedIn(t, p)
		p.Fail("necessaryReassign", docspacetest.Fault{Hang: true})
		client := p.HTTPClient()
		ctx, stop := contextFor(t, time.Second)
		defer stop()
		got := runIn(ctx, client, "doctor")
		assert.Equal(t, exitInterrupted, got.code, got.err)
	})
}
