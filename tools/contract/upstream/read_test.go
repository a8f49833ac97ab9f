package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// result runs the command and gives its exit code, and the one or other line that it ends with.
func result(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(append([]string{"-contract", ours, "-known", knownFile}, args...), &out, &err)
	return code, out.String(), err.String()
}

func TestTheExitCodeSaysWhetherSomethingIsNew(t *testing.T) {
	code, stdout, stderr := result(t, "testdata/"+service)
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, and %q, where nothing is new", code, stderr)
	}
	if !strings.HasPrefix(stdout, `compared 10 of 10 operations with "People service", version "v2", OpenAPI 3.0.4: `) || !strings.HasSuffix(stdout, " 0 new\n") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("summary: %q", stdout)
	}

	drifted := write(t, "drifted.json", strings.Replace(read(t, service), `"description": "who"`, `"description": "who"}, "4\u001b[31m\n": {`, 1))
	code, stdout, stderr = result(t, drifted)
	if code != 1 || stderr != "" {
		t.Errorf("exit code %d, and %q, where a status is new", code, stderr)
	}
	if line, _, _ := strings.Cut(stdout, "\n"); line != "startRemove: status 4 [31m : in the published contract, but not in openapi.yaml" {
		t.Errorf("first line: %q", line)
	}
}

func TestWhatCannotBeComparedSaysWhatToDo(t *testing.T) {
	none := `{"openapi": "3.0.1", "info": {}, "paths": {"/api/2.0/files": {"get": {"responses": {}}}}}`
	for _, test := range []struct{ name, content, want string }{
		{"empty", " \n", `is no OpenAPI 3 document (openapi is "", swagger is ""): name one that is`},
		{"text", "Nothing here.", `is no OpenAPI 3 document (openapi is "", swagger is ""): name one that is`},
		{"page", "\n<!doctype html><html></html>", "is a web page: name the JSON or YAML file itself, not the page that shows it"},
		{"cut off", `{"openapi": "3.0.1", "paths": {`, "is neither JSON nor YAML (unexpected end of JSON input): get the file again"},
		{"bad YAML", "openapi: [3", "is neither JSON nor YAML (yaml: line 1: did not find expected ',' or ']'): get the file again"},
		{"older", `{"swagger": "2.0", "paths": {}}`, `is no OpenAPI 3 document (openapi is "", swagger is "2.0"): name one that is`},
		{"list", `[1]`, `is no OpenAPI 3 document (openapi is "", swagger is ""): name one that is`},
		{"other service", none, "has none of our operations among its 1: name the contract of the People service, or of all of DocSpace"},
		{"nonsense", `{"openapi": "3.0.1", "servers": 1, "paths": [], "components": "x"}`, "has none of our operations among its 0: name the contract of the People service, or of all of DocSpace"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := write(t, "published", test.content)
			code, stdout, stderr := result(t, file)
			if want := "contract-upstream: " + file + ": " + test.want + "\n"; code != 2 || stdout != "" || stderr != want {
				t.Errorf("exit code %d, output %q, wanted 2 and %q, got %q", code, stdout, want, stderr)
			}
		})
	}

	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{"nothing named", "contract-upstream: say what to compare with: SPEC=, and one file or URL behind it\n", nil},
		{"an empty name", "contract-upstream: say what to compare with: SPEC=, and one file or URL behind it\n", []string{""}},
		{"two named", "contract-upstream: say what to compare with: SPEC=, and one file or URL behind it\n", []string{"a", "b"}},
		{"no such file", "contract-upstream: missing.json: cannot be opened (no such file or directory): name a file, seen from the project's root, or a URL\n", []string{"missing.json"}},
		{"directory", "contract-upstream: testdata: cannot be read to the end (is a directory): get the file by other means, and name that\n", []string{"testdata"}},
		{"other scheme", "contract-upstream: ftp://127.0.0.1/x: only files and addresses with http or https are read: get the file by other means, and name that\n", []string{"ftp://127.0.0.1/x"}},
		{"bad address", "contract-upstream: http://127.0.0.1:x/: is no address (invalid port \":x\" after host): look at how it is spelt\n", []string{"http://127.0.0.1:x/"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if code, _, stderr := result(t, test.args...); code != 2 || stderr != test.want {
				t.Errorf("exit code %d, wanted 2 and %q, got %q", code, test.want, stderr)
			}
		})
	}
}

