package wrapper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docspace-go/userdata/api"
)

// FuzzJobLife has a job live through whatever the bytes say: what the portal answers to each request, what the caller
// asks for, and when the caller has had enough. What comes of it is compared with a model, which knows docs/jobs.md and
// what was seen on the wire, and nothing of how the client works.
//
// The first eight bytes say what the caller does, as newLife reads them. Each request takes two of the rest, as answer
// reads them, and where none are left the portal goes on in one way.
func FuzzJobLife(f *testing.F) {
	f.Fuzz(func(t *testing.T, plan []byte) {
		if len(plan) < 8 || len(plan) > 200 {
			t.Skip("too short to say anything, or longer than it takes")
		}
		synctest.Test(t, func(t *testing.T) {
			l := newLife(t, plan)
			l.live()
			l.judge()
		})
	})
}

// The ways to a job.
const (
	runs     = iota // starts it and waits, in one call
	starts          // starts it, then waits
	attaches        // waits for one that is there
	watches         // the same as a loop, and may leave it
)

// aside keeps the end of a context from the moment at which something else happens: which of the two the client would see
// first is chance, which the model does not know.
const aside = 7 * time.Nanosecond

// life is one job's, seen from the client.
type life struct {
	t    *testing.T
	tape []byte
	tail byte // what the portal answers for good

	job      job
	way      int
	attempts int
	absent   time.Duration
	patient  bool
	pollMin  time.Duration
	pollMax  time.Duration
	stops    bool // TerminateOnCancel
	endAt    int  // the request at which the caller's context ends, or soon after; 0 for never
	endAfter time.Duration
	stopAt   int // the request at which the caller calls Terminate; 0 for never
	stopMore bool
	leaveAt  int // the turn of the loop in which the caller leaves it; 0 for never

	began time.Time
	ctx   context.Context
	end   context.CancelFunc
	task  *Task
	log   []turn // what went over the wire
	says  []Progress
	loop  []Progress

	progress  Progress // the result
	err       error
	took      time.Duration
	endedAt   time.Duration // when the context ended; negative if it did not
	asked     int           // how often the caller called Terminate
	confirmed int           // how much of the log there was when the portal had taken one; 0 if it never did
}

// turn is one request and what the client got to see of its answer.
type turn struct {
	id           string
	effect       effect
	began, ended time.Duration
	seen         seenAs
	status       int
	after        time.Duration // the Retry-After
	passing      bool          // whether it may pass, as RetryPolicy lists it
	progress     Progress
}

type seenAs string

const (
	aJob      seenAs = "job"       // a progress
	noJob     seenAs = "none"      // none is known
	refusal   seenAs = "refused"   // the portal has said that it did not do it
	unreached seenAs = "unreached" // it never got there
	doubt     seenAs = "doubt"     // anything else: a lost answer, a 5xx, a page
)

func newLife(t *testing.T, plan []byte) *life {
	l := &life{t: t, began: time.Now(), absent: 15 * time.Minute, pollMin: time.Second / 2, pollMax: 14 * time.Second, endedAt: -1}
	l.job, l.way = jobs[plan[0]%3], int(plan[0]/3%4)
	if n := plan[1] % 4; n > 0 {
		l.absent, l.patient = []time.Duration{0, 0, time.Minute, 20 * time.Minute}[n], true
	}
	if plan[1]&4 != 0 {
		l.pollMin, l.pollMax = time.Second, 59*time.Second
	}
	l.stops = plan[1]&8 != 0 && l.job.stop != ""
	l.attempts = int(plan[2]%4) + 1
	l.endAt, l.endAfter = int(plan[3]%32), time.Duration(plan[4])*100*time.Millisecond
	l.stopAt, l.stopMore = int(plan[5]%32), plan[5]&32 != 0
	l.leaveAt = int(plan[6] % 8)
	l.tail, l.tape = plan[7], plan[8:]
	return l
}

