package wrapper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
)

// What a portal answered, for errors.Is on an [Error]. Statuses without a value of their own count as the first of their
// class, as HTTP has it: 415 is an ErrBadRequest, 599 an ErrServer.
var (
	ErrBadRequest      = errors.New("bad request")      // 400: the portal objects to the request, or to the users in it
	ErrUnauthorized    = errors.New("unauthorized")     // 401: no credential, or one that is not accepted
	ErrPaymentRequired = errors.New("payment required") // 402: the portal is not paid for
	ErrForbidden       = errors.New("forbidden")        // 403: the account, key or address may not do this
	ErrNotFound        = errors.New("not found")        // 404: no such user, or no portal at the base URL
	ErrRateLimited     = errors.New("rate limited")     // 429: a limit of the portal was reached
	ErrServer          = errors.New("server error")     // 5xx: the portal, or the proxy before it, failed

	// ErrUnexpectedResponse is a success that is no answer, such as a sign-in page, an error inside a 200, or a body that
	// breaks off; and a redirect that was not followed.
	ErrUnexpectedResponse = errors.New("unexpected response")
)

// ErrOutcomeUnknown, for errors.Is on any error of this package, says that nobody can tell from here whether what was
// asked for happened, or how a job ended. Look before doing it again.
var ErrOutcomeUnknown = errors.New("outcome unknown")

// What became of a job, for errors.Is on a [TaskError].
var (
	ErrTaskFailed   = errors.New("the job failed")
	ErrTaskCanceled = errors.New("the job was canceled")
	ErrNoTask       = errors.New("no such job is known to the portal") // nothing is queued, or nothing any more
	ErrTaskLost     = errors.New("the job's progress has vanished")    // for longer than AbsentFor; also ErrOutcomeUnknown
	ErrTaskRunning  = errors.New("such a job runs already")            // it was not joined

	// ErrTaskReplaced is an ErrTaskLost: what the portal shows now is another job, which begins anew or has another ID.
	ErrTaskReplaced = fmt.Errorf("%w: another job has taken its place", ErrTaskLost)
)

var (
	errZeroUser    = errors.New("the user's id is the zero UUID")
	errZeroTarget  = errors.New("the target's id is the zero UUID")
	errSameUser    = errors.New("the user who gets the data is the one who leaves")
	errUnknownType = errors.New("the contract has no such user type")
	errNoFolder    = fmt.Errorf("portals cannot stop the deletion of a personal folder: %w", errors.ErrUnsupported)

	errElsewhere = errors.New("the address is not that of the base URL, which credentials are bound to")
	errExposed   = errors.New("credentials would travel unencrypted; use https, or WithPlainHTTP")

	errHTML       = errors.New("an HTML page")
	errNoJSON     = errors.New("no JSON")
	errCutJSON    = errors.New("JSON that cannot be read")
	errOtherKind  = errors.New("JSON of another kind")
	errNoResponse = errors.New("nothing of what was asked for")
	errTooLarge   = fmt.Errorf("a body of more than %d KiB", maxBody>>10)
	errRedirect   = errors.New("a redirect that is not followed")
	errReported   = errors.New("an error inside a success")
)

// Error is a request that brought no answer of use: refused by the portal, lost on the way, or not even sent. Use
// [errors.As] with a *Error to reach it, and [errors.Is] to tell the kinds apart; the cause, where there is one (a
// net.Error, context.Canceled), is reached by errors.Is and errors.As as well.
type Error struct {
	Operation  string              // operationId in the contract
	User       uuid.UUID           // whom it was about; zero where that is the caller, or not known
	StatusCode int                 // HTTP status, 0 if there was no answer
	Message    string              // the portal's words, if it had any
	Type       string              // the name of the portal's exception, if it gave one
	Fields     map[string][]string // for values that the portal could not read: what is wrong, by field
	RetryAfter time.Duration       // how long the portal asks to wait, 0 if it does not say
	Attempts   int                 // how often the request was sent, 0 if never
	Body       []byte              // the answer, at most 4 KiB of it, with credentials hidden; may hold the portal's stack trace

	cause    error
	ended    error  // why it was not sent (again): the context's end
	reported int    // the status inside a success that holds an error
	location string // where a redirect points, or a page came from after one
	cut      bool   // whether the status came, but not all of the body
	offline  bool   // whether there was no connection to send it on
	unsure   bool   // whether an attempt before this one may have been taken
}

