package wrapper

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
)

var update = flag.Bool("update", false, "write what is measured or pinned anew")

func TestEachStatusIsOfOneKind(t *testing.T) {
	want := func(status int) error {
		switch {
		case status < 400:
			return ErrUnexpectedResponse
		case status == 401:
			return ErrUnauthorized
		case status == 402:
			return ErrPaymentRequired
		case status == 403:
			return ErrForbidden
		case status == 404:
			return ErrNotFound
		case status == 429:
			return ErrRateLimited
		case status < 500:
			return ErrBadRequest
		}
		return ErrServer
	}
	for status := 300; status < 600; status++ {
		s := newScript(t).onAll(answers(status, ""))
		client := s.client(WithRetry(RetryPolicy{MaxAttempts: 1}))
		e := requestError(t, callOf(t, "getRemoveProgress").typed(t.Context(), client), want(status))
		assert.Equal(t, status, e.StatusCode)
		presentable(t, e)
		for _, other := range []error{ErrTaskFailed, ErrTaskCanceled, ErrNoTask, ErrTaskLost, ErrTaskRunning, ErrOutcomeUnknown, context.Canceled} {
			assert.NotErrorIs(t, e, other)
		}
	}
}

func TestAnErrorMadeByHandHasAKindAndAText(t *testing.T) {
	assert.ErrorIs(t, &Error{StatusCode: 403}, ErrForbidden)
	assert.NotPanics(t, func() { _ = (&Error{}).Error() })
	assert.NotErrorIs(t, &Error{}, ErrUnexpectedResponse)
	assert.NotErrorIs(t, &Error{}, ErrOutcomeUnknown)
	assert.ErrorIs(t, &TaskError{Reason: ErrTaskLost}, ErrOutcomeUnknown)
	assert.NotErrorIs(t, &TaskError{Reason: ErrTaskFailed}, ErrOutcomeUnknown)
	for _, reason := range []error{ErrTaskFailed, ErrTaskCanceled, ErrNoTask, ErrTaskLost, ErrTaskRunning, context.Canceled} {
		assert.NotPanics(t, func() { presentable(t, &TaskError{Reason: reason}) })
	}
}

func TestSomebodyElsesTextIsMadeFit(t *testing.T) {
	for name, test := range map[string]struct{ in, out string }{
		"nothing":               {"", ""},
		"a line":                {"a line", "a line"},
		"lines":                 {" one\ntwo\r\n\tthree ", "one two three"},
		"a stack trace":         {"Failed\n   at A.B()\n   at C.D()", "Failed"},
		"a Windows stack trace": {"Failed\r\n   at A.B()\r\n   at C.D()", "Failed"},
		"a coloured text":       {"\x1b[31mred\x1b[0m", "[31mred[0m"},
		"what clears a screen":  {"\x1b[2J\x1b]0;title\x07x", "[2J]0;titlex"},
		"what C1 codes steer":   {"a\u009b31mb", "a31mb"},
		"NUL, BEL and DEL":      {"a\x00b\x07c\x7fd", "abcd"},
		"backspaces":            {"good\b\b\b\bevil", "goodevil"},
		"what turns text round": {"a\u202egnp.exe", "agnp.exe"},
		"other line breaks":     {"a\u2028b\u2029c\u0085d\ve\ff", "a b c d e f"},
		"broken UTF-8":          {"a\xffb", "a\ufffdb"},
		"letters":               {"Größe 日本 <b>x</b>", "Größe 日本 <b>x</b>"},
		"300 characters":        {strings.Repeat("ä", 300), strings.Repeat("ä", 300)},
		"more":                  {strings.Repeat("ä", 301), strings.Repeat("ä", 299) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.out, oneLine(test.in))
			if test.in == "" {
				return
			}
			body := fmt.Sprintf(`{"error":{"message":%s},"status":1,"statusCode":400}`, quoted(test.in))
			err := callOf(t, "startRemove").typed(t.Context(), newScript(t).onAll(answers(400, body)).client())
			requestError(t, err, ErrBadRequest)
			assert.Contains(t, err.Error(), test.out)
			presentable(t, err)
			printable := regexp.MustCompile(`^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$`)
			assert.Regexp(t, printable, err.Error())
			job := taskErrorOf(t, test.in)
			assert.Contains(t, job.Error(), test.out)
			assert.Regexp(t, printable, job.Error())
		})
	}
	var e *Error
	err := callOf(t, "startRemove").typed(t.Context(), newScript(t).onAll(answers(400, `{"error":{"message":"a\u001bb"}}`)).client())
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "a\x1bb", e.Message, "the field has the portal's words as they are")
}

