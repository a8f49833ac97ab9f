package wrapper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
)

// Without -fuzz these try their seeds: the answers in testdata, and the inputs that have shown something once, which are
// in testdata/fuzz beside this file under a name that says what.

// wire is a transport in memory.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	resp, err := w(req)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// once is a client that sends every request a single time.
func (w wire) once(t *testing.T) *Client {
	t.Helper()
	c, err := New("https://portal.test", WithAuth(APIKey(canary)), WithHTTPClient(&http.Client{Transport: w}), WithRetry(RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// values are the ten operations once more, with what they return.
var values = map[string]func(context.Context, *Client) (any, error){
	"necessaryReassign": func(ctx context.Context, c *Client) (any, error) { return c.NecessaryReassign(ctx, leaving, "") },
	"startReassign": func(ctx context.Context, c *Client) (any, error) {
		return first(c.StartReassign(ctx, leaving, successor))
	},
	"getReassignProgress": func(ctx context.Context, c *Client) (any, error) {
		return c.ReassignTask(leaving).Progress(ctx)
	},
	"terminateReassign": func(ctx context.Context, c *Client) (any, error) { return nil, c.ReassignTask(leaving).Terminate(ctx) },
	"startRemove":       func(ctx context.Context, c *Client) (any, error) { return first(c.StartRemove(ctx, leaving)) },
	"getRemoveProgress": func(ctx context.Context, c *Client) (any, error) { return c.RemoveTask(leaving).Progress(ctx) },
	"terminateRemove":   func(ctx context.Context, c *Client) (any, error) { return nil, c.RemoveTask(leaving).Terminate(ctx) },
	"startDeletePersonalFolder": func(ctx context.Context, c *Client) (any, error) {
		return first(c.StartDeletePersonalFolder(ctx))
	},
	"getDeletePersonalFolderProgress": func(ctx context.Context, c *Client) (any, error) {
		return c.DeletePersonalFolderTask().Progress(ctx)
	},
	"sendInstructionsToDelete": func(ctx context.Context, c *Client) (any, error) { return c.SendInstructionsToDelete(ctx) },
}

func first(task *Task, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return *task.last.Load(), nil
}

// FuzzAnswer has each operation get the same answer, and compares what it makes of it with what an independent reader
// does.
func FuzzAnswer(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "answers", "*.*"))
	if err != nil || len(files) == 0 {
		f.Fatal("there are no answers in testdata: ", err)
	}
	number := regexp.MustCompile(`[45]\d\d`)
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		kind := map[string]string{".json": "application/json; charset=utf-8", ".html": "text/html"}[filepath.Ext(name)]
		f.Add(200, kind, "", body)
		if status, err := strconv.Atoi(number.FindString(name)); err == nil {
			f.Add(status, kind, "", body)
		}
	}
	f.Add(403, "application/json", "", []byte(`{"error":{"message":"the key sk-CANARY may not"}}`))
	f.Add(403, "application/json", "", []byte(`{"error":{"message":"the key \u0073k-CANARY may not"}}`))
	f.Add(200, "application/json", "", []byte(`{"response":"the key sk-CANARY"}`))
	f.Add(302, "text/plain", "https://portal.test/sk-CANARY", []byte("sk-CANARY"))
	f.Fuzz(func(t *testing.T, status int, kind, location string, body []byte) {
		if status < 200 || status > 999 || len(body) > 64<<10 {
			t.Skip("no server answers that")
		}
		portal := wire(func(req *http.Request) (*http.Response, error) {
			if originOf(req.URL) != (origin{"https", "portal.test", "443"}) || req.Header.Get("Authorization") != "Bearer "+canary {
				t.Errorf("request: went to %s, or without the credential", req.URL)
			}
			header := http.Header{"Content-Type": {kind}}
			if location != "" {
				header.Set("Location", location)
			}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})
		for _, c := range calls {
			client := portal.once(t) // a new one, since 429 makes one pause
			value, err := values[c.id](t.Context(), client)
			judge(t, c, status, body, value, err)
			if value != nil && strings.Contains(fmt.Sprintf("%#v", value), canary) {
				t.Errorf("%s: its value shows the credential: %#v", c.id, value)
			}
			resp, err := c.raw(t.Context(), portal.once(t).API()) //nolint:bodyclose // it has been read already
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.StatusCode != status {
					t.Errorf("%s: on the raw client the status %d is lost: %v", c.id, status, err)
				}
				readable(t, err)
				continue
			}
			again, err := io.ReadAll(resp.Body)
			if resp.StatusCode != status || !bytes.Equal(again, body) || err != nil {
				t.Errorf("%s: the raw client's answer is not what the portal sent", c.id)
			}
		}
	})
}