// Unwrap returns the causes, if there are any apart from the portal's answer.
func (e *Error) Unwrap() (causes []error) {
	for _, cause := range []error{e.cause, e.ended} {
		if cause != nil {
			causes = append(causes, cause)
		}
	}
	return causes
}

// Is tells whether the error is of the kind of one of this package's Err values.
func (e *Error) Is(target error) bool {
	if target == ErrOutcomeUnknown {
		return e.unknown()
	}
	return target == kindOf(e.StatusCode).err || e.reported != 0 && target == kindOf(e.reported).err
}

// kind is what a class of answers means, and what to do about it.
type kind struct {
	err    error
	advice string
}

func kindOf(status int) kind {
	switch {
	case status == 0:
		return kind{nil, "Check that the base URL is right and the portal can be reached"}
	case status < 400:
		return kind{ErrUnexpectedResponse, "Check that the base URL is that of a portal"}
	case status == http.StatusUnauthorized:
		return kind{ErrUnauthorized, "Check the credential: there is none, or it is wrong, has expired, or belongs to a disabled account"}
	case status == http.StatusPaymentRequired:
		return kind{ErrPaymentRequired, "The portal has to be paid for first"}
	case status == http.StatusForbidden:
		return kind{ErrForbidden, "Use an account that may do this, an API key that has the scope, an address that is let in"}
	case status == http.StatusNotFound:
		return kind{ErrNotFound, "Check that the base URL is that of a portal, and the user's id"}
	case status == http.StatusTooManyRequests:
		return kind{ErrRateLimited, "Try again later, and send less at once"}
	case status < 500:
		return kind{ErrBadRequest, "Check what was asked for: the portal does not take it as it is"}
	}
	return kind{ErrServer, "Try again later"}
}

// refused tells whether the portal certainly did not do what was asked: it said so, or never got it.
func (e *Error) refused() bool {
	status := max(e.StatusCode, e.reported)
	return e.Attempts == 0 || status >= 400 && status < 500 || e.unreached()
}

// unreached tells whether the request certainly never got to the portal: there was no connection, or the proxy has said
// when there will be one.
func (e *Error) unreached() bool {
	var dial *net.OpError
	return e.StatusCode == http.StatusServiceUnavailable && e.RetryAfter > 0 ||
		e.StatusCode == 0 && (e.offline || errors.As(e.cause, &dial) && dial.Op == "dial")
}

func (e *Error) unknown() bool {
	return words[e.operation().effect].unknown != "" && (e.unsure || !e.refused())
}

func (e *Error) operation() operation {
	for _, op := range operations {
		if op.id == e.Operation {
			return op
		}
	}
	return operation{}
}

// words are what a failure means for the data, by what the operation does, and what to look at if that is not known.
var words = map[effect]struct{ nothing, unknown, look string }{
	effectRead:      {nothing: "Nothing was changed"},
	effectStart:     {"No job was started", "Whether a job was started is not known", "Look at the progress before starting it again"},
	effectTerminate: {"The job was not stopped", "Whether the job was stopped is not known", "Stopping it again does no harm"},
	effectMail:      {"No mail was sent", "Whether a mail was sent is not known", "Look into the mailbox before sending one more"},
}

// Error says in one line what was asked, of which user, what the portal answered, what that means for the data, and
// what to do next.
func (e *Error) Error() string {
	asked := e.Operation
	if e.User != uuid.Nil {
		asked += " of user " + e.User.String()
	}
	sentences := []string{asked + ": " + e.happened()}
	w := words[e.operation().effect]
	if e.unknown() {
		sentences = append(sentences, w.unknown, w.look)
	} else {
		sentences = append(sentences, w.nothing)
	}
	return paragraph(append(sentences, e.advice()...))
}

