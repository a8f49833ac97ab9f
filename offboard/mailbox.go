package offboard

import (
	"sync"

	"github.com/docspace-go/userdata/wrapper"
)

// news is what has happened to a user: a result, or progress.
type news struct {
	result   *Result
	of       Request
	progress wrapper.Progress
}

// mailbox brings news to the loop over the results. It never makes those wait who bring them: a slow loop must not keep
// anybody from looking at jobs in time.
type mailbox struct {
	mu     sync.Mutex
	items  []news
	closed bool
	wake   chan struct{}
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

func (m *mailbox) put(n news) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items = append(m.items, n)
	signal(m.wake)
}

// close says that there will be no more.
func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	signal(m.wake)
}

// all yields what has come and what comes.
func (m *mailbox) all(yield func(news) bool) {
	for {
		m.mu.Lock()
		items, closed := m.items, m.closed
		m.items = nil
		m.mu.Unlock()
		for _, n := range items {
			if !yield(n) {
				return
			}
		}
		if len(items) == 0 {
			if closed {
				return
			}
			<-m.wake
		}
	}
}