// live does what the caller does.
func (l *life) live() {
	l.ctx, l.end = context.WithTimeout(l.t.Context(), 45*time.Minute+aside)
	defer synctest.Wait()
	defer l.end()
	context.AfterFunc(l.ctx, func() { l.endedAt = l.now() })
	c, err := New("https://portal.test", WithAuth(APIKey(canary)), WithHTTPClient(&http.Client{Transport: wire(l.answer)}), WithRetry(RetryPolicy{MaxAttempts: l.attempts}))
	if err != nil {
		l.t.Fatal(err)
	}
	l.task = l.job.attach(c)
	options := []WaitOption{OnProgress(func(p Progress) { l.says = append(l.says, p) })}
	if l.patient {
		options = append(options, AbsentFor(l.absent))
	}
	if l.pollMin == time.Second {
		options = append(options, PollBetween(l.pollMin, l.pollMax))
	}
	if l.stops {
		options = append(options, TerminateOnCancel())
	}
	switch l.way {
	case runs:
		l.progress, l.err = l.job.run(l.ctx, c, options...)
	case starts:
		task, err := l.job.begin(l.ctx, c)
		if l.err = err; err == nil {
			l.task = task
			l.progress, l.err = task.Wait(l.ctx, options...)
		}
	case attaches:
		l.progress, l.err = l.task.Wait(l.ctx, options...)
	case watches:
		for p, err := range l.task.Watch(l.ctx, options...) {
			l.loop = append(l.loop, p)
			l.progress, l.err = p, err
			if len(l.loop) == l.leaveAt {
				break
			}
		}
	}
	l.took = l.now()
	requests := len(l.log)
	time.Sleep(time.Hour)
	synctest.Wait()
	if len(l.log) != requests {
		l.wrong("something is sent after the end")
	}
}

func (l *life) now() time.Duration { return time.Since(l.began) }

func (l *life) next() (b byte) {
	if len(l.tape) > 0 {
		b, l.tape = l.tape[0], l.tape[1:]
	}
	return b
}

// answer is the portal. It also lets the caller act while a request is under way.
func (l *life) answer(req *http.Request) (*http.Response, error) {
	one := turn{began: l.now()}
	for _, c := range calls {
		if c.method == req.Method && c.path == req.URL.Path {
			one.id, one.effect = c.id, c.class
		}
	}
	number := len(l.log) + 1
	switch {
	case number != l.endAt:
	case l.endAfter == 0:
		l.end()
	default:
		time.AfterFunc(l.endAfter+aside, l.end)
	}
	say := l.choose(&one)
	if (one.effect == effectRead || l.way == runs && one.effect == effectStart) && number >= l.stopAt && l.stopAt > 0 && (l.asked == 0 || l.stopMore && l.asked < 3) && l.job.stop != "" {
		l.asked++
		before := len(l.log)
		err := l.task.Terminate(l.ctx)
		l.judgeStop(l.log[before:], err)
		if err == nil {
			l.confirmed = len(l.log)
		}
	}
	resp, err := say(req)
	if err != nil && l.ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) { // that is all that is left of it
		one.seen, one.status, one.passing, one.after = doubt, 0, true, 0
	}
	one.ended = l.now()
	l.log = append(l.log, one)
	return resp, err
}

// waits are what portals ask for; the last one is longer than any policy here.
var waits = []time.Duration{0, 0, 3 * time.Second, time.Hour}

var milestones = []int{0, 5, 10, 20, 30, 50, 90, 100}

// choose reads an answer off the tape, and says how it looks to a client.
func (l *life) choose(one *turn) reply {
	a, b := byte(0), byte(0)
	if len(l.tape) > 0 {
		a, b = l.next(), l.next()
	} else {
		a = l.tail % 16
		b = l.tail / 16
	}
	say := l.plain(one, a%16, int(b))
	switch a >> 5 {
	case 6:
		return slow(3*time.Second, say)
	case 7:
		return slow(40*time.Second, say)
	}
	return say
}

