package api_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/docspace-go/userdata/api"
)

// FuzzStatus reads a status, and writes what was read.
func FuzzStatus(f *testing.F) {
	for _, text := range []string{
		`0`, `4`, `-1`, `17`, `2147483647`, `2147483648`, `-99999999999999999999`, `1.5`, `1e0`, `-0`, `null`, `true`, `{}`, `[1]`, ``, `"`, `01`,
		`"Created"`, `"RUNNING"`, `"Failted"`, `"Failed"`, `"Cancelled"`, `"Canceled"`, `"Paused"`, `""`, `"2"`, `"+2"`, `" 2"`, `"unknown"`,
		`"status 17"`, `"\u0052unning"`, "\"\xff\"", `"99999999999x"`, ` 1 `,
	} {
		f.Add([]byte(text))
	}
	names := map[string]api.DistributedTaskStatus{
		"created": 0, "running": 1, "completed": 2, "canceled": 3, "cancelled": 3, "failed": 4, "failted": 4,
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		direct := api.DistributedTaskStatus(99)
		_ = direct.UnmarshalJSON(data) // what is no JSON does not get there by encoding/json
		var s api.DistributedTaskStatus
		err := json.Unmarshal(data, &s)
		var name string
		if json.Unmarshal(data, &name) != nil || strings.TrimSpace(string(data)) == "null" {
			number, bad := strconv.ParseInt(strings.Trim(string(data), " \t\r\n"), 10, 32)
			outOfRange := errors.Is(bad, strconv.ErrRange) // with a fraction, too
			switch valid := json.Valid(data); {
			case (err == nil) != (valid && (bad == nil || outOfRange)):
				t.Errorf("%q: the error is %v", data, err)
			case err == nil && !outOfRange && int64(s) != number, err == nil && outOfRange && s != api.DistributedTaskStatusUnknown:
				t.Errorf("%q: read as %d", data, s)
			}
		} else {
			want, known := names[strings.ToLower(name)]
			number, bad := strconv.ParseInt(name, 10, 32)
			switch {
			case bad == nil:
				want = api.DistributedTaskStatus(number)
			case !known:
				want = api.DistributedTaskStatusUnknown
			}
			if err != nil || s != want {
				t.Errorf("%q: read as %d, not as %d; the error is %v", data, s, want, err)
			}
		}
		if err != nil {
			return
		}
		text := s.String()
		if text == "" || text != strings.ToLower(text) || strings.TrimSpace(text) != text {
			t.Errorf("%q: its word is %q", data, text)
		}
		var again, named api.DistributedTaskStatus
		if wire, err := json.Marshal(s); err != nil || string(wire) != strconv.Itoa(int(s)) || json.Unmarshal(wire, &again) != nil || again != s {
			t.Errorf("%q: %d is sent as %s, and read as %d", data, s, wire, again)
		}
		if s < api.DistributedTaskStatusUnknown || s > api.DistributedTaskStatusFailed {
			s = api.DistributedTaskStatusUnknown // whose word says its number
		}
		if word, err := json.Marshal(text); err != nil || json.Unmarshal(word, &named) != nil || named != s {
			t.Errorf("%q: its word %q is read as %d", data, text, named)
		}
	})
}