func TestADownloadIsComparedLikeAFile(t *testing.T) {
	contract := read(t, modern)
	mux := http.NewServeMux()
	mux.HandleFunc("/contract", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, contract) })
	mux.Handle("/moved", http.RedirectHandler("/contract", http.StatusFound))
	mux.Handle("/round", http.RedirectHandler("/round", http.StatusFound))
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>Sign in</html>") })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		spaces := bytes.Repeat([]byte(" "), 1<<20)
		for r.Context().Err() == nil {
			if _, err := w.Write(spaces); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, "{")
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	for _, test := range []struct {
		path, want string
		code       int
	}{
		{"/contract", "", 0},
		{"/moved", "", 0},
		{"/page", "is a web page: name the JSON or YAML file itself, not the page that shows it", 2},
		{"/gone", "the answer is 404 Not Found: look up where the contract is published now", 2},
		{"/round", "cannot be reached (stopped after 10 redirects): look at the address, or get the file by other means and name that", 2},
		{"/endless", "has more than 64 MiB, which no contract has: look at what is there", 2},
		{"/short", "cannot be read to the end (unexpected EOF): get the file by other means, and name that", 2},
	} {
		t.Run(test.path, func(t *testing.T) {
			secret := strings.Replace(server.URL, "http://", "HTTP://me:secret@", 1) + test.path + "?token=secret"
			code, _, stderr := result(t, secret)
			want := ""
			if test.want != "" {
				want = "contract-upstream: " + server.URL + test.path + ": " + test.want + "\n"
			}
			if code != test.code || stderr != want {
				t.Errorf("exit code %d, wanted %d and %q, got %q", code, test.code, want, stderr)
			}
		})
	}
}

func TestADownloadEndsWithItsTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "{")
		http.NewResponseController(w).Flush()
		cancel() // Stands for a minute.
		<-r.Context().Done()
	}))
	defer server.Close()
	if _, err := open(ctx, server.URL); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("wanted an error that says so, got %v", err)
	}
}

// TestTenMegabytesAreNoTrouble adds what the contract of a whole portal has beside our operations, and more of it.
func TestTenMegabytesAreNoTrouble(t *testing.T) {
	for _, form := range []string{"JSON", "YAML"} {
		t.Run(form, func(t *testing.T) {
			root, err := parse([]byte(read(t, service)))
			if err != nil {
				t.Fatal(err)
			}
			schemas := root["components"].(map[string]any)["schemas"].(map[string]any)
			paths := root["paths"].(map[string]any)
			for i := range 6500 {
				fields := map[string]any{}
				for j := range 12 {
					fields[fmt.Sprintf("field%d", j)] = map[string]any{"$ref": fmt.Sprintf("#/components/schemas/Model%d", (i*7+j*13)%6500), "description": strings.Repeat("word ", 12)}
				}
				schemas[fmt.Sprintf("Model%d", i)] = map[string]any{"type": "object", "properties": fields}
				paths[fmt.Sprintf("/api/2.0/other/%d", i)] = map[string]any{"get": map[string]any{"operationId": fmt.Sprintf("other%d", i), "responses": map[string]any{
					"200": map[string]any{"content": map[string]any{"application/json": map[string]any{"schema": map[string]any{"$ref": fmt.Sprintf("#/components/schemas/Model%d", i)}}}},
				}}}
			}
			// One of ours now leads into all of that.
			schemas["TaskProgressResponseDto"].(map[string]any)["properties"].(map[string]any)["model"] = map[string]any{"$ref": "#/components/schemas/Model0"}

			marshal := json.Marshal
			if form == "YAML" {
				marshal = yaml.Marshal
			}
			data, err := marshal(root)
			if err != nil {
				t.Fatal(err)
			}
			if len(data) < 10<<20 {
				t.Fatalf("only %d bytes", len(data))
			}
			found := lines(t, string(data))
			if len(found) != 7 || found[0] != "getDeletePersonalFolderProgress: returns response.model: object in the published contract, but not in openapi.yaml" {
				t.Errorf("wanted the new field of seven operations, got %q", found)
			}
		})
	}
}

func TestTheListOfKnownDifferencesIsReadStrictly(t *testing.T) {
	for _, test := range []struct{ name, list, want string }{
		{"no reason", "known: [{where: '*', fact: x, ours: y}]", "[*]: [x]: an entry needs where, fact, why, and ours or theirs"},
		{"no side", "known: [{where: '*', fact: x, why: y}]", "[*]: [x]: an entry needs where, fact, why, and ours or theirs"},
		{"unknown word", "known: [{where: '*', fact: x, our: y, why: z}]", "field our not found"},
		{"bad pattern", "known: [{where: '*', fact: 'x[', ours: y, why: z}]", `line 1: "x[" is no pattern`},
		{"empty pattern", "known: [{where: '*', fact: [a, ''], ours: y, why: z}]", `line 1: "" is no pattern`},
		{"no YAML", "known: [", "did not find"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := readKnown(write(t, "known.yaml", test.list)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("wanted an error with %q, got %v", test.want, err)
			}
		})
	}
}