// plain is the answer of one kind; b chooses among those that there are of it.
func (l *life) plain(one *turn, kind byte, b int) reply {
	switch kind {
	case 6, 7:
		if one.seen = noJob; one.effect == effectStart { // a start is to be answered with its job
			one.seen, one.status = doubt, 200
		}
		return []reply{nothing, answers(200, ""), answers(200, `{"response":null,"statusCode":200}`), answers(204, "")}[b%4]
	case 8:
		return one.fails([]int{400, 401, 402, 403, 404, 408, 415, 418}[b%8], 0)
	case 9:
		return one.fails(429, waits[b%4])
	case 10:
		return one.fails([]int{500, 501, 502, 504, 505, 599, 302, 304}[b%8], waits[b/8%4])
	case 11:
		return one.fails(503, waits[b%4])
	case 12:
		one.seen, one.passing = doubt, true
		return fails(errReset)
	case 13:
		one.seen, one.passing = unreached, true
		return fails(errRefused)
	case 14:
		one.seen, one.status, one.passing = doubt, 200, true
		return breaksOff(200, `{"response":{"id":"1_x","percentage":100,"isCompleted":true,"status":2}`, io.ErrUnexpectedEOF)
	case 15:
		return one.odd(b % 8)
	}
	p := &one.progress
	p.ID, p.Percentage, p.IsCompleted = "1_x", milestones[b>>5], b&8 != 0
	p.Status = []api.DistributedTaskStatus{0, 1, 2, 3, 4, 1, -1, 17}[b&7]
	status := strconv.Itoa(int(p.Status))
	if b&7 == 6 {
		p.StatusName, status = "Paused", `"Paused"`
	}
	if b&16 != 0 {
		p.Error = "The room could not be moved"
	}
	one.seen, one.status = aJob, 200
	return answers(200, fmt.Sprintf(`{"response":{"id":"1_x","error":%q,"percentage":%d,"isCompleted":%t,"status":%s},"status":0,"statusCode":200}`,
		p.Error, p.Percentage, p.IsCompleted, status))
}

// fails is an answer with a status that is no success.
func (o *turn) fails(status int, wait time.Duration) reply {
	o.status, o.after = status, wait
	o.passing = status == 408 || status == 429 || status >= 500 && status != 501 && status != 505
	switch {
	case status == 503 && wait > 0:
		o.seen = unreached
	case status >= 400 && status < 500:
		o.seen = refusal
	default:
		o.seen = doubt
	}
	return answers(status, "", "Retry-After", strconv.Itoa(int(wait.Seconds())))
}

// odd is a success that is none.
func (o *turn) odd(b int) reply {
	o.seen, o.status = doubt, 200
	switch b {
	case 0:
		return answers(200, "<html>Sign in</html>")
	case 1:
		return answers(200, `{"healthy":true}`)
	case 2:
		return answers(200, `{"error":{"message":"No"},"status":1,"statusCode":500}`)
	case 3:
		o.seen = refusal
		return answers(200, `{"error":{"message":"No"},"status":1,"statusCode":403}`)
	case 4:
		return answers(200, `[]`)
	case 5, 6:
		if o.effect == effectTerminate { // which is taken, whatever stands there
			o.seen = noJob
		}
		return answers(200, `{"response":`+[]string{`true`, `{"id":"1_x","percentage":100,"isCompleted":true}`}[b-5]+`,"statusCode":200}`)
	}
	return answers(302, "", "Location", "https://elsewhere.test/")
}

// String is a turn as it stands in a complaint.
func (o turn) String() string {
	text := fmt.Sprintf("%s %s %s", o.began.Round(time.Millisecond), o.id, o.seen)
	switch {
	case o.seen == aJob:
		return text + fmt.Sprintf(" (%s, completed %t, error %q)", o.progress, o.progress.IsCompleted, o.progress.Error)
	case o.status != 0:
		return text + fmt.Sprintf(" %d", o.status)
	}
	return text
}