// mayEcho tells whether a text may have the credential in it, or the start of one, so that it is not shown as it is.
func mayEcho(text string) bool {
	plain := strings.ToLower(text)
	bare := regexp.MustCompile(`[^a-z0-9]`).ReplaceAllLiteralString(plain, "")
	return strings.Contains(plain, "sk-c") || strings.Contains(bare, "canary") || strings.Contains(text, "c2st") // which is base64
}

// judge compares what came of an answer with what should have.
func judge(t *testing.T, c call, status int, body []byte, value any, err error) {
	t.Helper()
	m := meaningOf(body)
	success := status < 300
	want, ok := any(nil), false
	switch _, response := c.success, m.response; {
	case !success || m.none != nil:
	case c.class == effectTerminate:
		ok = true
	case response == nil:
	case c.id == "necessaryReassign":
		want, ok = string(response) == "true", string(response) == "true" || string(response) == "false"
	case c.id == "sendInstructionsToDelete":
		var text string
		ok = json.Unmarshal(response, &text) == nil
		want = text
	default:
		want, ok = progressOf(response)
	}
	if ok != (err == nil) {
		t.Errorf("%s: %d with %.200q: the error is %v", c.id, status, body, err)
		return
	}
	echo := mayEcho(string(body))
	if ok {
		if want != value && !m.twice && !echo {
			t.Errorf("%s: %.200q is read as %+v, not as %+v", c.id, body, value, want)
		}
		return
	}
	readable(t, err)
	if success && m.none == nil && m.response == nil && strings.HasPrefix(c.id, "get") {
		if !errors.Is(err, ErrNoTask) || !errors.As(err, new(*TaskError)) {
			t.Errorf("%s: nothing is queued, and the error is %v", c.id, err)
		}
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%s: the error is a %T", c.id, err)
		return
	}
	if e.StatusCode != status || e.Operation != c.id || e.Attempts != 1 || !echo && !bytes.Equal(e.Body, body[:min(len(body), 4<<10)]) {
		t.Errorf("%s: after %d the error has status %d, operation %q, %d attempts, %d bytes of %d", c.id, status, e.StatusCode, e.Operation, e.Attempts, len(e.Body), len(body))
	}
	if bytes.Contains(e.Body, []byte(canary)) || len(e.Body) > 4<<10 || strings.Contains(e.Message+e.Type+fmt.Sprint(e.Fields), canary) {
		t.Errorf("%s: the fields of the error show the credential: %.300q", c.id, e.Body)
	}
	if about := !strings.Contains(c.id, "Delete"); about != (e.User == leaving) || !about && e.User != uuid.Nil {
		t.Errorf("%s: the error is about %s", c.id, e.User)
	}
	reported := 0
	if success && m.none != nil {
		reported = m.reported
	}
	for _, one := range kinds {
		if should := one == kindFor(status) || reported != 0 && one == kindFor(reported); should != errors.Is(err, one) {
			t.Errorf("%s: after %d, and %d inside, it is %t that the error is %q", c.id, status, reported, !should, one)
		}
	}
	refused := status >= 400 && status < 500 || reported >= 400 && reported < 500
	if should := c.class != effectRead && !refused; should != errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("%s: after %d, and %d inside, it is %t that the outcome is unknown", c.id, status, reported, !should)
	}
	var documented struct {
		Error struct {
			Message, Type, Stack *string
			Hresult              *int32
		}
		Status, StatusCode int
	}
	strict := json.NewDecoder(bytes.NewReader(body))
	strict.DisallowUnknownFields()
	if status >= 400 && !m.twice && !echo && json.Valid(body) && strict.Decode(&documented) == nil && documented.Error.Message != nil {
		if e.Message != *documented.Error.Message || documented.Error.Type != nil && e.Type != *documented.Error.Type {
			t.Errorf("%s: the portal's words are %.200q, not those in %.200q", c.id, e.Message, body)
		}
	}
}

