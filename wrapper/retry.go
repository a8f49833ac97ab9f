package wrapper

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// RetryPolicy says how often a request is sent, and how long to wait in between. What may be sent again follows from
// what the operation does:
//
//   - A look, and a terminate, after anything that may pass: no connection, a lost answer, 408, 429, 5xx but for 501
//     and 505.
//   - A start only where it cannot have arrived: no connection, 429, or 503 with a Retry-After. Reassign, Remove and
//     DeletePersonalFolder also send one again whose answer was lost, or was a 5xx, once a look has shown no job.
//   - The mail of SendInstructionsToDelete only after 429.
//
// A Retry-After is waited for exactly, and so by all requests of the client if it came with a 429. One that is longer
// than MaxDelay ends the request at once, with an [Error] that names it. Without one, the delay is drawn between zero
// and a bound that starts at MinDelay and doubles with every attempt up to MaxDelay.
type RetryPolicy struct {
	MaxAttempts int           // how often to send at most, 1 for no retry; 4 by default
	MinDelay    time.Duration // 500 ms by default
	MaxDelay    time.Duration // 1 minute by default
}

func (p RetryPolicy) validate() error {
	if p.MaxAttempts < 1 || p.MinDelay <= 0 || p.MaxDelay < p.MinDelay {
		return errors.New("a retry policy needs at least one attempt, a minimal delay above zero, and a maximal delay no smaller than that")
	}
	return nil
}

// delays draws one delay after the other, with full jitter.
func (p RetryPolicy) delays() *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{
		// The library draws from interval ± factor*interval: with a factor of 1, from zero to twice the interval.
		InitialInterval: p.MinDelay / 2, MaxInterval: p.MaxDelay / 2, RandomizationFactor: 1, Multiplier: 2,
	}
	b.Reset()
	return b
}

// retryable tells whether a request with this effect may be sent again after it failed like this.
func (e effect) retryable(failure *Error) bool {
	switch e {
	case effectRead, effectTerminate:
		return failure.transient()
	case effectStart:
		return failure.StatusCode == http.StatusTooManyRequests || failure.unreached() && failure.transient()
	case effectMail:
		return failure.StatusCode == http.StatusTooManyRequests
	}
	return false
}

// transient tells whether the same request may fare better later.
func (e *Error) transient() bool {
	switch {
	case e.StatusCode == http.StatusNotImplemented || e.StatusCode == http.StatusHTTPVersionNotSupported:
		return false
	case e.StatusCode >= 500 || e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusRequestTimeout:
		return true
	case e.StatusCode >= 300:
		return false
	}
	return (e.StatusCode == 0 || e.cut) && !badTLS(e.cause) && !errors.Is(e.cause, context.Canceled)
}

// badTLS tells whether a connection failed for a reason that stays: a certificate that is not trusted, or no TLS at all.
func badTLS(cause error) bool {
	var (
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	return errors.As(cause, &certificate) || errors.As(cause, &record) || errors.Is(cause, http.ErrSchemeMismatch)
}

// retryAfter reads a Retry-After header, in seconds or as a date. What is past or cannot be read names no wait.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) && strings.Trim(value[1:], "0123456789") == "" {
		const most = int64(1<<63-1) / int64(time.Second)
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}
