package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

// TestMain is the tool itself where a test starts it as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("DOCSPACE_USERDATA_TEST") == "main" {
		main()
	}
	os.Exit(m.Run())
}

// environment clears what the tool reads, for the length of a test, and sets the given pairs of name and value.
func environment(t *testing.T, pairs ...string) {
	for _, name := range []string{"URL", "API_KEY", "API_KEY_FILE", "TOKEN", "TOKEN_FILE", "USERNAME", "PASSWORD", "PASSWORD_FILE", "AUTH_KEY", "AUTH_KEY_FILE"} {
		t.Setenv("DOCSPACE_"+name, "")
	}
	t.Setenv("DOCSPACE_PROFILE", "")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
}

// ran is what a command has left behind.
type ran struct {
	code     int
	out, err string
}

func runIn(ctx context.Context, client *http.Client, args ...string) ran {
	var out, err bytes.Buffer
	code := run(ctx, args, outside{in: strings.NewReader(""), out: &out, err: &err, http: client})
	return ran{code, out.String(), err.String()}
}

// withPortal runs a test in virtual time on a portal in memory, with a user who leaves and one who takes over.
func withPortal(t *testing.T, play func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User)) {
	synctest.Test(t, func(t *testing.T) {
		p := docspacetest.NewPortal(docspacetest.WithJobLength(30 * time.Second))
		defer p.Close()
		play(t, p,
			p.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 5}),
			p.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin}))
	})
}

