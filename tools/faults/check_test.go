package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/docspace-go/userdata/wrapper"
)

// outcome is all that can be seen of one call from outside.
type outcome struct {
	value   any
	err     error
	panic   any
	hung    bool // it did not return in time, and had to be freed
	took    time.Duration
	log     string
	client  *wrapper.Client
	open    int    // bodies or connections that were left open
	leaks   string // a goroutine that was left behind
	alloc   uint64 // bytes allocated, where measured
	arrived int64  // bytes that the server got rid of, where counted
}

const (
	mostAlloc   = 8 << 20  // what one attempt may allocate, this test's own server included
	mostArrived = 12 << 20 // what the server can send in one attempt: what is read, and what the sockets hold
)

// findings are what is wrong with a cell, a line each.
func (c *cell) findings(o outcome) (found []string) {
	say := func(format string, values ...any) { found = append(found, fmt.Sprintf(format, values...)) }
	w := c.want
	if o.hung {
		say("it does not return by itself")
	}
	if o.panic != nil {
		say("panic: %v", o.panic)
		return found
	}
	free := c.facts.free && o.err == nil
	switch {
	case free:
	case w.fine && o.err != nil:
		say("an error where there is an answer: %v", o.err)
	case !w.fine && o.err == nil:
		say("no error, but %+v", o.value)
	case !w.fine:
		found = append(found, w.wrongError(o.err)...)
	}
	if p, ok := o.value.(wrapper.Progress); ok && o.err == nil {
		want := c.op.value
		if c.stage == nextLook || c.stage == startSeen || c.stage == startGone {
			want = "100%, completed"
		} else if c.facts.value != "" {
			want = c.facts.value
		}
		if got := p.String(); got != want && want != "?" {
			say("the answer is %q instead of %q", got, want)
		}
		if p.Percentage < 0 || p.Percentage > 100 {
			say("a percentage of %d", p.Percentage)
		}
	} else if o.err == nil && c.op.value != "" && c.facts.value == "" && c.stage == direct && fmt.Sprint(o.value) != c.op.value {
		say("the answer is %q instead of %q", fmt.Sprint(o.value), c.op.value)
	}
	if c.virtual {
		slack := time.Duration(0)
		if c.stage != direct && c.facts.stop == 0 {
			slack = 5 * time.Second // a few looks
		}
		least, most := w.shortest(c.facts, attemptLimit), w.longest(c.facts, attemptLimit)+slack
		if o.took < least || o.took > most {
			say("it took %v instead of %v to %v", o.took, least, most)
		}
	} else if most := w.longest(c.facts, c.limit) + 4*time.Second; o.took > most { // the machine may be busy
		say("it took %v, and at most %v were allowed", o.took.Round(time.Millisecond), most)
	}
	found = append(found, c.wrongTraffic(o)...)
	if o.open != 0 {
		say("%d bodies or connections were left open", o.open)
	}
	if o.leaks != "" {
		say("a goroutine was left behind: %s", o.leaks)
	}
	attempts := max(w.attempts, 1)
	if limit := uint64(attempts * mostAlloc); o.alloc > limit {
		say("%d MiB were allocated, and at most %d are allowed", o.alloc>>20, limit>>20)
	}
	if limit := int64(attempts * mostArrived); o.arrived > limit {
		say("%d MiB were taken from the server, and at most %d are allowed", o.arrived>>20, limit>>20)
	}
	found = append(found, c.shown(o)...)
	return found
}

// wrongError says what is wrong with the kind of an error.
func (w want) wrongError(err error) (found []string) {
	say := func(format string, values ...any) { found = append(found, fmt.Sprintf(format, values...)) }
	var (
		request *wrapper.Error
		task    *wrapper.TaskError
	)
	isRequest, isTask := errors.As(err, &request), errors.As(err, &task)
	if wantTask := w.watched || w.noTask; isTask != wantTask {
		say("the error is a TaskError: %t instead of %t: %v", isTask, wantTask, err)
	}
	if _, bare := err.(*wrapper.Error); !bare && !isTask {
		say("the error is of type %T", err)
	}
	reason := w.reason
	if w.noTask {
		reason = wrapper.ErrNoTask
	}
	for one, name := range allReasons {
		if errors.Is(err, one) != (one == reason) {
			say("it is %s: %t: %v", name, errors.Is(err, one), err)
		}
	}
	if w.noTask || w.reason != nil && w.watched {
		if errors.Is(err, wrapper.ErrOutcomeUnknown) != w.unknown {
			say("ErrOutcomeUnknown is %t: %v", !w.unknown, err)
		}
		return found
	}
	if !isRequest {
		say("no *wrapper.Error is reached: %v", err)
		return found
	}
	if request.StatusCode != w.status {
		say("the status is %d instead of %d: %v", request.StatusCode, w.status, err)
	}
	for kind, name := range allKinds {
		wanted := false
		for _, one := range w.kinds {
			wanted = wanted || one == kind
		}
		if errors.Is(err, kind) != wanted {
			say("it is %s: %t: %v", name, !wanted, err)
		}
	}
	if errors.Is(err, wrapper.ErrOutcomeUnknown) != w.unknown {
		say("ErrOutcomeUnknown is %t: %v", !w.unknown, err)
	}
	if request.Attempts != w.attempts {
		say("%d attempts instead of %d: %v", request.Attempts, w.attempts, err)
	}
	if w.cause != nil && !errors.Is(err, w.cause) {
		say("it is not %q: %v", w.cause, err)
	}
	return found
}

