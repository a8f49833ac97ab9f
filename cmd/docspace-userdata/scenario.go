package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

// scenario is what a portal in memory is told to be like.
type scenario struct {
	JobLength    duration            `json:"jobLength"`
	Workers      int                 `json:"workers"`
	Latency      duration            `json:"latency"`
	Limits       string              `json:"limits"`
	RestartAfter duration            `json:"restartAfter"`
	Fail         map[string][]string `json:"fail"`
	Users        []scenarioUser      `json:"users"` // in place of those that the mock begins with
}

// scenarioUser is a user with the job that deals with the user's data.
type scenarioUser struct {
	docspacetest.User
	Job struct {
		Length duration `json:"length"`
		Error  string   `json:"error"`
	} `json:"job"`
}

// duration is a time such as "3s" in JSON.
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err == nil && parsed < 0 {
		err = fmt.Errorf("%v is less than no time", parsed)
	}
	*d = duration(parsed)
	return err
}

func readScenario(path string) (s scenario, err error) {
	s = scenario{JobLength: duration(3 * time.Second), Workers: 1}
	if path == "" {
		return s, nil
	}
	data, err := os.ReadFile(path) //nolint:gosec // the caller names the file
	if err != nil {
		return s, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	for i, u := range s.Users {
		if u.Type != "" && !u.Type.Valid() {
			return s, fmt.Errorf("%s: user %d: there is no type %q", path, i+1, u.Type)
		}
		if u.Status != "" && u.Status != docspacetest.Active && u.Status != docspacetest.Terminated {
			return s, fmt.Errorf("%s: user %d: the status is Active or Terminated, not %q", path, i+1, u.Status)
		}
	}
	return s, nil
}

// override takes what flags say.
func (s *scenario) override(flags scenario, counts func(name string) bool) {
	for name, take := range map[string]func(){
		"job-length":    func() { s.JobLength = flags.JobLength },
		"workers":       func() { s.Workers = flags.Workers },
		"latency":       func() { s.Latency = flags.Latency },
		"limits":        func() { s.Limits = flags.Limits },
		"restart-after": func() { s.RestartAfter = flags.RestartAfter },
	} {
		if counts(name) {
			take()
		}
	}
}

func (s *scenario) options() ([]docspacetest.Option, error) {
	for name, d := range map[string]duration{"job-length": s.JobLength, "latency": s.Latency, "restart-after": s.RestartAfter} {
		if d < 0 {
			return nil, fmt.Errorf("--%s: %v is less than no time", name, time.Duration(d))
		}
	}
	if s.Workers < 1 {
		return nil, fmt.Errorf("--workers: %d is too few for a job to run", s.Workers)
	}
	limits := docspacetest.DefaultLimits()
	switch s.Limits {
	case "", "default":
	case "off":
		limits = docspacetest.Limits{}
	default:
		number, perMinute := strings.CutSuffix(s.Limits, "/min")
		n, err := strconv.Atoi(number)
		if err != nil || !perMinute || n < 1 {
			return nil, fmt.Errorf("--limits: %q is neither default, nor off, nor a number of requests such as 100/min", s.Limits)
		}
		limits.RequestsPerMinute = n
	}
	return []docspacetest.Option{
		docspacetest.WithJobLength(time.Duration(s.JobLength)), docspacetest.WithWorkers(s.Workers), docspacetest.WithLimits(limits),
	}, nil
}

var operations = []string{
	"necessaryReassign", "startReassign", "getReassignProgress", "terminateReassign", "startRemove", "getRemoveProgress",
	"terminateRemove", "startDeletePersonalFolder", "getDeletePersonalFolderProgress", "sendInstructionsToDelete",
}

// faults are what goes wrong, by operation: those of the file, then those of the flags.
func (s *scenario) faults(flags []string) (map[string][]docspacetest.Fault, error) {
	words := map[string][]string{}
	for operation, list := range s.Fail {
		words[operation] = list
	}
	for _, flag := range flags {
		operation, list, ok := strings.Cut(flag, "=")
		if !ok {
			return nil, fmt.Errorf("--fail: %q lacks what goes wrong, as in startReassign=503,lost", flag)
		}
		words[operation] = append(words[operation], strings.Split(list, ",")...)
	}
	faults := map[string][]docspacetest.Fault{}
	for operation, list := range words {
		if !slices.Contains(operations, operation) {
			return nil, fmt.Errorf("--fail: there is no operation %q; %s are", operation, strings.Join(operations, ", "))
		}
		for _, word := range list {
			fault, err := parseFault(word)
			if err != nil {
				return nil, fmt.Errorf("--fail: %s: %w", operation, err)
			}
			faults[operation] = append(faults[operation], fault)
		}
	}
	return faults, nil
}

// parseFault reads one thing that goes wrong, such as lost+503.
func parseFault(text string) (f docspacetest.Fault, err error) {
	for part := range strings.SplitSeq(text, "+") {
		status, wait, waits := strings.Cut(part, ":")
		number, notNumber := strconv.Atoi(status)
		seconds, notSeconds := strconv.Atoi(wait)
		switch {
		case part == "ok":
		case part == "lost":
			f.Lost = true
		case part == "hang":
			f.Hang = true
		case part == "reset":
			f.Reset = true
		case notNumber == nil && number >= 200 && number <= 599 && !waits:
			f.Status = number
		case notNumber == nil && number >= 200 && number <= 599 && notSeconds == nil && seconds >= 0:
			f.Status, f.Header = number, http.Header{"Retry-After": {wait}}
		default:
			if f.Delay, err = time.ParseDuration(part); err != nil || f.Delay < 0 {
				return f, fmt.Errorf("%q is neither a status, nor ok, lost, hang, reset, nor a delay such as 2s", part)
			}
		}
	}
	return f, nil
}

// populate adds the scenario's users, or those that the demo begins with.
func (s *scenario) populate(portal *docspacetest.Portal) {
	if s.Users == nil {
		seed(portal)
		return
	}
	for _, u := range s.Users {
		if u.Type == "" {
			u.Type = api.EmployeeTypeUser
		}
		user := u.User
		user.Job = docspacetest.Job{Length: time.Duration(u.Job.Length), Error: u.Job.Error}
		portal.AddUser(user)
	}
}
