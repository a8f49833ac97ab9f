package traffic

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docspace-go/userdata/tools/contract"
)

const (
	user     = "aae1e103-bca5-9fa1-ba8c-42058b4abf28"
	progress = `{"response":{"id":"1","error":"","percentage":30,"isCompleted":false,"status":1},"count":1,"links":[],"status":0,"statusCode":200}`
)

func request(t *testing.T, method, url, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// compare wants no finding where want is empty, otherwise one that has it.
func compare(t *testing.T, found []contract.Finding, want string) {
	t.Helper()
	for _, f := range found {
		if strings.Contains(f.String(), "\n") {
			t.Errorf("more than one line: %s", f)
		}
		if want != "" && strings.Contains(f.String(), want) {
			return
		}
	}
	if want != "" || len(found) > 0 {
		t.Errorf("got %q, want %q", found, want)
	}
}

func TestRequest(t *testing.T) {
	const (
		look  = "http://portal.test/api/2.0/people/reassign/progress/"
		start = "http://portal.test/api/2.0/people/reassign/start"
		asks  = "http://portal.test/api/2.0/people/reassign/necessary"
		good  = `{"fromUserId":"` + user + `","toUserId":"` + user + `"}`
	)
	for _, test := range []struct {
		name, method, url, body string
		header                  []string
		want                    string
	}{
		{"a look", "GET", look + user, "", nil, ""},
		{"a start", "POST", start, good, nil, ""},
		{"a question", "GET", asks + "?UserId=" + user + "&Type=RoomAdmin", "", nil, ""},
		{"with an API key", "GET", look + user, "", []string{"Authorization", "Bearer sk-1"}, ""},
		{"with a token", "GET", look + user, "", []string{"Authorization", "Bearer a.b.c"}, ""},
		{"with a password", "GET", look + user, "", []string{"Authorization", "Basic YTpi"}, ""},
		{"with a cookie", "GET", look + user, "", []string{"Cookie", "asc_auth_key=1"}, ""},
		{"with another cookie", "GET", look + user, "", []string{"Cookie", "auth=1"}, "getReassignProgress: request: its credential is carried by none of ApiKeyBearer, Basic"},
		{"with a token that is no bearer's", "GET", look + user, "", []string{"Authorization", "a.b.c"}, "getReassignProgress: request: its credential"},
		{"of a user who is no uuid", "GET", look + "7", "", nil, `getReassignProgress: request: parameter "userid" in path has an error`},
		{"elsewhere", "GET", "http://portal.test/api/2.0/people/reassign", "", nil, "GET /api/2.0/people/reassign: request: no matching operation"},
		{"with a slash behind it", "POST", start + "/", good, nil, "POST /api/2.0/people/reassign/start/: request: no matching operation"},
		{"by another method", "PUT", start, good, nil, "PUT /api/2.0/people/reassign/start: request: "},
		{"without a body", "POST", start, "", nil, "startReassign: request: there is no body"},
		{"without a field", "POST", start, `{"fromUserId":"` + user + `"}`, nil, `startReassign: request: request body has an error: doesn't match schema`},
		{"with a field of another type", "POST", start, strings.Replace(good, "}", `,"deleteProfile":1}`, 1), nil, "startReassign: request: request body"},
		{"with a field too many", "POST", start, strings.Replace(good, "}", `,"deleteFiles":true}`, 1), nil, "startReassign: request: field deleteFiles is not in the contract"},
		{"with a body that is not JSON", "POST", start, good, []string{"Content-Type", "text/plain"}, "startReassign: request: request body has an error: header Content-Type"},
		{"with a body where none belongs", "PUT", "http://portal.test/api/2.0/people/self/delete", good, nil, "sendInstructionsToDelete: request: "},
		{"with a parameter too many", "GET", asks + "?User=" + user, "", nil, "necessaryReassign: request: query parameter User is not in the contract"},
		{"with a value that is none", "GET", asks + "?Type=Admin", "", nil, `necessaryReassign: request: parameter "Type" in query has an error`},
	} {
		t.Run(test.name, func(t *testing.T) {
			compare(t, Request(request(t, test.method, test.url, test.body, test.header...), []byte(test.body)), test.want)
		})
	}
}

func TestAnswer(t *testing.T) {
	const json = "application/json"
	for _, test := range []struct {
		name, method, path string
		status             int
		contentType, body  string
		want               string
	}{
		{"progress", "GET", "reassign/progress/" + user, 200, json, progress, ""},
		{"nothing queued", "GET", "reassign/progress/" + user, 200, json, `{"count":0,"status":0,"statusCode":200}`, ""},
		{"401 as it is observed", "GET", "reassign/progress/" + user, 401, "", "", ""},
		{"429 as it is observed", "GET", "reassign/progress/" + user, 429, "", "", ""},
		{"an error", "POST", "remove/start", 400, json, `{"error":{"message":"no"},"status":1,"statusCode":400}`, ""},
		{"what is observed of terminateRemove", "PUT", "remove/terminate", 200, json, `{"count":0,"status":0,"statusCode":200}`, ""},
		{"nothing, as documented of terminateRemove", "PUT", "remove/terminate", 200, "", "", ""},
		{"anything else of terminateRemove", "PUT", "remove/terminate", 200, json, `{"gone":true}`, "terminateRemove: answer 200: field gone is not in the contract"},
		{"a status that nobody declares", "GET", "reassign/progress/" + user, 202, json, progress, "getReassignProgress: answer 202: the contract has no such status"},
		{"a redirect", "GET", "reassign/progress/" + user, 302, "", "", "getReassignProgress: answer 302: the contract has no such status"},
		{"no body", "GET", "reassign/progress/" + user, 200, "", "", "getReassignProgress: answer 200: there is no body"},
		{"no body where the contract has one that is sent", "POST", "remove/start", 403, "", "", "startRemove: answer 403: there is no body, but the contract has one"},
		{"a type for no body", "GET", "reassign/progress/" + user, 401, json, "", "getReassignProgress: answer 401: there is no body, but a Content-Type"},
		{"a field missing", "GET", "reassign/progress/" + user, 200, json, strings.Replace(progress, `"isCompleted":false,`, "", 1), `property "isCompleted" is missing`},
		{"a field too many", "GET", "reassign/progress/" + user, 200, json, strings.Replace(progress, `"id":`, `"eta":1,"id":`, 1), "field response.eta is not in the contract"},
		{"a field of another type", "GET", "reassign/progress/" + user, 200, json, strings.Replace(progress, `30`, `"30"`, 1), "value must be an integer"},
		{"a percentage above 100", "GET", "reassign/progress/" + user, 200, json, strings.Replace(progress, `30`, `101`, 1), "number must be at most 100"},
		{"an unknown status of a job", "GET", "reassign/progress/" + user, 200, json, strings.Replace(progress, `"status":1}`, `"status":5}`, 1), "not one of the allowed values"},
		{"another status inside", "GET", "reassign/progress/" + user, 200, json, strings.Replace(progress, `"statusCode":200`, `"statusCode":201`, 1), "its statusCode is 201"},
		{"another model", "GET", "reassign/progress/" + user, 200, json, `{"response":true,"count":1,"status":0,"statusCode":200}`, "value must be an object"},
		{"HTML", "GET", "reassign/progress/" + user, 200, "text/html", "<p>", "answer 200: response header Content-Type has unexpected value"},
		{"what the contract does not have is for Request to say", "GET", "nothing", 404, "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			header := http.Header{}
			if test.contentType != "" {
				header.Set("Content-Type", test.contentType)
			}
			r := request(t, test.method, "http://portal.test/api/2.0/people/"+test.path, "")
			compare(t, Answer(r, nil, test.status, header, []byte(test.body)), test.want)
		})
	}
}

// The tests of a module that is not listed there would be compared with nothing.
func TestEveryModuleOfTheProjectIsInTheWorkspace(t *testing.T) {
	work, err := os.ReadFile("traffic.work")
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join("..", "..", "..")
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == filepath.Join(root, "tools"), entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.Name() == "go.mod" && !strings.Contains(string(work), "\n\t"+filepath.ToSlash(filepath.Dir(path))+"\n"):
			t.Errorf("%s: the module is not in tools/contract/traffic/traffic.work, so nothing of its tests is compared", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