// wrongTraffic says what is wrong with what the server saw.
func (c *cell) wrongTraffic(o outcome) (found []string) {
	say := func(format string, values ...any) { found = append(found, fmt.Sprintf(format, values...)) }
	perAttempt := c.facts.perAttempt()
	times := c.want.attempts
	if c.stage == startSeen || c.stage == startGone {
		times = c.want.starts
	}
	counted := c.script.faulty
	if c.facts.then != nil {
		counted = c.script.asked[c.op.method]
	}
	early := c.facts.hang && !c.virtual && counted > 0 // a busy machine may be too late for the limit of an attempt
	if expected := times * perAttempt; perAttempt >= 0 && counted != expected && !c.facts.free && (counted > expected || !early) {
		say("the server saw it %d times instead of %d", counted, expected)
	}
	if n := c.script.asked[http.MethodPost]; c.op.class == start && c.stage == nextLook && n != 1 {
		say("the job was started %d times", n)
	}
	for _, req := range c.script.requests {
		if req.origin != c.script.origin {
			say("a request went to %s", req.origin)
			if signed := signedWith(&http.Request{Header: req.header}); signed != "" {
				say("with the credential")
			}
		}
		bare := req.header.Clone()
		bare.Del("Authorization")
		bare.Del("Cookie")
		if leak := c.leak(req.url + fmt.Sprint(bare)); leak != "" && !strings.Contains(req.url, "/echo/") { // that is the server's own
			say("a request shows the credential (%s)", leak)
		}
	}
	return found
}

var (
	traces   = regexp.MustCompile(`   at \S+\(|goroutine \d+ \[|STACKTRACE`)
	subjects = regexp.MustCompile(`reassignment|removal|deletion of the personal folder`)
)

// shown says what is wrong with the texts that come out.
func (c *cell) shown(o outcome) (found []string) {
	say := func(format string, values ...any) { found = append(found, fmt.Sprintf(format, values...)) }
	seen := fmt.Sprintf("%v %+v %s", o.value, o.value, strings.Join(strings.Fields(o.log), " "))
	for _, v := range []any{o.value, o.client} {
		seen += fmt.Sprintf(" %v %+v %#v", v, v, v)
	}
	for _, text := range texts(o.value) { // values hold what portals say, as it is, but for credentials
		seen += text
	}
	if leak := c.leak(seen); leak != "" {
		say("the answer, the client or the log shows the credential (%s)", leak)
	}
	if o.err == nil {
		return found
	}
	text := o.err.Error()
	switch {
	case strings.ContainsAny(text, "\r\n\x1b\x00"):
		say("the error's text is not one line: %q", text)
	case traces.MatchString(text):
		say("the error's text has a stack trace: %q", text)
	case len(text) > 2000:
		say("the error's text has %d bytes", len(text))
	}
	var task *wrapper.TaskError
	if errors.As(o.err, &task) && !subjects.MatchString(text) || task == nil && !strings.Contains(text, c.op.id) {
		say("the error's text does not name the operation: %q", text)
	}
	for _, err := range tree(o.err) {
		for _, format := range []string{"%v", "%+v", "%#v", "%q"} {
			if leak := c.leak(fmt.Sprintf(format, err)); leak != "" {
				say("%s of a %T shows the credential (%s)", format, err, leak)
			}
		}
	}
	for _, text := range texts(o.err) {
		if leak := c.leak(text); leak != "" {
			say("a field of the error shows the credential (%s): %.80q", leak, text)
		}
	}
	return found
}

// leak is a piece of the cell's credential that a text shows, as it is or escaped for a URL. Pieces are enough: whoever
// cuts a text may cut a credential.
func (c *cell) leak(text string) string {
	for _, secret := range c.credential.secrets {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			for _, piece := range []string{form[:10], form[len(form)/2-5 : len(form)/2+5], form[len(form)-10:]} {
				if strings.Contains(text, piece) {
					return piece
				}
			}
		}
	}
	return ""
}

// tree is an error and all that it wraps.
func tree(err error) []error {
	if err == nil {
		return nil
	}
	all := []error{err}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		all = append(all, tree(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			all = append(all, tree(one)...)
		}
	}
	return all
}

// texts are all strings and bytes that a value leads to, exported or not, except for those of a client.
func texts(v any) []string {
	var (
		found []string
		walk  func(reflect.Value, int)
		seen  = map[uintptr]bool{}
	)
	walk = func(v reflect.Value, depth int) {
		if depth > 12 || !v.IsValid() {
			return
		}
		switch v.Kind() {
		case reflect.String:
			found = append(found, v.String())
		case reflect.Pointer:
			if v.Type() != reflect.TypeFor[*wrapper.Client]() && !seen[v.Pointer()] {
				seen[v.Pointer()] = true
				walk(v.Elem(), depth+1)
			}
		case reflect.Interface:
			walk(v.Elem(), depth+1)
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i), depth+1)
			}
		case reflect.Map:
			for _, key := range v.MapKeys() {
				walk(key, depth+1)
				walk(v.MapIndex(key), depth+1)
			}
		case reflect.Slice, reflect.Array:
			if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
				found = append(found, string(v.Bytes()))
				return
			}
			for i := range min(v.Len(), 100) {
				walk(v.Index(i), depth+1)
			}
		}
	}
	walk(reflect.ValueOf(v), 0)
	return found
}

func is(err, target error) bool { return err != nil && errors.Is(err, target) }

func as[T error](err error, target *T) bool { return err != nil && errors.As(err, target) }