// wrong complains, in one line with all that there was.
func (l *life) wrong(format string, args ...any) {
	l.t.Helper()
	ways := [...]string{"started and waited for", "started, then waited for", "waited for", "watched"}
	var turns []string
	for _, one := range l.log {
		turns = append(turns, one.String())
	}
	if len(turns) > 40 {
		turns = append(append(turns[:20:20], "…"), turns[len(turns)-20:]...)
	}
	l.t.Errorf("%s, %s: %s; attempts %d, absent for %s, stop at the end %t, context ended at %s, asked to stop %d times; after %s: %s, %v; %s",
		l.job.name, ways[l.way], fmt.Sprintf(format, args...), l.attempts, l.absent, l.stops, l.endedAt, l.asked, l.took, l.progress, l.err, strings.Join(turns, "; "))
}

// Now the model.

// endsWell tells whether a progress is that of a job that has ended well.
func (p Progress) endsWell() bool {
	return p.IsCompleted && p.Status != api.DistributedTaskStatusCanceled && p.Status != api.DistributedTaskStatusFailed && p.Error == ""
}

// judgeStop compares what came of a call of Terminate with what was sent for it.
func (l *life) judgeStop(sent []turn, err error) {
	for i, one := range sent {
		if one.effect != effectTerminate || one.id != l.job.stop {
			l.wrong("Terminate sends %s", one.id)
		}
		if i+1 < len(sent) && (!one.passing || i+1 >= l.attempts) {
			l.wrong("the stop is sent again after attempt %d", i+1)
		}
	}
	doubted := slices.ContainsFunc(sent, func(one turn) bool { return one.seen == doubt })
	open := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) // which hides how far the request got
	if unknown := errors.Is(err, ErrOutcomeUnknown); err != nil && len(sent) > 0 && unknown != doubted && (!open || doubted) {
		l.wrong("it is %t that it is known whether the stop was taken: %v", doubted, err)
	}
	taken := len(sent) > 0 && (sent[len(sent)-1].seen == aJob || sent[len(sent)-1].seen == noJob)
	if taken != (err == nil) {
		l.wrong("Terminate returns %v", err)
	}
	if err != nil {
		readable(l.t, err)
	}
}

// model is what can be known of a job from what was seen on the wire so far.
type model struct {
	starts  int
	start   turn     // the last one
	before  Progress // what was there before the first start
	known   bool     // whether the job itself was seen
	doubted bool     // whether a start may have been taken
	last    turn
	failed  int           // how often the last request has failed in a row
	missing time.Duration // since when there is no progress; negative while there is
	news    []Progress    // what there is to report

	replaced bool // whether another job was seen in its place
}

// take takes a turn in. It says what is wrong with its having been sent at all.
func (m *model) take(l *life, one turn) string {
	last := m.last
	m.last = one
	again := last.id == one.id && last.seen != aJob && last.seen != noJob
	if m.failed++; !again {
		m.failed = 1
	}
	ended := last.seen == aJob && last.progress.IsCompleted
	if one.effect == effectStart {
		m.starts++
		switch {
		case l.way != runs && l.way != starts:
			return "it is started"
		case m.starts > l.attempts*l.attempts: // a start that was lost is followed by another one with attempts of its own
			return "it is started too often"
		case m.known:
			return "it is started although it is there"
		case m.start.after > time.Minute || one.began-m.start.ended < m.start.after:
			return "it is started again sooner than the portal has asked for"
		case again && last.status != http.StatusTooManyRequests && last.seen != unreached:
			return "it is started again without a look"
		case again, l.way == starts:
		case last.seen != noJob && !ended:
			return "it is started without knowing that none runs"
		case m.starts > 1 && ended && last.progress.endsWell():
			return "it is started again although it may be what has ended well"
		}
		m.start = one
		m.doubted = m.doubted || one.seen == doubt
		if one.seen == aJob {
			m.see(one.progress)
		}
		return ""
	}
	switch {
	case m.replaced:
		return "it is looked at after another job was seen in its place"
	case m.known && last.seen == aJob && ended:
		return "it is looked at after its end"
	case again && !last.passing:
		return "it is looked at again after what does not pass"
	case again && m.failed > l.attempts:
		return "it is looked at again too often"
	case last.effect == effectStart && !m.known && one.effect == effectRead && !m.doubted:
		return "it is looked at after a refused start"
	}
	if (last.effect == effectRead || m.known) && !again && last.seen == aJob && one.began-last.ended < l.pollMin {
		return "it is looked at too soon"
	}
	if again && (last.after > time.Minute || one.began-last.ended < last.after) {
		return "it is looked at again sooner than the portal has asked for"
	}
	if !again && last.id != "" && (one.began-last.ended > l.pollMax || m.missing >= 0 && one.began > m.missing+l.absent) && !l.paused() {
		return "it is looked at too late"
	}
	switch {
	case one.seen == noJob && m.missing < 0 && (m.known || l.way != runs):
		m.missing = one.ended
	case one.seen != aJob:
	case l.way == runs && m.starts == 0:
		m.before = one.progress
	case l.way == runs && !m.known && one.progress == m.before:
	default:
		m.see(one.progress)
	}
	return ""
}