func taskErrorOf(t *testing.T, problem string) error {
	t.Helper()
	body := fmt.Sprintf(`{"response":{"id":"x","error":%s,"percentage":5,"isCompleted":true,"status":4}}`, quoted(problem))
	_, err := newScript(t).onAll(answers(200, body)).client().RemoveTask(leaving).Wait(t.Context())
	return taskError(t, err, ErrTaskFailed)
}

// quoted is a text as JSON, with what is no UTF-8 left as it is.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Each part is cut at 300 characters, but there can be any number of fields, and a target of any length.
func TestTheWholeTextIsShort(t *testing.T) {
	for name, reply := range map[string]reply{
		"many fields": answers(400, `{"response":{"title":"x","errors":{`+strings.Join(func() (fields []string) {
			for i := range 2000 {
				fields = append(fields, fmt.Sprintf(`"$.f%d":["%s"]`, i, strings.Repeat("y", 100)))
			}
			return fields
		}(), ",")+`}},"status":1,"statusCode":400}`),
		"a long target": answers(302, "", "Location", "https://elsewhere.test/"+strings.Repeat("z", 100_000)),
	} {
		t.Run(name, func(t *testing.T) {
			err := callOf(t, "startReassign").typed(t.Context(), newScript(t).onAll(reply).client())
			require.Error(t, err)
			assert.Less(t, len(err.Error()), 2000)
		})
	}
}

// With a real clock a date that was 7 seconds away is 6.999812345s away, and an absence lasts 15m0.000123456s.
func TestTimesInTextsAreRounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(123456789)
		date := answers(429, "", "Retry-After", "Sat, 01 Jan 2000 00:10:00 GMT")
		err := callOf(t, "startReassign").typed(t.Context(), newScript(t).onAll(date).client())
		assert.NotRegexp(t, `\.\d{4,}s`, err.Error())
	})
	synctest.Test(t, func(t *testing.T) {
		_, err := newScript(t).onAll(at(5), slow(123456789, nothing)).client().RemoveTask(leaving).Wait(t.Context(), AbsentFor(time.Minute))
		taskError(t, err, ErrTaskLost)
		assert.NotRegexp(t, `\.\d{4,}s`, err.Error())
	})
}

