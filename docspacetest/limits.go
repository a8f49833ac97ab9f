package docspacetest

import (
	"math"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Limits are how much a portal takes from one user, or from one address where nobody is signed in. What is too much is
// answered 429 without a body and is not done. A field that is zero sets no limit. All of them are observed.
type Limits struct {
	RequestsPerMinute   int // of any kind, in any 60 s
	Reads               int // GET requests in progress at once
	Writes              int // POST and PUT requests in progress at once
	WritesPerDay        int // POST and PUT requests, in any 24 h
	MailsPerQuarterHour int // sendInstructionsToDelete, in any 15 min
}

// DefaultLimits returns the limits that a portal sets of itself.
func DefaultLimits() Limits {
	return Limits{RequestsPerMinute: 1500, Reads: 50, Writes: 15, WritesPerDay: 10_000, MailsPerQuarterHour: 5}
}

// traffic is what one user or address sends.
type traffic struct {
	minute, day, mails []time.Time // when requests came, those of the window only
	reads, writes      int         // in progress
}

// admit lets a request in, or returns the answer that rejects it. A request that was let in counts as in progress until
// leave is called. A rejected one counts for nothing.
func (p *Portal) admit(c *call, r *http.Request, now time.Time) (leave func(), rejected *answer) {
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	if c.caller != nil {
		from = c.caller.ID.String()
	}
	t := p.traffic[from]
	if t == nil {
		t = &traffic{}
		p.traffic[from] = t
	}

	type window struct {
		came   *[]time.Time
		limit  int
		length time.Duration
	}
	windows := []window{{&t.minute, p.limits.RequestsPerMinute, time.Minute}}
	open, limit := &t.reads, p.limits.Reads
	if c.op.write {
		open, limit = &t.writes, p.limits.Writes
		windows = append(windows, window{&t.day, p.limits.WritesPerDay, 24 * time.Hour})
	}
	if c.op.id == "sendInstructionsToDelete" {
		windows = append(windows, window{&t.mails, p.limits.MailsPerQuarterHour, 15 * time.Minute})
	}

	if limit > 0 && *open >= limit {
		return nil, tooMany(limit, now, 0)
	}
	for _, w := range windows {
		for len(*w.came) > 0 && now.Sub((*w.came)[0]) >= w.length {
			*w.came = (*w.came)[1:]
		}
		if w.limit > 0 && len(*w.came) >= w.limit {
			return nil, tooMany(w.limit, now, (*w.came)[0].Add(w.length).Sub(now))
		}
	}
	for _, w := range windows {
		if w.limit > 0 {
			*w.came = append(*w.came, now)
		}
	}
	*open++
	return func() { *open-- }, nil
}

// tooMany answers 429. There is no telling when one of the requests in progress ends, so without a wait there is no
// Retry-After either.
func tooMany(limit int, now time.Time, wait time.Duration) *answer {
	a := newAnswer(http.StatusTooManyRequests)
	if wait > 0 {
		a.header.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(wait.Seconds())), 10))
	}
	a.header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	a.header.Set("X-RateLimit-Remaining", "0")
	a.header.Set("X-RateLimit-Reset", strconv.FormatInt(now.Add(wait+time.Second-1).Unix(), 10))
	return a
}