// see notes that the job was seen, or another one in its place, which is not reported. Percentages never go back.
func (m *model) see(p Progress) {
	if m.known {
		last := m.news[len(m.news)-1]
		if p.ID != last.ID || p.Percentage < last.Percentage && !p.IsCompleted {
			m.replaced, m.missing = true, -1
			return
		}
		p.Percentage = max(p.Percentage, last.Percentage)
	}
	if !m.known || p != m.news[len(m.news)-1] {
		m.news = append(m.news, p)
	}
	m.known, m.missing = true, -1
}

// paused tells whether the portal has asked the client to wait.
func (l *life) paused() bool {
	return slices.ContainsFunc(l.log, func(one turn) bool { return one.status == http.StatusTooManyRequests })
}

// judge compares the whole life with the model.
func (l *life) judge() {
	m := model{missing: -1}
	asked, stopped, stops := false, false, 0
	for i, one := range l.log {
		if one.effect == effectTerminate {
			stops++
			stopped = stopped || one.seen == aJob && one.progress.Status == api.DistributedTaskStatusCanceled
			continue
		}
		if asked && m.last.seen == noJob && l.way != runs {
			l.wrong("it is looked at after it was stopped and gone")
		}
		if complaint := m.take(l, one); complaint != "" {
			l.wrong("at %s: %s", one.began, complaint)
			return
		}
		asked = l.way != runs && l.confirmed > 0 && i >= l.confirmed
	}
	interrupted := l.endedAt >= 0 && l.endedAt <= l.took
	if want := l.asked > 0 || l.stops && interrupted; stops > 0 && !want {
		l.wrong("nobody wants to stop it")
	}
	switch {
	case interrupted && l.took > l.endedAt && !l.stops, l.took > l.endedAt+10*time.Second && interrupted:
		l.wrong("the context ended, and it took %s", l.took-l.endedAt)
	case !slices.Equal(l.says, m.news):
		l.wrong("it reports %v, not %v", l.says, m.news)
	}
	if l.err != nil {
		readable(l.t, l.err)
	}
	if l.way == watches {
		said := l.loop
		if n := len(said); n > 0 && l.err != nil && !l.progress.IsCompleted {
			said = said[:n-1]
		}
		if !slices.Equal(said, m.news) {
			l.wrong("the loop gets %v, not %v", said, m.news)
		}
		if len(l.loop) == l.leaveAt && l.err == nil {
			return // there is no result
		}
	}
	l.judgeResult(m, interrupted, asked, stopped, stops)
}