// golden are errors by what leads to them.
func golden(t *testing.T) (names []string, errs map[string]error) {
	errs = map[string]error{}
	add := func(name string, err error) {
		require.Error(t, err, name)
		require.NotContains(t, errs, name)
		names = append(names, name)
		errs[name] = err
	}
	try := func(name, id string, replies ...reply) {
		synctest.Test(t, func(t *testing.T) {
			add(name, callOf(t, id).typed(t.Context(), newScript(t).onAll(replies...).client()))
		})
	}
	for _, call := range calls {
		try(call.id+", 401", call.id, answers(401, ""))
		try(call.id+", 403", call.id, file(t, 403, "error-403.json"))
		try(call.id+", 500", call.id, file(t, 500, "error-500.json"))
		try(call.id+", reset", call.id, fails(errReset))
	}
	try("400 of the portal", "startRemove", file(t, 400, "error-nulls.json"))
	try("400 of validation", "startReassign", file(t, 400, "validation-400.json"))
	try("402", "startRemove", answers(402, ""))
	try("403 by address", "startRemove", file(t, 403, "ip-restriction-403.json"))
	try("403 without a body", "startRemove", answers(403, ""))
	try("404", "startRemove", answers(404, ""))
	try("415", "startRemove", file(t, 415, "error-415.json"))
	try("429", "startRemove", answers(429, ""))
	try("429 for a day", "startRemove", answers(429, "", "Retry-After", "86400"))
	try("502", "startRemove", file(t, 502, "proxy-502.html"))
	try("503", "startRemove", file(t, 503, "proxy-503.html"))
	try("503 that names a wait", "startRemove", file(t, 503, "proxy-503.html", "Retry-After", "30"))
	try("599", "getRemoveProgress", answers(599, ""))
	try("refused connection", "startRemove", fails(errRefused))
	try("timeout", "startRemove", slow(time.Hour, nothing))
	try("a 500, then refused", "terminateRemove", answers(500, ""), answers(403, ""))
	try("sign-in page", "getRemoveProgress", file(t, 200, "sign-in.html"))
	try("sign-in page for a start", "startRemove", file(t, 200, "sign-in.html"))
	try("plain text", "getRemoveProgress", answers(200, "OK"))
	try("cut JSON", "getRemoveProgress", file(t, 200, "cut.json"))
	try("body that breaks off", "startRemove", breaksOff(200, "{", errReset))
	try("JSON of another kind", "getRemoveProgress", answers(200, "[]"))
	try("no progress", "getRemoveProgress", file(t, 200, "progress-without-status.json"))
	try("no response", "startRemove", nothing)
	try("no body", "necessaryReassign", answers(200, ""))
	try("too large", "getRemoveProgress", answers(200, strings.Repeat("x", 2<<20)))
	try("error inside a 200", "startRemove", file(t, 200, "error-403.json"))
	try("redirect of a start", "startRemove", answers(302, "", "Location", "https://login.test/auth?token=SECRET"))
	try("redirect of a look", "getRemoveProgress", answers(301, "", "Location", "https://other.test/api?x=SECRET"))
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).on("getRemoveProgress", answers(302, "", "Location", "/login?next=SECRET"))
		s.replies[""] = []reply{file(t, 200, "sign-in.html")}
		add("sign-in page after a redirect", callOf(t, "getRemoveProgress").typed(t.Context(), s.client()))
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		client := newScript(t).onAll(answers(503, "", "Retry-After", "30")).client()
		add("context ends between attempts", callOf(t, "startRemove").typed(ctx, client))
	})
	synctest.Test(t, func(t *testing.T) {
		client := newScript(t).client()
		_, err := client.StartReassign(t.Context(), leaving, leaving)
		add("same user", err)
		_, err = client.NecessaryReassign(t.Context(), leaving, api.EmployeeType("Owner"))
		add("unknown type", err)
		_, err = client.RemoveTask(leaving).Wait(t.Context(), PollBetween(0, 0))
		add("bad option", err)
		add("terminate of the folder", client.DeletePersonalFolderTask().Terminate(t.Context()))
	})
	for _, j := range jobs {
		wait := func(name string, limit time.Duration, s func(*script), opts ...WaitOption) {
			synctest.Test(t, func(t *testing.T) {
				script := newScript(t).on(j.look, at(5))
				s(script)
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				_, err := j.attach(script.client()).Wait(ctx, opts...)
				add(j.name+", "+name, err)
			})
		}
		wait("failed", time.Hour, func(s *script) { s.on(j.look, failed) })
		wait("canceled", time.Hour, func(s *script) { s.on(j.look, canceled) })
		wait("none", time.Hour, func(s *script) { s.on(j.look, nothing) })
		wait("lost", time.Hour, func(s *script) { s.on(j.look, at(30), nothing) })
		wait("replaced", time.Hour, func(s *script) { s.on(j.look, at(30), at(5)) })
		wait("context ends", 7*time.Second, func(*script) {})
		synctest.Test(t, func(t *testing.T) {
			_, err := j.run(t.Context(), newScript(t).on(j.look, at(30)).client())
			add(j.name+", running", err)
		})
		if j.stop == "" {
			continue
		}
		wait("context ends, stopped", 7*time.Second, func(s *script) { s.on(j.stop, nothing) }, TerminateOnCancel())
		wait("context ends, not stopped", 7*time.Second, func(s *script) { s.on(j.stop, answers(403, "")) }, TerminateOnCancel())
		synctest.Test(t, func(t *testing.T) {
			task := j.attach(newScript(t).on(j.look, at(30), nothing).on(j.stop, nothing).client())
			require.NoError(t, task.Terminate(t.Context()))
			_, err := task.Wait(t.Context())
			add(j.name+", gone after a terminate", err)
		})
	}
	return names, errs
}