// kindFor is the table of README.md.
func kindFor(status int) error {
	named := map[int]error{
		401: ErrUnauthorized, 402: ErrPaymentRequired, 403: ErrForbidden, 404: ErrNotFound, 429: ErrRateLimited,
	}
	switch {
	case named[status] != nil:
		return named[status]
	case status < 400:
		return ErrUnexpectedResponse
	case status < 500:
		return ErrBadRequest
	}
	return ErrServer
}

// meaning is what the body of a success says.
type meaning struct {
	none     error           // why it is no answer
	response json.RawMessage // nil if there is nothing
	reported int             // the status of an error inside
	twice    bool            // whether some name stands there twice, so that nobody can say what it means
}

func meaningOf(body []byte) (m meaning) {
	text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(text) == 0 {
		return m
	}
	whole, ok := pairsOf(text)
	if !ok {
		m.none = errors.New("no JSON object")
		return m
	}
	inner, _ := pairsOf(whole.get("response"))
	fault, _ := pairsOf(whole.get("error"))
	m.twice = whole.repeated() || inner.repeated() || fault.repeated()
	code, _ := strconv.Atoi(string(whole.get("statusCode")))
	if code >= 400 {
		m.reported = code
	}
	switch failure := whole.get("error"); {
	case whole.get("response") == nil && failure == nil && code == 0:
		m.none = errors.New("somebody else's JSON")
	case failure != nil && string(failure) != "null", string(whole.get("status")) == "1", code >= 400:
		m.none = errors.New("a failure")
	case string(whole.get("response")) != "null":
		m.response = whole.get("response")
	}
	return m
}

// progressOf reads a job's progress. What says too little is none.
func progressOf(response json.RawMessage) (p Progress, ok bool) {
	all, _ := pairsOf(response)
	percentage, err := strconv.Atoi(string(all.get("percentage")))
	completed := string(all.get("isCompleted"))
	text := func(name string, into *string) bool {
		raw := all.get(name)
		return raw == nil || json.Unmarshal(raw, into) == nil
	}
	if err != nil || completed != "true" && completed != "false" || !text("id", &p.ID) || !text("error", &p.Error) {
		return Progress{}, false
	}
	p.Percentage, p.IsCompleted = min(max(percentage, 0), 100), completed == "true"
	status := string(all.get("status"))
	quoted := strings.HasPrefix(status, `"`)
	if quoted {
		_ = json.Unmarshal([]byte(status), &status)
	}
	number, err := strconv.ParseInt(status, 10, 32)
	known := map[string]int{"created": 0, "running": 1, "completed": 2, "canceled": 3, "cancelled": 3, "failed": 4, "failted": 4}
	name, isName := known[strings.ToLower(status)]
	switch {
	case err == nil:
		p.Status = api.DistributedTaskStatus(number)
	case errors.Is(err, strconv.ErrRange):
		p.Status = api.DistributedTaskStatusUnknown
	case !quoted:
		return Progress{}, false
	case isName:
		p.Status = api.DistributedTaskStatus(name)
	default:
		p.Status = api.DistributedTaskStatusUnknown
	}
	if quoted && p.Status == api.DistributedTaskStatusUnknown {
		p.StatusName = status
	}
	return p, true
}

// pairs are those of a JSON object.
type pairs []struct {
	name  string
	value json.RawMessage
}

func pairsOf(text []byte) (all pairs, ok bool) {
	if !json.Valid(text) {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if begin, _ := dec.Token(); begin != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		name, _ := dec.Token()
		all = append(all, struct {
			name  string
			value json.RawMessage
		}{name: name.(string)})
		_ = dec.Decode(&all[len(all)-1].value)
	}
	return all, true
}

// get returns the last of that name, in any case, as encoding/json has it.
func (m pairs) get(name string) (value json.RawMessage) {
	for _, one := range m {
		if strings.EqualFold(one.name, name) {
			value = one.value
		}
	}
	return value
}