func TestOffboardHandsAUserOver(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		environment(t, "DOCSPACE_URL", p.URL, "DOCSPACE_API_KEY", p.Owner().APIKey)
		got := runIn(t.Context(), p.HTTPClient(), "offboard", "--from", leaving.ID.String(), "--to", successor.ID.String(), "--yes")
		assert.Zero(t, got.code, got.err)
		assert.Contains(t, got.out, "user "+leaving.ID.String()+" was handed over to "+successor.ID.String()+" and erased, in 3")
		assert.Equal(t, 1, strings.Count(got.out, "\n"), "standard output has the result and nothing else")
		lines := strings.Split(strings.TrimSpace(got.err), "\n")
		assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ user `+leaving.ID.String()+`: 0%, created$`, lines[1])
		assert.Regexp(t, `: 100%, completed$`, lines[len(lines)-1])
		assert.NotContains(t, got.err, "\x1b", "no bar where there is no terminal")
		_, still := p.User(leaving.ID)
		assert.False(t, still)
	})
}

func TestOffboardTakesEverythingFromFlagsButSecrets(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		environment(t)
		file := filepath.Join(t.TempDir(), "password")
		require.NoError(t, os.WriteFile(file, []byte(p.Owner().Password+"\n"), 0o600))
		got := runIn(t.Context(), p.HTTPClient(), "offboard", "--from", leaving.ID.String(), "--to", successor.ID.String(), "--yes",
			"--url", p.URL, "--username", p.Owner().Email, "--password-file", file)
		assert.Zero(t, got.code, got.err)
		assert.Contains(t, p.Requests()[0].Header.Get("User-Agent"), "docspace-userdata/"+wrapper.Version)
	})
}

func TestAFlagWinsOverTheEnvironment(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		environment(t, "DOCSPACE_URL", "https://elsewhere.test", "DOCSPACE_API_KEY", "sk-wrong", "DOCSPACE_TOKEN", "wrong")
		file := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(file, []byte(p.Owner().APIKey+"\n"), 0o600))
		got := runIn(t.Context(), p.HTTPClient(), "offboard", "--from", leaving.ID.String(), "--to", successor.ID.String(), "--yes",
			"--url", p.URL, "--api-key-file", file)
		assert.Zero(t, got.code, got.err)
	})
}

func TestAResultThatCannotBeWrittenIsSaidAllTheSame(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		environment(t, "DOCSPACE_URL", p.URL, "DOCSPACE_API_KEY", p.Owner().APIKey)
		var said bytes.Buffer
		read, full := io.Pipe()
		require.NoError(t, read.Close())
		code := run(t.Context(), []string{"offboard", "--from", leaving.ID.String(), "--to", successor.ID.String(), "--yes"},
			outside{in: strings.NewReader(""), out: full, err: &said, http: p.HTTPClient()})
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, said.String(), "was handed over to")
		assert.Contains(t, said.String(), "could not be written")
	})
}

func TestExitCodesSayWhatKindOfFailureItWas(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*docspacetest.Portal)
		env   []string
		code  int
		says  string
	}{
		{"a wrong key", nil, []string{"DOCSPACE_API_KEY", "sk-wrong"}, exitNotAllowed, "Check the credential"},
		{"a portal that knows of no such user", fail("necessaryReassign", 1, docspacetest.Fault{Status: 404, Body: `{"error":{"message":"No such user"}}`}), nil, exitNotFound, "No such user"},
		{"a web server in the portal's place", fail("necessaryReassign", 1, docspacetest.Fault{Status: 404, Body: "<h1>Not Found</h1>"}), nil, exitFailed, "base URL"},
		{"a portal in trouble", fail("necessaryReassign", 4, docspacetest.Fault{Status: 502}), nil, exitFailed, "Nothing was changed"},
		{"starts that are never answered", fail("startReassign", 4, docspacetest.Fault{Reset: true}), nil, exitUnknown, "Whether a job was started is not known"},
		{"no credential", nil, []string{"DOCSPACE_API_KEY", ""}, exitUsage, "no credential: give --api-key-file"},
		{"an account without its password", nil, []string{"DOCSPACE_API_KEY", "", "DOCSPACE_USERNAME", "ann@example.com"}, exitUsage, "no password of ann@example.com: give --password-file"},
		{"two credentials", nil, []string{"DOCSPACE_TOKEN", "t"}, exitUsage, "two ways to sign"},
		{"no portal", nil, []string{"DOCSPACE_URL", ""}, exitUsage, "--url"},
		{"a bad URL", nil, []string{"DOCSPACE_URL", "ftp://portal"}, exitUsage, "https://"},
		{"a file that is not there", nil, []string{"DOCSPACE_API_KEY", "", "DOCSPACE_API_KEY_FILE", "/nowhere/key"}, exitUsage, "DOCSPACE_API_KEY_FILE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
				environment(t, append([]string{"DOCSPACE_URL", p.URL, "DOCSPACE_API_KEY", p.Owner().APIKey}, c.env...)...)
				if c.spoil != nil {
					c.spoil(p)
				}
				got := runIn(t.Context(), p.HTTPClient(), "offboard", "--from", leaving.ID.String(), "--to", successor.ID.String(), "--yes")
				assert.Equal(t, c.code, got.code, got.err)
				assert.Contains(t, got.err, c.says)
				assert.Empty(t, got.out)
				now, there := p.User(leaving.ID)
				assert.True(t, there)
				assert.Equal(t, 5, now.Rooms)
			})
		})
	}
}

func fail(operation string, times int, fault docspacetest.Fault) func(*docspacetest.Portal) {
	return func(p *docspacetest.Portal) {
		for range times {
			p.Fail(operation, fault)
		}
	}
}

func TestMistakesInTheCommandLineSendNothing(t *testing.T) {
	id, other := uuid.NewString(), uuid.NewString()
	for _, c := range []struct {
		name string
		args []string
		says string
	}{
		{"nobody named", []string{"offboard"}, "--from"},
		{"only one named", []string{"offboard", "--from", id}, "--to"},
		{"an id that is none", []string{"offboard", "--from", "carla", "--to", id}, `--from: "carla"`},
		{"another id that is none", []string{"offboard", "--from", id, "--to", "sam"}, `--to: "sam"`},
		{"nobody's id", []string{"offboard", "--from", uuid.Nil.String(), "--to", id}, "zero UUID"},
		{"the same user twice", []string{"offboard", "--from", id, "--to", id}, "the same user"},
		{"an argument too many", []string{"offboard", "--from", id, "--to", other, "now"}, `"now"`},
		{"a secret in a flag", []string{"offboard", "--api-key", "sk-1"}, "unknown flag"},
		{"an unknown flag", []string{"remove", "start", "--form", id}, "see docspace-userdata remove start --help"},
		{"a portal that is not encrypted", []string{"check", id, "--url", "http://portal.invalid"}, "unencrypted to portal.invalid; use https\n"},
		{"help about nothing", []string{"help", "frobnicate"}, `"frobnicate"`},
		{"a shell that is none", []string{"completion", "basj"}, `"basj"`},
		{"an unknown command", []string{"frobnicate"}, `"frobnicate"`},
		{"a command that is misspelt", []string{"reasign"}, "do you mean reassign?"},
		{"an unknown verb", []string{"reassign", "begin"}, `"begin"`},
		{"nobody to check", []string{"check"}, "lacks its argument"},
		{"two to check", []string{"check", id, other}, other},
		{"a type that is none", []string{"check", id, "--type", "Boss"}, `"Boss"`},
		{"a folder of somebody else", []string{"folder", "status", id}, id},
		{"nobody to ask", []string{"remove", "start", id}, "--yes"},
		{"nobody to ask about a reassignment", []string{"reassign", "start", "--from", id, "--to", other}, "--yes"},
		{"nobody to ask about a folder", []string{"folder", "delete"}, "--yes"},
		{"nobody to ask about a user", []string{"offboard", "--from", id, "--to", other}, "--yes"},
		{"a stop of what is not watched", []string{"remove", "start", id, "--stop-on-interrupt", "--yes"}, "--wait"},
		{"one and many", []string{"offboard", "--csv", "x.csv", "--from", id, "--yes"}, "--from and --to"},
		{"a report of one", []string{"offboard", "--from", id, "--to", other, "--report", "r.csv", "--yes"}, "--csv"},
		{"a list that is not there", []string{"offboard", "--csv", "/nowhere/l.csv", "--yes"}, "/nowhere/l.csv"},
		{"a list without a journal", []string{"offboard", "--csv", "-", "--yes"}, "--journal"},
		{"a question while the list is read", []string{"offboard", "--csv", "-", "--journal", "j"}, "--yes"},
		{"a report of no kind", []string{"offboard", "--csv", "l.csv", "--yes", "--report", "r.txt"}, ".json"},
		{"less than nobody", []string{"offboard", "--csv", "l.csv", "--yes", "--stop-after", "-1"}, "--stop-after"},
		{"a profile that is not there", []string{"check", id, "--profile", "prod"}, `"prod"`},
		{"an operation that is none", []string{"mock", "--fail", "startNothing=503"}, "startNothing"},
		{"a fault that is none", []string{"mock", "--fail", "startRemove=sulk"}, `"sulk"`},
		{"limits that are none", []string{"mock", "--limits", "few"}, `"few"`},
		{"less than no time", []string{"mock", "--job-length", "-3s"}, "--job-length"},
		{"a scenario that is not there", []string{"mock", "--scenario", "/nowhere/s.json"}, "--scenario"},
		{"man pages nowhere", []string{"man", "/nowhere"}, "/nowhere"},
		{"an address that is none", []string{"mock", "--addr", "nowhere"}, "--addr"},
	} {
		t.Run(c.name, func(t *testing.T) {
			environment(t, "DOCSPACE_URL", "https://portal.invalid", "DOCSPACE_API_KEY", "sk-1")
			got := runIn(t.Context(), &http.Client{Transport: nothing{t}}, c.args...)
			assert.Equal(t, exitUsage, got.code)
			assert.Contains(t, got.err, c.says)
		})
	}
}

// nothing lets no request through.
type nothing struct{ t *testing.T }

func (n nothing) RoundTrip(req *http.Request) (*http.Response, error) {
	n.t.Errorf("%s %s was sent", req.Method, req.URL)
	return nil, io.ErrUnexpectedEOF
}

func TestAnInterruptLeavesTheJobRunningAndSaysSo(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		environment(t, "DOCSPACE_URL", p.URL, "DOCSPACE_API_KEY", p.Owner().APIKey)
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, interrupt)
		began := time.Now()
		got := runIn(ctx, p.HTTPClient(), "offboard", "--from", leaving.ID.String(), "--to", successor.ID.String(), "--yes")
		assert.Equal(t, exitInterrupted, got.code)
		assert.Equal(t, 10*time.Second, time.Since(began))
		assert.Contains(t, got.err, "The job goes on")
		time.Sleep(time.Minute)
		_, still := p.User(leaving.ID)
		assert.False(t, still, "the portal has finished the job")
	})
}

func TestTheDemoHandsThreeUsersOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got := runIn(t.Context(), nil, "demo")
		assert.Zero(t, got.code, got.err)
		assert.Less(t, time.Since(began), 15*time.Second)
		assert.Contains(t, got.out, "3 users gone, 0 of 18 rooms lost")
		assert.Equal(t, 2, strings.Count(got.out, "handed over and erased"))
		assert.Contains(t, got.out, "nothing to hand over: erased")
		assert.Contains(t, got.out, "400 Bad Request")
		got = runIn(t.Context(), nil, "demo", "--json", "--quiet")
		assert.Empty(t, got.err)
		assert.Equal(t, 1, strings.Count(got.out, "\n"))
	})
}

func TestTheMockServesUntilInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"mock", "--job-length", "0s"}, outside{in: strings.NewReader(""), out: write, err: io.Discard})
	}()
	line, err := bufio.NewReader(read).ReadBytes('\n')
	require.NoError(t, err)
	var said struct {
		URL   string
		Users []map[string]any
	}
	require.NoError(t, json.Unmarshal(line, &said))
	require.GreaterOrEqual(t, len(said.Users), 4)
	for _, user := range said.Users {
		for _, field := range []string{"id", "email", "password", "apiKey", "authKey", "type", "status", "rooms"} {
			assert.Contains(t, user, field)
		}
	}

	client, err := wrapper.New(said.URL, wrapper.WithRetry(wrapper.RetryPolicy{MaxAttempts: 1}), wrapper.WithAuth(wrapper.APIKey(said.Users[0]["apiKey"].(string))))
	require.NoError(t, err)
	needed, err := client.NecessaryReassign(t.Context(), uuid.MustParse(said.Users[3]["id"].(string)), "")
	require.NoError(t, err)
	assert.True(t, needed)

	interrupt()
	assert.Zero(t, <-ended)
	_, err = client.NecessaryReassign(t.Context(), uuid.New(), "")
	assert.Error(t, err, "the socket is closed")
}

func TestHelpHasAnExampleForEveryCommand(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		words := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		got := runIn(t.Context(), nil, words...)
		assert.Zero(t, got.code, words)
		assert.Contains(t, got.out, "Examples:\n  ", words)
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(&tool{}))
	assert.Contains(t, runIn(t.Context(), nil).out, "demo")
	assert.Contains(t, runIn(t.Context(), nil, "help", "remove", "start").out, "docspace-userdata remove start USER")
	assert.Contains(t, runIn(t.Context(), nil, "completion", "zsh").out, "#compdef")
	var said bytes.Buffer
	code := run(t.Context(), []string{"--help"}, outside{in: strings.NewReader(""), out: full{}, err: &said})
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, said.String(), "no space left on device")
	assert.Contains(t, runIn(t.Context(), nil, "--version").out, wrapper.Version)
}

func TestThePageHasTheFieldsOfAllDocumentsAndNoOthers(t *testing.T) {
	page, err := os.ReadFile("../../docs/tool.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(page), "\n## JSON\n")
	section, _, _ = strings.Cut(section, "\n## ")
	fields := map[string]bool{}
	var walk func(kind reflect.Type)
	walk = func(kind reflect.Type) {
		for i := range kind.NumField() {
			field := kind.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case field.Anonymous:
				walk(field.Type)
			case name != "":
				fields[name] = true
				assert.Contains(t, section, "`"+name+"`", "%s of %s", name, kind)
			}
		}
	}
	for _, d := range []any{
		checkDocument{}, selfDocument{}, jobDocument{}, offboardDocument{}, bulkDocument{}, userResult{}, doctorDocument{}, finding{},
		configDocument{}, versionDocument{}, demoDocument{},
	} {
		walk(reflect.TypeOf(d))
	}
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[1], -1) {
			assert.True(t, fields[name[1]], "no document has the field %s", name[1])
		}
	}
}

func TestAPipeThatNobodyReadsAnyMoreEndsNoJob(t *testing.T) {
	p := docspacetest.NewPortal(docspacetest.WithJobLength(0)) // a process needs a socket
	defer p.Close()
	leaving := p.AddUser(docspacetest.User{Status: docspacetest.Terminated})
	signedIn(t, p)
	read, write, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, read.Close())
	self, err := os.Executable()
	require.NoError(t, err)
	for _, args := range [][]string{{"remove", "start", leaving.ID.String(), "--wait", "--yes"}, {"version"}} {
		tool := exec.CommandContext(t.Context(), self, args...)
		tool.Env = append(os.Environ(), "DOCSPACE_USERDATA_TEST=main")
		var said bytes.Buffer
		tool.Stdout, tool.Stderr = write, &said
		var exit *exec.ExitError
		require.ErrorAs(t, tool.Run(), &exit)
		assert.Equal(t, exitFailed, exit.ExitCode(), said.String())
		assert.Contains(t, said.String(), "could not be written")
		assert.NotContains(t, said.String(), "goroutine")
	}
	_, still := p.User(leaving.ID)
	assert.False(t, still)
}

func TestManPagesAreWrittenForEveryCommand(t *testing.T) {
	folder := t.TempDir()
	got := runIn(t.Context(), nil, "man", folder)
	assert.Zero(t, got.code, got.err)
	for _, page := range []string{"docspace-userdata", "docspace-userdata-reassign-start", "docspace-userdata-offboard", "docspace-userdata-config-add"} {
		text, err := os.ReadFile(filepath.Join(folder, page+".1"))
		require.NoError(t, err)
		assert.Contains(t, string(text), ".SH EXAMPLE", page)
	}
	text, err := os.ReadFile(filepath.Join(folder, "docspace-userdata.1"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "0 done, 1 failed, 2 usage, 3 not allowed, 4 not found, 5 not known, 6 interrupted")
}
