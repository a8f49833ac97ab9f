package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

// answerOf runs a command with --json, and reads the one document that it writes.
func answerOf(t *testing.T, client *http.Client, args ...string) (map[string]any, ran) {
	t.Helper()
	got := runIn(t.Context(), client, append(args, "--json")...)
	require.Equal(t, 1, strings.Count(got.out, "\n"), "one document: %s%s", got.out, got.err)
	var document map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.out), &document))
	return document, got
}

// asked runs a command at which somebody sits, who says something when asked.
func asked(ctx context.Context, client *http.Client, says string, args ...string) ran {
	var out, err bytes.Buffer
	code := run(ctx, args, outside{in: strings.NewReader(says), out: &out, err: &err, http: client, attended: true})
	return ran{code, out.String(), err.String()}
}

func starts(p *docspacetest.Portal) (n int) {
	for _, r := range p.Requests() {
		if strings.HasPrefix(r.OperationID, "start") {
			n++
		}
	}
	return n
}

func signedIn(t *testing.T, p *docspacetest.Portal) {
	environment(t, "DOCSPACE_URL", p.URL, "DOCSPACE_API_KEY", p.Owner().APIKey)
}

func TestCheckSaysWhetherThereIsSomethingToHandOver(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		signedIn(t, p)
		got := runIn(t.Context(), p.HTTPClient(), "check", leaving.ID.String())
		assert.Zero(t, got.code, got.err)
		assert.Contains(t, got.out, "hand them over before")
		document, _ := answerOf(t, p.HTTPClient(), "check", successor.ID.String(), "--type", "RoomAdmin")
		assert.Equal(t, map[string]any{
			"command": "check", "outcome": "done", "portal": p.URL, "user": successor.ID.String(), "reassignNecessary": false,
		}, document)
		document, got = answerOf(t, p.HTTPClient(), "check", uuid.NewString())
		assert.Equal(t, exitFailed, got.code)
		assert.Equal(t, "failed", document["outcome"])
		assert.Nil(t, document["reassignNecessary"])
		assert.Contains(t, document["error"], "not found")
	})
}

func TestAJobGoesFromStartToEnd(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		signedIn(t, p)
		id := leaving.ID.String()
		document, got := answerOf(t, p.HTTPClient(), "reassign", "status", id)
		assert.Zero(t, got.code)
		assert.Equal(t, "none", document["state"])

		document, got = answerOf(t, p.HTTPClient(), "reassign", "start", "--from", id, "--to", successor.ID.String(), "--delete-profile", "--yes")
		assert.Zero(t, got.code, got.err)
		assert.Equal(t, "docspace-userdata reassign wait "+id, document["next"])
		assert.Equal(t, true, document["reassignNecessary"])
		assert.Contains(t, []any{"created", "running"}, document["state"])

		document, got = answerOf(t, p.HTTPClient(), "reassign", "start", "--from", id, "--to", successor.ID.String(), "--yes")
		assert.Equal(t, exitFailed, got.code)
		assert.Contains(t, document["error"], "runs already")
		assert.Equal(t, "docspace-userdata reassign wait "+id, document["next"])
		_, got = answerOf(t, p.HTTPClient(), "remove", "start", id, "--yes")
		assert.Equal(t, exitFailed, got.code, "a removal beside a reassignment would erase what is not yet handed over")
		assert.Equal(t, 1, starts(p))

		time.Sleep(15 * time.Second)
		document, _ = answerOf(t, p.HTTPClient(), "reassign", "status", id)
		assert.Equal(t, "running", document["state"])
		assert.NotZero(t, document["percentage"])
		document, got = answerOf(t, p.HTTPClient(), "reassign", "wait", id)
		assert.Zero(t, got.code, got.err)
		assert.Equal(t, "completed", document["state"])
		assert.EqualValues(t, 100, document["percentage"])
		now, _ := p.User(successor.ID)
		assert.Equal(t, 5, now.Rooms)
	})
}

func TestStartCanWaitAsWell(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, _ docspacetest.User) {
		signedIn(t, p)
		got := runIn(t.Context(), p.HTTPClient(), "remove", "start", leaving.ID.String(), "--wait", "--yes")
		assert.Zero(t, got.code, got.err)
		assert.Equal(t, "removal of user "+leaving.ID.String()+": the user's data is erased\n", got.out)
		assert.Contains(t, got.err, "nobody can undo that")
		assert.Contains(t, got.err, "owns rooms or shared files")
		_, still := p.User(leaving.ID)
		assert.False(t, still)
	})
}

