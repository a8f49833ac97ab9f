package docspacetest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

const (
	necessary        = "GET /api/2.0/people/reassign/necessary"
	startReassign    = "POST /api/2.0/people/reassign/start"
	reassignProgress = "GET /api/2.0/people/reassign/progress/"
	stopReassign     = "PUT /api/2.0/people/reassign/terminate"
	startRemove      = "POST /api/2.0/people/remove/start"
	removeProgress   = "GET /api/2.0/people/remove/progress/"
	stopRemove       = "PUT /api/2.0/people/remove/terminate"
	startFolder      = "POST /api/2.0/people/delete/personal/start"
	folderProgress   = "GET /api/2.0/people/delete/personal/progress"
	selfDelete       = "PUT /api/2.0/people/self/delete"
)

// caller sends plain requests, each with the same headers.
type caller struct {
	t      testing.TB
	portal *docspacetest.Portal
	client *http.Client
	header http.Header
}

func newCaller(t testing.TB, p *docspacetest.Portal, u docspacetest.User) caller {
	return caller{t, p, p.HTTPClient(), http.Header{"Authorization": {"Bearer " + u.APIKey}}}
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (c caller) request(operation, body string) *http.Request {
	method, path, _ := strings.Cut(operation, " ")
	req, err := http.NewRequest(method, c.portal.URL+path, strings.NewReader(body))
	require.NoError(c.t, err)
	req.Header = c.header.Clone()
	if body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

func (c caller) try(operation, body string) (reply, error) {
	resp, err := c.client.Do(c.request(operation, body))
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(data)}, err
}

func (c caller) do(operation, body string) reply {
	c.t.Helper()
	r, err := c.try(operation, body)
	require.NoError(c.t, err)
	return r
}

// task sends a request that has to succeed and returns the progress in its answer, nil if there is none.
func (c caller) task(operation, body string) *api.TaskProgressResponseDto {
	c.t.Helper()
	r := c.do(operation, body)
	require.Equal(c.t, http.StatusOK, r.status, r.body)
	var wrapper api.TaskProgressResponseWrapper
	require.NoError(c.t, json.Unmarshal([]byte(r.body), &wrapper))
	require.NotNil(c.t, wrapper.Count)
	if wrapper.Response == nil {
		require.Zero(c.t, *wrapper.Count)
	} else {
		require.EqualValues(c.t, 1, *wrapper.Count)
	}
	return wrapper.Response
}

// sees checks a progress: percentage, status, completed.
func (c caller) sees(operation string, percentage int, status api.DistributedTaskStatus, completed bool) {
	c.t.Helper()
	isProgress(c.t, c.task(operation, ""), percentage, status, completed)
}

func (c caller) seesNothing(operation string) {
	c.t.Helper()
	assert.Nil(c.t, c.task(operation, ""))
}

func isProgress(t testing.TB, p *api.TaskProgressResponseDto, percentage int, status api.DistributedTaskStatus, completed bool) {
	t.Helper()
	require.NotNil(t, p, "nothing is queued")
	assert.EqualValues(t, percentage, p.Percentage, "percentage")
	assert.Equal(t, status, p.Status, "status")
	assert.Equal(t, completed, p.IsCompleted, "isCompleted")
}

func handOver(from, to uuid.UUID) string {
	return `{"fromUserId":"` + from.String() + `","toUserId":"` + to.String() + `"}`
}

func handOverAndDelete(from, to uuid.UUID) string {
	return strings.Replace(handOver(from, to), "}", `,"deleteProfile":true}`, 1)
}

func whose(id uuid.UUID) string { return `{"userId":"` + id.String() + `"}` }

// scene is a portal with the people that most tests need.
type scene struct {
	*docspacetest.Portal
	owner, admin       caller
	gone, gone2, heir  docspacetest.User // two disabled users with 10 rooms each, and a RoomAdmin
	adminUser, someone docspacetest.User
}

func newScene(t testing.TB, opts ...docspacetest.Option) *scene {
	p := docspacetest.NewPortal(opts...)
	t.Cleanup(p.Close)
	s := &scene{Portal: p}
	s.gone = p.AddUser(docspacetest.User{Status: docspacetest.Terminated, Rooms: 10})
	s.gone2 = p.AddUser(docspacetest.User{Status: docspacetest.Terminated, Rooms: 10})
	s.heir = p.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
	s.adminUser = p.AddUser(docspacetest.User{Type: api.EmployeeTypeDocSpaceAdmin})
	s.someone = p.AddUser(docspacetest.User{})
	s.owner = newCaller(t, p, p.Owner())
	s.admin = newCaller(t, p, s.adminUser)
	return s
}

// virtual runs a test in virtual time.
func virtual(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func (s *scene) rooms(id uuid.UUID) int {
	u, _ := s.User(id)
	return u.Rooms
}
