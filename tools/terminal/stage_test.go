package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

// stage is a portal whose jobs go on when the test says so, and not when time passes.
type stage struct {
	portal *docspacetest.Portal
	url    string
	folder string // where the tool is run, with the list of all who leave in it

	question atomic.Int32 // how many looks are still those of a question, and not of the work

	mu      sync.Mutex
	started map[string]bool     // by user
	jobs    map[string]progress // by user: where they stand, once they are started
	over    bool                // all have come to their end, and those to come do at once
	changed chan struct{}       // closed, and made anew, when a job is started
}

type progress struct {
	percentage int
	failure    string
}

func newStage(t *testing.T) *stage {
	s := &stage{portal: docspacetest.NewPortal(docspacetest.WithJobLength(0)), changed: make(chan struct{}), started: map[string]bool{}, jobs: map[string]progress{}}
	t.Cleanup(s.portal.Close)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url, s.folder = server.URL, t.TempDir()
	s.list(t, ann, dora, bob, cem)
	return s
}

// list writes the list of those who leave.
func (s *stage) list(t *testing.T, leave ...uuid.UUID) {
	text := "from,to\n"
	for _, id := range leave {
		text += id.String() + "," + sam.String() + "\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, "leavers.csv"), []byte(text), 0o600))
}

// ServeHTTP has the portal answer, but for what it says of jobs that have been started.
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(r.URL.Path, "/")
	verb, kind := path[len(path)-1], map[bool]string{true: "Reassign", false: "Remove"}[strings.Contains(r.URL.Path, "/reassign/")]
	switch {
	case verb == "necessary":
		if s.question.Add(-1) < 0 {
			s.inTurn(r)
		}
		s.portal.ServeHTTP(w, r)
	case verb == "start":
		answer := httptest.NewRecorder()
		s.portal.ServeHTTP(answer, r)
		if answer.Code != http.StatusOK {
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
			return
		}
		requests := s.portal.Requests()
		body := string(requests[len(requests)-1].Body) // the tool starts one after the other
		user := body[strings.Index(strings.ToLower(body), `userid":"`)+len(`userid":"`):][:36]
		s.mu.Lock()
		s.started[user] = true
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
		s.say(w, kind, user)
	case path[len(path)-2] == "progress" && s.say(w, kind, verb):
	default:
		s.portal.ServeHTTP(w, r)
	}
}

// inTurn waits until the user's predecessor has a job, so that the portal's queue is in the order of the list.
func (s *stage) inTurn(r *http.Request) {
	for user, before := range map[uuid.UUID]uuid.UUID{bob: ann, cem: bob} {
		for strings.Contains(r.URL.RawQuery, user.String()) {
			s.mu.Lock()
			ready, changed := s.started[before.String()] || s.over, s.changed
			s.mu.Unlock()
			if ready {
				return
			}
			select {
			case <-changed:
			case <-r.Context().Done():
				return
			}
		}
	}
}

// say answers with how a job stands, if there is one.
func (s *stage) say(w http.ResponseWriter, kind, user string) bool {
	s.mu.Lock()
	job, ok := s.jobs[user], s.started[user]
	if s.over {
		job = progress{percentage: 100}
	}
	s.mu.Unlock()
	if ok {
		status := map[bool]int{true: 1}[job.percentage > 0]
		if job.percentage == 100 {
			status = 2
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"response":{"id":"1_%s_%sProgressItem","error":%q,"percentage":%d,"isCompleted":%v,"status":%d},"count":1,"links":[],"status":0,"statusCode":200}`,
			user, kind, job.failure, job.percentage, job.percentage == 100 || job.failure != "", status)
	}
	return ok
}

// reach has a job reach a percentage, and fail there if a failure is given.
func (s *stage) reach(user uuid.UUID, percentage int, failure string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[user.String()] = progress{percentage, failure}
}

// end has all jobs come to their end, those that have not been started included.
func (s *stage) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

var (
	ann  = uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28")
	bob  = uuid.MustParse("b0b1e103-bca5-9fa1-ba8c-42058b4abf28")
	cem  = uuid.MustParse("ce31e103-bca5-9fa1-ba8c-42058b4abf28")
	dora = uuid.MustParse("d07ae103-bca5-9fa1-ba8c-42058b4abf28")
	sam  = uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9")
)

// peopled adds the users: dora has nothing to hand over.
func (s *stage) peopled() *stage {
	for _, id := range []uuid.UUID{ann, bob, cem, dora} {
		rooms := 3
		if id == dora {
			rooms = 0
		}
		s.portal.AddUser(docspacetest.User{ID: id, Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: rooms})
	}
	s.portal.AddUser(docspacetest.User{ID: sam, Type: api.EmployeeTypeRoomAdmin})
	return s
}
