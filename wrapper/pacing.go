package wrapper

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gate bounds how many requests a client has in flight, reads and writes apart, as portals count them.
type gate struct{ reads, writes chan struct{} }

func newGate(reads, writes int) gate {
	return gate{make(chan struct{}, reads), make(chan struct{}, writes)}
}

// places are those of requests with a method.
func (g gate) places(method string) chan struct{} {
	if method == http.MethodGet {
		return g.reads
	}
	return g.writes
}

// RateLimit is a portal's limit of requests, as its headers X-RateLimit-Limit, -Remaining and -Reset tell it.
type RateLimit struct {
	Limit     int       // how many requests there may be
	Remaining int       // how many of them are left
	Reset     time.Time // when there will be more
}

// RateLimit returns what the portal said last of its limit of requests. Portals tell with a 429, if not more often
// (observed); false means that this one has not told yet.
func (c *Client) RateLimit() (RateLimit, bool) {
	last := c.way.limit.Load()
	if last == nil {
		return RateLimit{}, false
	}
	return *last, true
}

// note keeps what an answer says of the limit of requests. The names are spelt as net/http keeps them.
func (x *exchange) note(header http.Header) {
	if header["X-Ratelimit-Limit"] == nil {
		return
	}
	var said RateLimit
	limit, err := strconv.Atoi(header.Get("X-Ratelimit-Limit"))
	remaining, err2 := strconv.Atoi(header.Get("X-Ratelimit-Remaining"))
	reset, err3 := strconv.ParseInt(header.Get("X-Ratelimit-Reset"), 10, 64)
	if err == nil && err2 == nil && err3 == nil {
		said.Limit, said.Remaining, said.Reset = limit, remaining, time.Unix(reset, 0)
		x.limit.Store(&said)
	}
}

// pause holds all requests of a client back after a portal has said that there are too many.
type pause struct {
	mu    sync.Mutex
	until time.Time
}

// extend makes the pause last for at least d from now.
func (p *pause) extend(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.until) {
		p.until = until
	}
}

// wait returns when the pause is over.
func (p *pause) wait(ctx context.Context) error {
	for {
		p.mu.Lock()
		until := p.until
		p.mu.Unlock()
		if until.IsZero() || time.Until(until) <= 0 {
			return nil
		}
		if err := sleep(ctx, time.Until(until)); err != nil {
			return err
		}
	}
}

// How often a job is looked at: the longer it has taken, the longer until the next look, so that its end is seen late in
// proportion to its length; within bounds that keep the looks few at first, and well below the minute after which portals
// forget.
const (
	pollMin    = 500 * time.Millisecond
	pollMax    = 14 * time.Second
	pollShare  = 0.09
	pollJitter = 0.2 // of a delay, so that many jobs are not looked at in step
)

// What all who wait on one client may ask for together. It is two thirds of what portals take from one account, 1,500
// requests a minute (observed), and leaves the rest to other calls.
const (
	looksPerSecond = 16
	looksAtOnce    = 40
)

// turnstile lets all who wait for jobs look at them one after the other. Only the first in line reserves its time, so that
// those who give up leave nothing reserved behind.
type turnstile struct {
	first chan struct{}
	limit *rate.Limiter
}

func newTurnstile() turnstile {
	return turnstile{make(chan struct{}, 1), rate.NewLimiter(looksPerSecond, looksAtOnce)}
}

// pass returns when it is the caller's turn.
func (s *turnstile) pass(ctx context.Context) error {
	select {
	case s.first <- struct{}{}:
		defer func() { <-s.first }()
	case <-ctx.Done():
		return ctx.Err()
	}
	turn := s.limit.Reserve()
	err := sleep(ctx, turn.Delay())
	if err != nil {
		turn.Cancel()
	}
	return err
}

// pollDelay is how long to wait before the next look at a job that has been watched for so long.
func pollDelay(watched, shortest, longest time.Duration) time.Duration {
	delay := max(time.Duration(pollShare*float64(watched)), time.Duration(float64(shortest)/(1-pollJitter)))
	delay = min(delay, longest)
	delay -= time.Duration(pollJitter * rand.Float64() * float64(delay)) //nolint:gosec // jitter is no secret
	return max(delay, shortest)
}

// sleep waits, unless the context ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