func TestErrorTexts(t *testing.T) {
	names, errs := golden(t)
	path := filepath.Join("..", "testdata", "errors", "texts.golden")
	if *update {
		var now strings.Builder
		for _, name := range names {
			fmt.Fprintf(&now, "%s\n\t%s\n", name, errs[name])
		}
		require.NoError(t, os.WriteFile(path, []byte(now.String()), 0o600))
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	want := map[string]string{}
	for i := 0; i+1 < len(lines); i += 2 {
		want[lines[i]] = strings.TrimPrefix(lines[i+1], "\t")
	}
	assert.Len(t, want, len(names), "all are in the file, and no others; go test ./wrapper -run ErrorTexts -update")
	for name, err := range errs {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, want[name], err.Error(), "a text that people may have learnt to look for has changed; -update if that is meant")
			presentable(t, err)
			assert.NotContains(t, err.Error(), "SECRET")
			assert.False(t, strings.HasSuffix(err.Error(), "."), "other texts may follow")
			var e *Error
			if !errors.As(err, &e) {
				return
			}
			assert.Contains(t, err.Error(), e.Operation, "what was asked")
			switch callOf(t, e.Operation).class { // what it means
			case effectRead:
				assert.Contains(t, err.Error(), "Nothing was changed")
			case effectStart:
				assert.Regexp(t, "No job was started|Whether a job was started is not known", err.Error())
			case effectMail:
				assert.Regexp(t, "No mail was sent|Whether a mail was sent is not known", err.Error())
			}
			if e.StatusCode > 0 {
				assert.Contains(t, err.Error(), fmt.Sprint(e.StatusCode, " ", http.StatusText(e.StatusCode)), "what was answered")
			}
		})
	}
}

func TestTextsHaveOneFullStopAndNoDoubleSpace(t *testing.T) {
	_, errs := golden(t)
	for name, err := range errs {
		assert.NotRegexp(t, `\.\.|\. \(|\.;|  `, err.Error(), name)
	}
}

// Error's comment promises what to do next; without an answer, and for a 400 of a look or a terminate, there is nothing.
func TestEveryTextSaysWhatToDoNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, reply := range map[string]reply{"refused": fails(errRefused), "400": answers(400, "")} {
			for _, call := range calls {
				err := call.typed(t.Context(), newScript(t).onAll(reply).client())
				var e *Error
				require.ErrorAs(t, err, &e)
				assert.Regexp(t, `(changed|started|stopped|sent|known)\. \S`, err.Error(), "%s on %s", name, call.id)
			}
		}
	})
}

// The rule of an operation explains a 400 of the portal; a 415 or a 408 has nothing to do with the users.
func TestTheRuleOfAnOperationStandsWhereItApplies(t *testing.T) {
	for _, status := range []int{405, 408, 413, 415, 431} {
		err := callOf(t, "startRemove").typed(t.Context(), newScript(t).onAll(answers(status, "")).client())
		assert.NotContains(t, err.Error(), "The user has to exist, to be disabled", "%d", status)
	}
}