func (m pairs) repeated() bool {
	for i, one := range m {
		for _, other := range m[:i] {
			if strings.EqualFold(one.name, other.name) {
				return true
			}
		}
	}
	return false
}

// frame is a line of the portal's stack traces.
var frame = regexp.MustCompile(`(^|\s)at [^\s(]+\(`)

// readable asserts that an error's texts are one short line that a terminal shows as it is, with nothing in it that it
// must not show.
func readable(t *testing.T, err error) {
	t.Helper()
	plain := err.Error()
	for _, format := range []string{"%v", "%+v", "%#v"} {
		text := fmt.Sprintf(format, err)
		switch {
		case format != "%v" && text == plain:
		case !utf8.ValidString(text), strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
			t.Errorf("%s: not one line of readable text: %.500q", format, text)
		case utf8.RuneCountInString(text) > 2500:
			t.Errorf("%s: %d characters: %.200q", format, utf8.RuneCountInString(text), text)
		case frame.MatchString(text):
			t.Errorf("%s: shows a stack trace: %.500q", format, text)
		case strings.Contains(text, canary):
			t.Errorf("%s: shows the credential: %.500q", format, text)
		case format == "%v" && (strings.Contains(text, "  ") || strings.TrimSpace(text) != text || text == ""):
			t.Errorf("%s: odd spaces: %.500q", format, text)
		}
	}
}

// FuzzRetryAfter compares what is made of a Retry-After header with what RFC 9110 says about it.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{
		"", "0", "7", "86400", "007", "+7", "-7", "1.5", "7 s", "soon", "9223372036", "9223372037", "-9223372037",
		"99999999999999999999", "-99999999999999999999", "Sat, 01 Jan 2000 00:00:07 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
		"Saturday, 01-Jan-00 00:00:07 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Fri Dec 31 23:59:59 9999",
		"Sun, 06 Nov 1994 08:49:37 PST", "Mon, 30 Feb 2099 00:00:00 GMT", "\xff", "7\r\nSet-Cookie: a=b",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		before := time.Now()
		got := retryAfter(http.Header{"Retry-After": {value}})
		after := time.Now()
		if got < 0 {
			t.Fatalf("Retry-After %q: the wait is %s", value, got)
		}
		switch date, isDate := httpDate(value); {
		case regexp.MustCompile(`^[+-]?[0-9]+$`).MatchString(value): // a sign is none of RFC 9110's, and does no harm
			want := time.Duration(math.MaxInt64).Truncate(time.Second)
			if seconds, err := strconv.Atoi(value); err == nil && seconds < math.MaxInt64/int(time.Second) {
				want = time.Duration(max(seconds, 0)) * time.Second
			} else if value[0] == '-' {
				want = 0
			}
			if got != want {
				t.Errorf("Retry-After %q: the wait is %s, not %s", value, got, want)
			}
		case isDate:
			if earliest, latest := max(date.Sub(after), 0), max(date.Sub(before), 0); got < earliest || got > latest {
				t.Errorf("Retry-After %q: the wait is %s, not from %s to %s", value, got, earliest, latest)
			}
		default:
			if _, err := http.ParseTime(value); err != nil && got != 0 { // net/http takes more dates than RFC 9110 has
				t.Errorf("Retry-After %q: the wait is %s", value, got)
			}
		}
	})
}

var dates = []*regexp.Regexp{
	regexp.MustCompile(`^[A-Z][a-z]{2}, (?P<d>\d\d) (?P<mon>[A-Z][a-z]{2}) (?P<y>\d{4}) (?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d) GMT$`),
	regexp.MustCompile(`^[A-Z][a-z]{5,8}, (?P<d>\d\d)-(?P<mon>[A-Z][a-z]{2})-(?P<y>\d\d) (?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d) GMT$`),
	regexp.MustCompile(`^[A-Z][a-z]{2} (?P<mon>[A-Z][a-z]{2}) (?P<d>[ \d]\d) (?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d) (?P<y>\d{4})$`),
}

