package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/docspace-go/userdata/wrapper"
)

// What is expected follows from what is true of a fault, and from what the operation does: from nothing that the code of
// the client says. The documentation that it follows is README.md, docs/jobs.md and the comments on wrapper.RetryPolicy.

const (
	attemptLimit = 30 * time.Second // of one attempt, by default
	longestDelay = time.Minute      // a longer Retry-After is not waited for
	mostAttempts = 4
)

// facts are what is true of a fault, whoever looks at it.
type facts struct {
	status  int           // of the answer, where a whole header came; 0 where none did
	inside  int           // the status that an error inside a success names
	fits    string        // who finds an answer in it, as letters of operation.wants
	value   string        // what a look makes of it, where that is not the usual
	empty   bool          // a success that says nothing: none is queued
	cut     bool          // the header came whole, the body did not
	never   bool          // the portal certainly never got the request, and the client can know
	lasting bool          // the same would happen again
	wait    time.Duration // what the Retry-After comes to
	hang    bool          // nothing more comes until the time is up
	outcome error         // what a job's progress like this means to whoever waits
	get     *facts        // what is true for a GET, where that is something else
	then    *facts        // what is true of the second attempt and those after it
	unsent  bool          // the client itself lets nothing out
	stop    time.Duration // when the caller's context ends; below zero: it has ended before
	stopped error         // and in what
	renews  bool          // the credential is refused, and there is another one
	free    bool          // a race that may go either way: an answer, or an unknown outcome
	seen    int           // requests that the server sees for one attempt: 0 means one, -1 none, -2 as many as net/http likes, which only reads leave to it
}

// want is what has to come out.
type want struct {
	fine     bool // an answer
	noTask   bool // a look that finds none
	status   int
	kinds    []error // all of the kinds that it is, and no others
	unknown  bool
	attempts int // in the last request; the server sees no more than that
	starts   int // requests that start a job, where there are several of them
	reason   error
	cause    error
	watched  bool // a *wrapper.TaskError about a job that was watched
}

// passes tells whether the same request may fare better later, from what the caller can see.
func (f facts) passes() bool {
	switch {
	case f.unsent, f.lasting, f.wait > longestDelay:
		return false
	case f.status == 0:
		return true
	case f.status < 300:
		return f.cut && f.status >= 200
	case f.status == http.StatusNotImplemented, f.status == http.StatusHTTPVersionNotSupported:
		return false
	}
	return f.status == http.StatusRequestTimeout || f.status == http.StatusTooManyRequests || f.status >= 500
}

// untouched tells whether it is proven that the portal did not do what was asked: it never got the request, it said no,
// or the proxy before it has said when to come back. A redirect, a page, or an answer that cannot be read prove nothing.
func (f facts) untouched() bool {
	refusal := func(status int) bool { return status >= 400 && status < 500 }
	return f.never || f.unsent || refusal(f.status) || refusal(f.inside) || f.status == http.StatusServiceUnavailable && f.wait > 0
}

// repeats tells whether the client sends it again by itself.
func (c class) repeats(f facts) bool {
	if !f.passes() {
		return false
	}
	switch c {
	case read, terminate:
		return true
	case start:
		return f.never || f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable && f.wait > 0
	}
	return f.status == http.StatusTooManyRequests // a mail
}

func kindOf(status int) error {
	kinds := map[int]error{
		400: wrapper.ErrBadRequest, 401: wrapper.ErrUnauthorized, 402: wrapper.ErrPaymentRequired, 403: wrapper.ErrForbidden,
		404: wrapper.ErrNotFound, 429: wrapper.ErrRateLimited,
	}
	switch {
	case status == 0:
		return nil
	case kinds[status] != nil:
		return kinds[status]
	case status < 400:
		return wrapper.ErrUnexpectedResponse
	case status < 500:
		return wrapper.ErrBadRequest
	}
	return wrapper.ErrServer
}

// expect says what one call of an operation has to come to.
func expect(op operation, f facts) want {
	w := want{status: f.status, attempts: 1}
	switch {
	case f.stop < 0 || f.unsent:
		return want{cause: f.stopped}
	case strings.Contains(f.fits, op.wants), f.empty && op.wants == wantsNothing:
		return want{fine: true, attempts: 1}
	case f.empty && op.wants == wantsProgress:
		return want{noTask: true, attempts: 1}
	}
	for _, status := range []int{f.status, f.inside} {
		if kind := kindOf(status); kind != nil && !slices.Contains(w.kinds, kind) {
			w.kinds = append(w.kinds, kind)
		}
	}
	w.unknown = op.class != read && !f.untouched()
	if f.stop > 0 {
		if f.status < 300 || op.class.repeats(f) {
			w.cause = f.stopped // the context ends before there is an answer, or a second attempt
		}
		return w
	}
	if f.renews || op.class.repeats(f) {
		w.attempts = mostAttempts
		if f.then != nil {
			doubt := w.unknown
			w = expect(op, *f.then)
			w.attempts = max(w.attempts, 2)
			w.unknown = !w.fine && !w.noTask && (doubt || w.unknown)
		}
	}
	return w
}