// advice says what to do next, apart from finding out what has happened.
func (e *Error) advice() []string {
	status := max(e.StatusCode, e.reported)
	switch {
	case e.Attempts == 0, e.ended != nil, errors.Is(e.cause, context.Canceled):
		return nil // the caller knows what to do about what the caller has done
	case e.RetryAfter > 0:
		return []string{"Try again after " + rounded(e.RetryAfter)}
	case e.unknown() && (e.cut || status == 0 || status >= 500):
		return nil
	case e.cut:
		return []string{"Try again"}
	case status == http.StatusBadRequest, status == http.StatusForbidden:
		return []string{kindOf(status).advice, e.operation().rule}
	}
	return []string{kindOf(status).advice}
}

// happened says what came back.
func (e *Error) happened() string {
	parts := []string{"no answer"}
	switch {
	case e.Attempts == 0:
		parts[0] = "not sent"
	case e.StatusCode != 0:
		parts[0] = strings.TrimSpace(fmt.Sprintf("the portal answered %d %s", e.StatusCode, http.StatusText(e.StatusCode)))
	}
	if e.cause != nil {
		parts = append(parts, plain(e.cause))
	}
	if e.reported != 0 {
		parts = append(parts, fmt.Sprintf("%d %s", e.reported, http.StatusText(e.reported)))
	}
	if e.location != "" {
		parts = append(parts, oneLine(e.location))
	}
	if e.ended != nil && !errors.Is(e.cause, e.ended) {
		parts = append(parts, plain(e.ended))
	}
	text := strings.Join(parts, ", ")
	if e.Attempts > 1 {
		text += fmt.Sprintf(" (attempt %d)", e.Attempts)
	}
	if e.Message != "" {
		text += ": " + oneLine(e.Message)
	}
	var fields []string
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		fields = append(fields, field+": "+strings.TrimRight(strings.Join(e.Fields[field], " "), ". "))
	}
	if len(fields) > 0 {
		text = strings.TrimRight(text, ".") + ". " + oneLine(strings.Join(fields, "; "))
	}
	return text
}

// GoString keeps %#v as readable, and as free of the portal's stack trace, as %v.
func (e *Error) GoString() string { return e.Error() }

// notSent is the error for a request that was stopped before anything went out.
func notSent(op string, user uuid.UUID, cause error) error {
	return &Error{Operation: op, User: user, cause: cause}
}

// about names the operation and the user in an error of the raw client, which comes from the chain as *Error, or from
// building and signing the request as anything else.
func about(op string, user uuid.UUID, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return notSent(op, user, err)
	}
	e.Operation, e.User = op, user
	return e
}

// TaskError is a job that did not end well, or that could not be watched to its end.
type TaskError struct {
	Operation string        // operationId of the look at the job
	User      uuid.UUID     // whose data the job works on; zero for the caller's own folder
	Progress  Progress      // what was last seen; zero if nothing was
	Reason    error         // an ErrTask… value, or why watching ended, such as context.Canceled
	Absent    time.Duration // for ErrTaskLost: how long nothing was seen

	note string // what became of the job, where watching ended before it did
	stop error  // why it could not be stopped
}

// Unwrap returns the reason, and why the job could not be stopped where that was tried.
func (e *TaskError) Unwrap() []error {
	if e.stop != nil {
		return []error{e.Reason, e.stop}
	}
	return []error{e.Reason}
}

// Is makes a job one whose outcome is unknown if it was lost, if the portal failed while it was watched, and if it was
// asked to stop and then vanished without the portal's having said that it stops: a removal that is at work goes on to
// its end.
func (e *TaskError) Is(target error) bool {
	return target == ErrOutcomeUnknown && (errors.Is(e.Reason, ErrTaskLost) || errors.As(e.Reason, new(*Error)) ||
		errors.Is(e.Reason, ErrTaskCanceled) && (e.note == unconfirmed || e.note == removal.stopped))
}