// httpDate reads the three forms of a date that HTTP has, and nothing else.
func httpDate(text string) (date time.Time, ok bool) {
	for _, form := range dates {
		found := form.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		part := func(name string) int {
			n, _ := strconv.Atoi(strings.TrimSpace(found[form.SubexpIndex(name)]))
			return n
		}
		year, month := part("y"), strings.Index("JanFebMarAprMayJunJulAugSepOctNovDec", found[form.SubexpIndex("mon")])
		if len(found[form.SubexpIndex("y")]) == 2 {
			if year += 1900; year < 1969 {
				year += 100
			}
		}
		day := found[0][:3]
		date = time.Date(year, time.Month(month/3+1), part("d"), part("h"), part("m"), part("s"), 0, time.UTC)
		known := strings.Contains("SunMonTueWedThuFriSat", day) && (len(found[0]) < 30 || strings.Contains("Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, ", strings.SplitAfter(found[0], " ")[0]))
		return date, month >= 0 && month%3 == 0 && date.Day() == part("d") && part("h") < 24 && part("m") < 60 && part("s") < 60 && known
	}
	return date, false
}

// FuzzBaseURL has New take a base URL, and looks where the requests go.
func FuzzBaseURL(f *testing.F) {
	for _, text := range []string{
		"https://portal.test", "https://portal.test/", "https://portal.test:8443/docs/", "http://localhost:8092", "http://127.0.0.1", "http://[::1]:80",
		"HTTPS://PORTAL.test/a//b/./../c", "https://portal.test/a%2Fb/%2e%2e/", "https://[fe80::1%25eth0]/", "https://portal.test/%7Buserid%7D",
		"https://user:secret@portal.test", "https://portal.test/?a=b", "https://portal.test/#a", "https://portal.test:99999", "https://portal.test:",
		"https://portal.test/api/2.0/", "ftp://portal.test", "portal.test", "//portal.test", "https:portal.test", "https:///x", "https://", "://", "", " ", "\x00",
		"https://b\u00fccher.test", "https://%62.test", "https://portal.test/\u202e", "https://portal.test/;a=b", "https://a@b@c/", "https://portal.test\\@evil.test/",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 || strings.Contains(text, "CANARY") {
			t.Skip("no address is like that")
		}
		for _, secret := range []string{"https://ann:" + canary + "@portal.test" + text, strings.Replace(text, "//", "//ann:"+canary+"@", 1), "//" + canary + "@" + text} {
			if _, err := New(secret, WithAuth(APIKey("sk-other"))); err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("base URL %q: the error shows the credential: %v", secret, err)
			} else if u, bad := url.Parse(secret); bad == nil && u.User != nil && err == nil {
				t.Errorf("base URL %q: its credential is taken", secret)
			}
		}
		u, malformed := url.Parse(text)
		nobody := wire(func(*http.Request) (*http.Response, error) { return nil, errReset })
		_, err := New(text, WithAuth(APIKey(canary)), WithHTTPClient(&http.Client{Transport: nobody}))
		plain, plainErr := New(text, WithAuth(APIKey(canary)), WithHTTPClient(&http.Client{Transport: nobody}), WithPlainHTTP(), WithRetry(RetryPolicy{MaxAttempts: 1}))
		if malformed != nil || u.Host == "" {
			if err == nil || plainErr == nil {
				t.Errorf("base URL %q: it is taken", text)
			}
			return
		}
		if err == nil && u.Scheme != "https" && !strings.EqualFold(u.Hostname(), "localhost") && !loopback(u.Hostname()) {
			t.Errorf("base URL %q: credentials go there unencrypted", text)
		}
		if plainErr != nil {
			return
		}
		base := strings.TrimSuffix(path.Clean("/"+u.EscapedPath()), "/")
		for _, c := range calls {
			var got *url.URL
			plain.way.client.Transport = wire(func(req *http.Request) (*http.Response, error) {
				got = req.URL
				return nil, errReset
			})
			_, err := c.raw(t.Context(), plain.API()) //nolint:bodyclose // it has been read already
			var e *Error
			switch {
			case got == nil:
				t.Errorf("base URL %q: %s: no request: %v", text, c.id, err)
			case got.Scheme != u.Scheme || got.Host != u.Host || got.User != nil || got.Fragment != "":
				t.Errorf("base URL %q: %s: goes to %s", text, c.id, got)
			case c.id != "necessaryReassign" && (got.RawQuery != "" || got.ForceQuery):
				t.Errorf("base URL %q: %s: has a query: %s", text, c.id, got)
			case got.EscapedPath() != base+c.path:
				t.Errorf("base URL %q: %s: goes to the path %s, not %s", text, c.id, got.EscapedPath(), base+c.path)
			case !errors.As(err, &e) || e.Operation != c.id:
				t.Errorf("base URL %q: %s: is taken for something else: %v", text, c.id, err)
			}
		}
	})
}

