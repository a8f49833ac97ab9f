// Package observe shows how a program sees what its client does: the example of docs/observability.md.
package observe

import (
	"net/http"
	"time"

	"github.com/docspace-go/userdata/wrapper"
)

// Durations tells observe about every attempt: which operation it belongs to, the how many-th it is, and how long the
// portal took to begin its answer. Status is 0 if there was none.
type Durations struct {
	Base    http.RoundTripper
	Observe func(operation string, attempt, status int, took time.Duration)
}

// RoundTrip sends the request on.
func (d Durations) RoundTrip(req *http.Request) (*http.Response, error) {
	began, status := time.Now(), 0
	resp, err := d.Base.RoundTrip(req)
	if err == nil {
		status = resp.StatusCode
	}
	if call, ok := wrapper.CallOf(req.Context()); ok {
		d.Observe(call.Operation, call.Attempt, status, time.Since(began))
	}
	return resp, err
}

// Pause is how long a program that can wait should, so that those who share its account with it find something left.
func Pause(client *wrapper.Client, atLeast int) time.Duration {
	limit, ok := client.RateLimit()
	if !ok || limit.Remaining >= atLeast {
		return 0
	}
	return max(0, time.Until(limit.Reset))
}
