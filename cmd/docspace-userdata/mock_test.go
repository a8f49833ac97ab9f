package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

// served is a mock that serves until the test is over.
type served struct {
	URL   string
	Users []docspacetest.User
}

func serve(t *testing.T, args ...string) (s served) {
	t.Helper()
	ctx, interrupt := context.WithCancel(context.Background())
	read, write := io.Pipe()
	ended := make(chan int)
	go func() {
		ended <- run(ctx, append([]string{"mock", "--quiet"}, args...), outside{out: write, err: io.Discard})
	}()
	t.Cleanup(func() {
		interrupt()
		assert.Zero(t, <-ended)
	})
	line, err := bufio.NewReader(read).ReadBytes('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(line, &s))
	return s
}

func (s served) client(t *testing.T) *wrapper.Client {
	client, err := wrapper.New(s.URL, wrapper.WithAuth(wrapper.APIKey(s.Users[0].APIKey)), wrapper.WithRetry(wrapper.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	return client
}

func TestTheMockFailsOnOrder(t *testing.T) {
	s := serve(t, "--fail", "startRemove=503,ok", "--fail", "necessaryReassign=429:30")
	client, user := s.client(t), s.Users[len(s.Users)-2].ID
	_, err := client.StartRemove(t.Context(), user)
	require.ErrorIs(t, err, wrapper.ErrServer)
	_, err = client.StartRemove(t.Context(), user)
	require.NoError(t, err)
	_, err = client.NecessaryReassign(t.Context(), user, "")
	var refusal *wrapper.Error
	require.ErrorAs(t, err, &refusal)
	assert.Equal(t, 30*time.Second, refusal.RetryAfter)
}

func TestTheMockLimitsAndTakesItsTime(t *testing.T) {
	s := serve(t, "--limits", "2/min", "--latency", "20ms")
	client := s.client(t)
	began := time.Now()
	for range 2 {
		_, err := client.NecessaryReassign(t.Context(), s.Users[0].ID, "")
		require.NoError(t, err)
	}
	assert.GreaterOrEqual(t, time.Since(began), 40*time.Millisecond)
	_, err := client.NecessaryReassign(t.Context(), s.Users[0].ID, "")
	assert.ErrorIs(t, err, wrapper.ErrRateLimited)
}

func TestAScenarioSaysWhoIsThereAndWhatGoesWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scenario.json")
	require.NoError(t, os.WriteFile(file, []byte(`{
		"jobLength": "10ms", "workers": 2, "limits": "off",
		"fail": {"startRemove": ["lost+502"]},
		"users": [{"email": "liz@example.com", "status": "Terminated", "rooms": 2, "job": {"error": "the disk is full"}}]
	}`), 0o600))
	s := serve(t, "--scenario", file, "--fail", "startRemove=ok")
	require.Len(t, s.Users, 2)
	assert.Equal(t, "liz@example.com", s.Users[1].Email)
	_, err := s.client(t).StartRemove(t.Context(), s.Users[1].ID)
	require.ErrorIs(t, err, wrapper.ErrOutcomeUnknown)
	_, err = s.client(t).RemoveTask(s.Users[1].ID).Wait(t.Context(), wrapper.PollBetween(time.Millisecond, 5*time.Millisecond))
	assert.ErrorIs(t, err, wrapper.ErrTaskFailed, "the start was lost on the way back only")
}

func TestAScenarioThatCannotBeReadServesNothing(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON": "users:", "an unknown field": `{"user":[]}`, "a type that is none": `{"users":[{"type":"Boss"}]}`,
		"a status that is none": `{"users":[{"status":"Gone"}]}`, "no time": `{"jobLength":"long"}`, "less than no time": `{"latency":"-1s"}`,
		"an operation that is none": `{"fail":{"start":["503"]}}`, "no worker": `{"workers":-1}`,
	} {
		file := filepath.Join(t.TempDir(), "scenario.json")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		got := runIn(t.Context(), nil, "mock", "--scenario", file)
		assert.Equal(t, exitUsage, got.code, name)
		assert.Empty(t, got.out, name)
	}
}

func TestFaultsAreRead(t *testing.T) {
	for text, want := range map[string]docspacetest.Fault{
		"503": {Status: 503}, "lost": {Lost: true}, "lost+502": {Lost: true, Status: 502}, "hang": {Hang: true}, "reset": {Reset: true},
		"ok": {}, "2s+503": {Delay: 2 * time.Second, Status: 503}, "429:30": {Status: 429, Header: http.Header{"Retry-After": {"30"}}},
	} {
		got, err := parseFault(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "99", "600", "503:soon", "503:-1", "sulk", "-2s", "lost+"} {
		_, err := parseFault(text)
		assert.Error(t, err, text)
	}
}