// "Stop it", "another target" and "somebody else" are wrong for the personal folder, "another target" for a removal.
func TestARunningJobIsDescribedAsItsKindAllows(t *testing.T) {
	for _, j := range jobs[1:] {
		_, err := j.run(t.Context(), newScript(t).on(j.look, at(30)).client())
		taskError(t, err, ErrTaskRunning)
		assert.NotContains(t, err.Error(), "target", j.name)
		if j.stop == "" {
			assert.NotContains(t, err.Error(), "stop it", j.name)
			assert.NotContains(t, err.Error(), "somebody else", "it is always the caller's own")
		}
	}
}

// A redirect is answered by what stands before the portal's operations: a sign-in page, a move to https. The advice to
// look at the progress leads to the same redirect; the base URL is what has to be looked at.
func TestARedirectedStartIsToldToCheckTheBaseURL(t *testing.T) {
	for name, reply := range map[string]reply{
		"a redirect":     answers(301, "", "Location", "https://other.test/api"),
		"a sign-in page": file(t, 200, "sign-in.html"),
	} {
		err := callOf(t, "startRemove").typed(t.Context(), newScript(t).onAll(reply).client())
		assert.Contains(t, err.Error(), "Check that the base URL is that of a portal", name)
	}
}

// With a retry cut short by the context, url.Error hides the second half of the cause.
func TestTheEndOfTheContextIsInTheTextAfterALostAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client := newScript(t).onAll(func(*http.Request) (*http.Response, error) {
			go func() { time.Sleep(1); cancel() }()
			return nil, errReset
		}).client(WithRetry(RetryPolicy{MaxAttempts: 4, MinDelay: time.Hour, MaxDelay: time.Hour}))
		err := callOf(t, "getRemoveProgress").typed(ctx, client)
		require.ErrorIs(t, err, context.Canceled)
		assert.Contains(t, err.Error(), "reset by peer")
		assert.Contains(t, err.Error(), "context canceled")
	})
}

func TestNoStackTraceIsShownWhateverItsShape(t *testing.T) {
	for _, message := range []string{
		`   at SECRET.Foo() in /src/a.cs:line 1\n   at SECRET.Bar()`, `Boom\n\tat SECRET.Foo()`, `Boom\r   at SECRET.Foo()`,
		`Boom\n at SECRET.Foo()`, `Boom   at SECRET.Foo(String s) in /src/a.cs`,
	} {
		for _, body := range []string{
			`{"error":{"message":"` + message + `"},"status":1,"statusCode":403}`, `{"response":"` + message + `","status":1,"statusCode":403}`,
			`"` + message + `"`, "\xef\xbb\xbf" + `{"error":{"message":"No","stack":"` + message + `"},"statusCode":403}`,
		} {
			err := callOf(t, "startRemove").typed(t.Context(), newScript(t).onAll(answers(403, body)).client())
			assert.NotContains(t, err.Error(), "SECRET", body)
		}
	}
}

func TestAConnectionThatNeverStoodLeavesNoDoubtAboutAStart(t *testing.T) {
	noLeaks(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing in the handshake
	require.NoError(t, err)
	defer silent.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for name, transport := range map[string]*http.Transport{
		"a proxy that is not there":        {Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: closed.Addr().String()})},
		"a SOCKS proxy that is not there":  {Proxy: http.ProxyURL(&url.URL{Scheme: "socks5", Host: closed.Addr().String()})},
		"a TLS handshake that never comes": {TLSHandshakeTimeout: 10 * time.Millisecond},
	} {
		client, err := New("https://"+silent.Addr().String(), WithAuth(APIKey(canary)), WithHTTPClient(&http.Client{Transport: transport}), WithRetry(RetryPolicy{MaxAttempts: 2, MinDelay: 1, MaxDelay: 2}))
		require.NoError(t, err)
		err = callOf(t, "startReassign").typed(t.Context(), client)
		assert.NotErrorIs(t, err, ErrOutcomeUnknown, "%s: %v", name, err)
		assert.Equal(t, 2, requestError(t, err, nil).Attempts, name)
	}
}