// Where in the life of a job a fault comes.
const (
	direct    = ""                                  // at a call of its own
	nextLook  = "between polls"                     // at the second look of somebody who waits
	startSeen = "start of a job, which is there"    // of Reassign and the like, where a look then shows the job
	startGone = "start of a job, which is not seen" // where looks show none
)

// methodAt is that of the requests to which a fault comes.
func methodAt(stage string, op operation) string {
	if stage == nextLook {
		return http.MethodGet
	}
	return op.method
}

// expectAt says what has to come out of an operation at a stage; ok is false where the operation has no such stage.
func expectAt(stage string, op operation, f facts) (_ want, ok bool) {
	if stage == direct {
		return expect(op, f), true
	}
	if op.wait == nil || stage != nextLook && op.class != start {
		return want{}, false
	}
	if stage == nextLook {
		w := expect(lookOf(op), f)
		switch {
		case f.outcome != nil:
			return want{reason: f.outcome, watched: true, attempts: 1}, true
		case w.fine || w.noTask:
			return want{fine: true, attempts: w.attempts}, true // a progress that vanishes is no outcome
		case f.stop > 0: // the job goes on, and nobody has asked it to stop
			return want{reason: f.stopped, cause: f.stopped, watched: true, attempts: w.attempts}, true
		}
		w.watched, w.unknown = true, true // whatever was asked: how the job ends is not known
		return w, true
	}
	w := expect(op, f)
	w.starts = w.attempts
	if w.fine && f.outcome != nil {
		return want{reason: f.outcome, watched: true, attempts: 1, starts: 1}, true
	}
	if w.unknown && stage == startSeen {
		return want{fine: true, attempts: w.attempts, starts: w.attempts}, true
	}
	if w.unknown && f.passes() {
		w.starts = mostAttempts // each after a look that has shown none
	}
	return w, true
}

func lookOf(op operation) operation {
	return operations[slices.IndexFunc(operations, func(o operation) bool { return o.id == op.look })]
}

// longest is the most time that a call may take: what the attempts take, and the delays between them.
func (w want) longest(f facts, limit time.Duration) time.Duration {
	if f.stop < 0 {
		return 0
	}
	if f.stop > 0 && (w.cause != nil || f.hang) {
		return f.stop
	}
	n := max(w.attempts, w.starts)
	took := time.Duration(f.hangs(n)) * limit
	if f.wait > 0 {
		return took + time.Duration(n-1)*f.wait
	}
	for delay := 500 * time.Millisecond; n > 1; n-- {
		took += delay
		delay *= 2
	}
	return took
}

// shortest is the least: a wait that the portal asks for is kept to.
func (w want) shortest(f facts, limit time.Duration) time.Duration {
	switch {
	case f.stop > 0 && (w.cause != nil || f.hang):
		return f.stop
	case f.stop < 0 || w.watched && w.reason != nil:
		return 0
	}
	n := max(w.attempts, w.starts)
	if f.wait > longestDelay || w.fine && w.starts > 0 && f.then == nil {
		n = w.attempts
	}
	return time.Duration(f.hangs(n))*limit + time.Duration(max(n-1, 0))*f.wait
}

// on are the facts for requests with the method.
func (f facts) on(method string) facts {
	if f.get != nil && method == http.MethodGet {
		return *f.get
	}
	return f
}

// perAttempt is how many requests the server sees for one attempt; below zero they are not counted.
func (f facts) perAttempt() int {
	switch f.seen {
	case 0:
		return 1
	case -1:
		return 0
	}
	return f.seen
}

// hangs is how many of n attempts end with their time limit.
func (f facts) hangs(n int) int {
	switch {
	case !f.hang:
		return 0
	case f.then != nil:
		return 1
	}
	return n
}

var allKinds = map[error]string{
	wrapper.ErrBadRequest: "ErrBadRequest", wrapper.ErrUnauthorized: "ErrUnauthorized", wrapper.ErrPaymentRequired: "ErrPaymentRequired",
	wrapper.ErrForbidden: "ErrForbidden", wrapper.ErrNotFound: "ErrNotFound", wrapper.ErrRateLimited: "ErrRateLimited",
	wrapper.ErrServer: "ErrServer", wrapper.ErrUnexpectedResponse: "ErrUnexpectedResponse",
}

var allReasons = map[error]string{
	wrapper.ErrTaskFailed: "ErrTaskFailed", wrapper.ErrTaskCanceled: "ErrTaskCanceled", wrapper.ErrNoTask: "ErrNoTask",
	wrapper.ErrTaskLost: "ErrTaskLost", wrapper.ErrTaskRunning: "ErrTaskRunning",
}

var allCauses = map[error]string{context.Canceled: "canceled", context.DeadlineExceeded: "time is up"}