// Error says in one line what became of the job, what that means for the data, and what to do next.
func (e *TaskError) Error() string {
	kind := kindOfTask(e.Operation)
	job, seen := kind.name, "it was never seen"
	if e.User != uuid.Nil {
		job += " of user " + e.User.String()
	}
	if e.Progress != (Progress{}) {
		seen = "last seen at " + e.Progress.String()
	}
	switch {
	case errors.Is(e.Reason, ErrTaskFailed):
		text := fmt.Sprintf("%s failed at %d%%", job, e.Progress.Percentage)
		if said := oneLine(e.Progress.Error); said != "" {
			text += ": " + said
		}
		return paragraph([]string{text, kind.remains, "Remove the cause and start it again"})
	case errors.Is(e.Reason, ErrTaskCanceled) && e.note != "":
		return paragraph([]string{job + " was asked to stop, " + seen, e.note})
	case errors.Is(e.Reason, ErrTaskCanceled):
		return paragraph([]string{fmt.Sprintf("%s was canceled at %d%%", job, e.Progress.Percentage), kind.remains})
	case errors.Is(e.Reason, ErrNoTask):
		return paragraph([]string{job + ": the portal knows of none", "None was started, or it ended more than a minute ago, or it waits behind others"})
	case errors.Is(e.Reason, ErrTaskLost):
		gone := "the portal has shown no progress for " + rounded(e.Absent)
		if errors.Is(e.Reason, ErrTaskReplaced) {
			gone = "another job has taken its place"
		}
		return paragraph([]string{job + ": " + gone + ", " + seen, "Whether and how it ended is not known", "Look at the portal before starting it again"})
	case errors.Is(e.Reason, ErrTaskRunning):
		return paragraph([]string{fmt.Sprintf("%s: one runs already (%s), nothing was started", job, e.Progress), kind.running})
	}
	why, advice := plain(e.Reason), []string(nil)
	if look := (*Error)(nil); errors.As(e.Reason, &look) {
		why, advice = look.happened(), look.advice()
	}
	note := e.note
	if note == "" {
		note = "The job goes on. Attach to it to see how it ends"
	}
	return paragraph(append([]string{job + ": no longer watched, " + seen + ": " + why, note}, advice...))
}

// GoString keeps %#v as readable, and as free of the portal's stack trace, as %v.
func (e *TaskError) GoString() string { return e.Error() }

// paragraph joins sentences, the portal's with or without a full stop.
func paragraph(sentences []string) string {
	sentences = slices.DeleteFunc(sentences, func(s string) bool { return s == "" })
	for i, s := range sentences {
		sentences[i] = strings.TrimRight(s, ". ")
	}
	return strings.Join(sentences, ". ")
}

// rounded is a time to the second, as far as it has any.
func rounded(d time.Duration) string {
	if d > time.Second {
		d = d.Round(time.Second)
	}
	return d.String()
}

// plain is a cause's text without what net/http puts before it, a URL that may be long and may hold a secret.
func plain(cause error) string {
	for u := (*url.Error)(nil); errors.As(cause, &u) && u.Err != nil; {
		cause = u.Err
	}
	switch {
	case cause == nil:
		return "for no known reason"
	case errors.Is(cause, context.DeadlineExceeded):
		return "the time was up"
	}
	return oneLine(cause.Error())
}

// oneLine makes somebody else's text fit for an error's: one line of at most 300 characters, no stack trace, nothing
// that steers a terminal.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	words := strings.Fields(text)
	for i, word := range words {
		if i > 0 && words[i-1] == "at" && strings.LastIndexByte(word, '(') > 0 { // "at Type.Method(": a stack trace begins
			words = words[:i-1]
			break
		}
	}
	text = strings.Join(words, " ")
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:299]) + "…"
	}
	return text
}