// FuzzPortalWords puts a text wherever a portal has words of its own, and looks at what users get to read.
func FuzzPortalWords(f *testing.F) {
	for _, text := range []string{
		"Access denied", "", "one\r\n\ttwo", "Failed\r\n   at ASC.A.B(String s) in /src/a.cs:line 7", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\u009b31mb",
		"a\u202egnp.exe", "a\u2028b\u2029c\u0085d", "\xff\xfe", "a\u200bb\u00a0c\ufeffd", strings.Repeat("\u00e4 ", 400), strings.Repeat("x", 5000),
		"...", " . ", "the key sk-CANARY", "the key sk-\u200bCAN\u00adARY", "50% %s %!d(MISSING)", "\U000e0041\U000f0000", "a.  b", "at", "at A(",
	} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, message, other string) {
		if len(message)+len(other) > 12<<10 {
			t.Skip("more than anybody says")
		}
		m, o := quoted(message), quoted(other)
		job := `{"response":{"id":` + o + `,"error":` + m + `,"percentage":5,"isCompleted":true,"status":` + o + `},"status":0,"statusCode":200}`
		for _, answer := range []struct {
			status     int
			kind, body string
			location   string
		}{
			{400, "application/json", `{"error":{"message":` + m + `,"type":` + o + `,"stack":` + m + `},"status":1,"statusCode":400}`, ""},
			{200, "application/json", `{"error":{"message":` + m + `,"type":` + o + `},"status":1,"statusCode":403}`, ""},
			{400, "application/problem+json", `{"response":{"title":` + m + `,"errors":{` + o + `:[` + m + `,` + o + `],` + m + `:[` + o + `]}},"status":1,"statusCode":400}`, ""},
			{403, "application/json", `{"response":` + m + `,"status":1,"statusCode":403}`, ""},
			{403, "application/json", m, ""},
			{500, "text/plain", message, ""},
			{302, "", other, "https://" + message + "/" + other},
			{302, "", message, other},
			{200, "application/json", job, ""},
		} {
			client := wire(func(*http.Request) (*http.Response, error) {
				header := http.Header{"Content-Type": {answer.kind}}
				if answer.location != "" {
					header.Set("Location", answer.location)
				}
				return &http.Response{StatusCode: answer.status, Header: header, Body: io.NopCloser(strings.NewReader(answer.body))}, nil
			}).once(t)
			_, startErr := client.StartRemove(t.Context(), leaving)
			p, err := client.RemoveTask(leaving).Wait(t.Context())
			for _, err := range []error{startErr, err} {
				if err != nil {
					readable(t, err)
				}
			}
			if said := tame(message); said != "" && answer.kind == "application/json" && !strings.Contains(fmt.Sprint(err), said) {
				t.Errorf("%q is not in %q", said, fmt.Sprint(err))
			}
			if !p.IsCompleted {
				continue
			}
			readable(t, errors.New(p.String()))
			for _, reason := range []error{ErrTaskRunning, ErrTaskLost, ErrTaskCanceled, context.Canceled, startErr, err} {
				if reason != nil {
					readable(t, &TaskError{Operation: "getRemoveProgress", User: leaving, Progress: p, Reason: reason, note: "Stopping it failed"})
				}
			}
		}
	})
}

// tame is a text if there is no reason not to show it as it is.
func tame(text string) string {
	if !regexp.MustCompile(`^[A-Za-z0-9]( ?[A-Za-z0-9])*$`).MatchString(text) || len(text) > 300 || mayEcho(text) {
		return ""
	}
	return text
}