func TestAGuestEmptiesTheOwnFolder(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, _, _ docspacetest.User) {
		guest := p.AddUser(docspacetest.User{Type: api.EmployeeTypeGuest})
		environment(t, "DOCSPACE_URL", p.URL, "DOCSPACE_API_KEY", guest.APIKey)
		document, got := answerOf(t, p.HTTPClient(), "folder", "delete", "--wait", "--yes")
		assert.Zero(t, got.code, got.err)
		assert.Equal(t, "completed", document["state"])
		document, got = answerOf(t, p.HTTPClient(), "folder", "status")
		assert.Zero(t, got.code, got.err)
		assert.Equal(t, "completed", document["state"])
		got = runIn(t.Context(), p.HTTPClient(), "self", "send-delete-mail")
		assert.Zero(t, got.code, got.err)
		assert.Equal(t, []string{guest.Email}, p.Mails())
	})
}

func TestWhatFailedIsToldInThePortalsWordsWithoutItsControlCharacters(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, _, _ docspacetest.User) {
		signedIn(t, p)
		bad := p.AddUser(docspacetest.User{Status: docspacetest.Terminated, Job: docspacetest.Job{Length: time.Second, Error: "disk \x1b[31mfull\r\ngo"}})
		document, got := answerOf(t, p.HTTPClient(), "remove", "start", bad.ID.String(), "--wait", "--yes")
		assert.Equal(t, exitFailed, got.code)
		assert.Equal(t, "failed", document["state"])
		assert.Equal(t, "disk \x1b[31mfull\r\ngo", document["portalError"], "as it came")
		assert.NotContains(t, got.err, "\x1b")
		got = runIn(t.Context(), p.HTTPClient(), "remove", "status", bad.ID.String())
		assert.Zero(t, got.code, "a look that shows a failure is a look that went well")
		assert.Contains(t, got.out, "full go")
		assert.NotContains(t, got.out, "\x1b")
		got = runIn(t.Context(), p.HTTPClient(), "remove", "wait", bad.ID.String())
		assert.Equal(t, exitFailed, got.code)
	})
}

func TestStopSaysWhatItMeans(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		signedIn(t, p)
		id := leaving.ID.String()
		got := runIn(t.Context(), p.HTTPClient(), "reassign", "stop", id)
		assert.Zero(t, got.code, got.err)
		assert.Contains(t, got.out, "the portal shows none")
		runIn(t.Context(), p.HTTPClient(), "reassign", "start", "--from", id, "--to", successor.ID.String(), "--yes")
		time.Sleep(10 * time.Second)
		got = runIn(t.Context(), p.HTTPClient(), "reassign", "stop", id)
		assert.Zero(t, got.code, got.err)
		assert.Contains(t, got.out, "what was handed over by then stays so")
		got = runIn(t.Context(), p.HTTPClient(), "reassign", "wait", id)
		assert.Equal(t, exitNotFound, got.code, got.err)
	})
}

func TestSomebodyIsAskedBeforeWhatCannotBeUndone(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		signedIn(t, p)
		commands := [][]string{
			{"reassign", "start", "--from", leaving.ID.String(), "--to", successor.ID.String(), "--delete-profile"},
			{"remove", "start", leaving.ID.String()},
			{"offboard", "--from", leaving.ID.String(), "--to", successor.ID.String()},
		}
		for _, command := range commands {
			for _, says := range []string{"", "\n", "n\n", "no\n", "yes please\n", "Y E S\n"} {
				got := asked(t.Context(), p.HTTPClient(), says, command...)
				assert.Equal(t, exitInterrupted, got.code, got.err)
				assert.Contains(t, got.err, "Go on? [y/N] ")
				assert.Contains(t, got.err, leaving.ID.String())
				assert.Contains(t, got.err, "owns rooms or shared files")
				assert.Contains(t, got.err, p.URL)
				assert.Contains(t, got.err, "nothing was done")
			}
			got := runIn(t.Context(), p.HTTPClient(), append(command, "--dry-run")...)
			assert.Zero(t, got.code, got.err)
			assert.Contains(t, got.out, "Nothing was done.")
		}
		assert.Zero(t, starts(p))
		got := asked(t.Context(), p.HTTPClient(), "y\n", commands[2]...)
		assert.Zero(t, got.code, got.err)
		assert.Equal(t, 1, starts(p))
	})
}

// forever is a terminal at which nobody types.
type forever struct{ t *testing.T }

func (f forever) Read([]byte) (int, error) {
	<-f.t.Context().Done() // when the test is over
	return 0, io.EOF
}

