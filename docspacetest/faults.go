package docspacetest

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Fault is what goes wrong with one request. The steps are taken in this order: Delay, Lost, Hang, Status, Reset. The
// zero Fault changes nothing, so it lets a request pass before the next fault's turn comes.
type Fault struct {
	// Delay is how long the request waits before anything is done with it. It counts as in progress meanwhile.
	Delay time.Duration
	// Lost has the request processed, but the portal's own answer is lost: in its place comes what the other fields
	// say, or a connection that is torn down.
	Lost bool
	// Hang leaves the client without an answer until it goes away or the portal is closed.
	Hang bool
	// Status is what is answered in the portal's place, with Header, ContentType and Body, like a proxy would. Unless
	// Lost, the request is not processed. Without Status those three do nothing.
	Status      int
	Header      http.Header
	ContentType string
	Body        string
	// Reset tears the connection down without an answer. The request is not processed. Beware that over a socket
	// net/http sends a GET again by itself if it had used the connection before, which takes the next fault.
	Reset bool
}

// Fail has the next requests of an operation go wrong, one fault for each, in order; more calls add more faults. The
// operation is named by its operationId in the contract, such as "startReassign"; Fail panics if there is none of that
// name. A request that a limit rejects takes no fault; whether the caller is signed in does not matter.
func (p *Portal) Fail(operationID string, faults ...Fault) {
	known := false
	for _, op := range operations {
		known = known || op.id == operationID
	}
	if !known {
		panic(fmt.Sprintf("docspacetest: the contract has no operation %q", operationID))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[operationID] = append(p.faults[operationID], faults...)
}

func (p *Portal) takeFault(operationID string) (f Fault) {
	if faults := p.faults[operationID]; len(faults) > 0 {
		f, p.faults[operationID] = faults[0], faults[1:]
	}
	return f
}

// pause waits and tells whether the client is still there and the portal still open.
func (p *Portal) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-p.closed:
	}
	return false
}

func (p *Portal) hang(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-p.closed:
	}
}

func (f Fault) answer() *answer {
	a := newAnswer(f.Status)
	for name, values := range f.Header {
		for _, value := range values {
			a.header.Add(name, value)
		}
	}
	switch {
	case f.ContentType != "":
		a.header.Set("Content-Type", f.ContentType)
	case f.Body != "" && a.header.Get("Content-Type") == "": // what net/http does over a socket
		a.header.Set("Content-Type", http.DetectContentType([]byte(f.Body)))
	}
	a.body.WriteString(f.Body)
	return a
}