// judgeResult compares the result with what can be known.
func (l *life) judgeResult(m model, interrupted, asked, stopped bool, stops int) {
	var (
		reason  error // that the error is to be one of
		unknown = m.doubted && !m.known
		open    bool // whether the context's end may be the reason as well
		request bool // whether a failed request is the reason
		p       Progress
	)
	if m.known {
		p = m.news[len(m.news)-1]
	}
	last, cause := m.last, context.Cause(l.ctx)
	switch {
	case m.replaced && asked:
		reason, unknown = ErrTaskCanceled, l.job.stop != "terminateReassign" || !stopped
	case m.replaced:
		reason, unknown = ErrTaskLost, true
	case m.known && p.IsCompleted:
		switch {
		case p.Status == api.DistributedTaskStatusCanceled:
			reason = ErrTaskCanceled
		case !p.endsWell():
			reason = ErrTaskFailed
		}
	case interrupted && last.ended < l.endedAt:
		retried := last.effect == effectRead && last.seen != aJob && last.seen != noJob && m.failed < l.attempts
		if reason = cause; last.after > time.Minute || !m.known && m.start.after > time.Minute && !retried {
			l.wrong("it waits for as long as the portal has asked for")
		}
	case l.way == runs && m.starts == 0 && last.seen == aJob && !last.progress.IsCompleted:
		reason, p = ErrTaskRunning, last.progress
	case last.seen == noJob && asked:
		reason, unknown = ErrTaskCanceled, l.job.stop != "terminateReassign" || !stopped
	case last.seen == noJob && m.known && last.ended-m.missing >= l.absent:
		reason, unknown = ErrTaskLost, true
	case last.seen == noJob && l.way > starts && (!l.patient || last.ended-m.missing >= l.absent):
		reason = ErrNoTask
	case (last.seen != aJob && last.seen != noJob) || m.starts > 0 && !m.known:
		open, request = true, true
		unknown = unknown || m.known
		switch {
		case interrupted:
		case last.passing && m.failed < l.attempts && last.after <= time.Minute && last.effect == effectRead:
			l.wrong("it gives up after %d attempts", m.failed)
		case l.way == runs && m.doubted && !m.known && last.effect == effectStart:
			l.wrong("it is not looked for")
		case l.way == runs && m.doubted && !m.known && last.seen == noJob && m.start.passing && m.start.after <= time.Minute && m.starts < l.attempts:
			l.wrong("it is not started again")
		}
	default:
		reason = cause
	}
	if interrupted && last.ended == l.endedAt {
		open = true
	}
	ctxErr := interrupted && errors.Is(l.err, cause)
	switch {
	case open && ctxErr:
		reason, request = cause, false
		unknown = m.doubted && !m.known
	case request && !errors.As(l.err, new(*Error)):
		l.wrong("it is not the failed request that is named")
	}
	if reason == cause && !m.known && m.doubted && !ctxErr { // whether it was started counts for more
		reason = nil
		if !errors.Is(l.err, ErrOutcomeUnknown) {
			l.wrong("the outcome is not known")
		}
	}
	for _, one := range []error{ErrTaskFailed, ErrTaskCanceled, ErrNoTask, ErrTaskLost, ErrTaskRunning} {
		if errors.Is(l.err, one) != (reason == one) {
			l.wrong("it is %t that the error is %q", errors.Is(l.err, one), one)
		}
	}
	if reason != nil && !errors.Is(l.err, reason) || reason == nil && !request && !unknown && l.err != nil {
		l.wrong("the error should be %v", reason)
	}
	if lost := (*TaskError)(nil); reason == ErrTaskLost && errors.As(l.err, &lost) && !m.replaced && lost.Absent != last.ended-m.missing {
		l.wrong("it was absent for %s", last.ended-m.missing)
	}
	if l.err == nil && (!m.known || !p.endsWell()) {
		l.wrong("nobody has seen it end well")
	}
	if (!ctxErr || !l.stops) && errors.Is(l.err, ErrOutcomeUnknown) != unknown {
		l.wrong("it is %t that the outcome is known", unknown)
	}
	if l.progress != p {
		l.wrong("its progress is %+v, not %+v", l.progress, p)
	}
	if ctxErr && l.stops && (m.known || m.doubted && l.way == runs) && stops == 0 {
		l.wrong("it should have been stopped")
	}
}
