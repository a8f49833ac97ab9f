package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
)

func TestAStatusIsReadAsNumberOrName(t *testing.T) {
	for _, c := range []struct {
		name, json, text string
		want             api.DistributedTaskStatus
	}{
		{"a number", `1`, "running", api.DistributedTaskStatusRunning},
		{"zero", `0`, "created", api.DistributedTaskStatusCreated},
		{"a number in quotes", `"2"`, "completed", api.DistributedTaskStatusCompleted},
		{"a name", `"Canceled"`, "canceled", api.DistributedTaskStatusCanceled},
		{"a name in another case", `"RUNNING"`, "running", api.DistributedTaskStatusRunning},
		{"the misspelt name", `"Failted"`, "failed", api.DistributedTaskStatusFailed},
		{"the name spelt right", `"Failed"`, "failed", api.DistributedTaskStatusFailed},
		{"an unknown number is kept", `17`, "status 17", api.DistributedTaskStatus(17)},
		{"an unknown name is no error", `"Paused"`, "unknown", api.DistributedTaskStatusUnknown},
		{"the other spelling of canceled", `"Cancelled"`, "canceled", api.DistributedTaskStatusCanceled},
		{"a number beyond all bounds", `99999999999`, "unknown", api.DistributedTaskStatusUnknown},
		{"an escaped name", `"\u0052unning"`, "running", api.DistributedTaskStatusRunning},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got api.DistributedTaskStatus
			require.NoError(t, json.Unmarshal([]byte(c.json), &got))
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.text, got.String())
		})
	}
}

func TestWhatIsNoStatusIsAnError(t *testing.T) {
	for _, text := range []string{`true`, `{}`, `[1]`, `1.5`} {
		var got api.DistributedTaskStatus
		assert.Error(t, json.Unmarshal([]byte(text), &got), text)
	}
}

func TestAStatusIsSentAsANumber(t *testing.T) {
	data, err := json.Marshal(api.DistributedTaskStatusFailed)
	require.NoError(t, err)
	assert.JSONEq(t, `4`, string(data))
}