func TestAnInterruptAtTheQuestionDoesNothing(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, _ docspacetest.User) {
		signedIn(t, p)
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		var said bytes.Buffer
		code := run(ctx, []string{"remove", "start", leaving.ID.String()},
			outside{in: forever{t}, out: io.Discard, err: &said, http: p.HTTPClient(), attended: true})
		assert.Equal(t, exitInterrupted, code)
		assert.Contains(t, said.String(), "nothing was done")
		assert.Zero(t, starts(p))
	})
}

func TestAnInterruptNamesTheCommandThatComesBack(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		signedIn(t, p)
		for _, args := range [][]string{
			{"reassign", "start", "--from", leaving.ID.String(), "--to", successor.ID.String(), "--wait", "--yes", "--url", p.URL},
			{"reassign", "wait", leaving.ID.String(), "--url", p.URL},
		} {
			ctx, interrupt := context.WithTimeout(t.Context(), time.Hour)
			time.AfterFunc(5*time.Second, interrupt)
			got := runIn(ctx, p.HTTPClient(), args...)
			assert.Equal(t, exitInterrupted, got.code)
			assert.Contains(t, got.err, "The job goes on")
			assert.Contains(t, got.err, "\nnext: docspace-userdata reassign wait "+leaving.ID.String()+" --url "+p.URL+"\n")
		}
		time.Sleep(30 * time.Second)
		now, _ := p.User(successor.ID)
		assert.Equal(t, 5, now.Rooms)
	})
}

func TestAnInterruptCanStopTheJobToo(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		signedIn(t, p)
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, interrupt)
		got := runIn(ctx, p.HTTPClient(), "offboard", "--from", leaving.ID.String(), "--to", successor.ID.String(), "--yes", "--stop-on-interrupt")
		assert.Equal(t, exitInterrupted, got.code)
		assert.Contains(t, got.err, "asked to stop")
		time.Sleep(time.Minute)
		_, still := p.User(leaving.ID)
		assert.True(t, still)
	})
}

func TestAStartThatIsNeverAnsweredNamesTheLook(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, successor docspacetest.User) {
		signedIn(t, p)
		p.Fail("startReassign", docspacetest.Fault{Reset: true})
		document, got := answerOf(t, p.HTTPClient(), "reassign", "start", "--from", leaving.ID.String(), "--to", successor.ID.String(), "--yes")
		assert.Equal(t, exitUnknown, got.code)
		assert.Equal(t, "unknown", document["outcome"])
		assert.Equal(t, "unknown", document["state"])
		assert.Equal(t, "docspace-userdata reassign status "+leaving.ID.String(), document["next"])
	})
}

func TestQuietLeavesTheAnswerAndNothingElse(t *testing.T) {
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, _ docspacetest.User) {
		signedIn(t, p)
		got := runIn(t.Context(), p.HTTPClient(), "remove", "start", leaving.ID.String(), "--wait", "--yes", "--quiet")
		assert.Zero(t, got.code)
		assert.Empty(t, got.err)
		assert.Contains(t, got.out, "erased")
	})
}

func TestEveryFailureHasADocument(t *testing.T) {
	environment(t)
	for _, args := range [][]string{{"--json", "frobnicate"}, {"check", "--json", "x"}, {"check", "--json", uuid.NewString()}, {"offboard", "--json", "--bogus"}} {
		got := runIn(t.Context(), &http.Client{Transport: nothing{t}}, args...)
		var document struct{ Outcome, Error string }
		require.NoError(t, json.Unmarshal([]byte(got.out), &document), args)
		assert.Equal(t, exitUsage, got.code)
		assert.Equal(t, "usage", document.Outcome)
		assert.NotEmpty(t, document.Error)
	}
}

func TestAWebServerInThePortalsPlaceIsNoPortal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		environment(t, "DOCSPACE_URL", "https://www.example.com", "DOCSPACE_API_KEY", "sk-1")
		page := answering(http.StatusOK, "text/html", "<h1>Welcome</h1>")
		got := runIn(t.Context(), page, "check", uuid.NewString())
		assert.Equal(t, exitFailed, got.code)
		assert.Contains(t, got.err, "Check that the base URL is that of a portal")
		assert.Contains(t, got.err, "next: docspace-userdata doctor")
	})
}

// answering is a client that gets the same answer to everything.
func answering(status int, kind, body string) *http.Client {
	return &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)),
			ContentLength: int64(len(body)), Request: req,
		}, nil
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
