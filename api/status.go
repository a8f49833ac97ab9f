package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// DistributedTaskStatusUnknown stands for a status that a portal named with a word, or a number of more than 32
// bits, that this version does not know. Any other number that it does not know is kept as that number.
const DistributedTaskStatusUnknown DistributedTaskStatus = -1

// String returns the status as a lower-case word, or as its number where there is none.
func (s DistributedTaskStatus) String() string {
	switch s {
	case DistributedTaskStatusCreated:
		return "created"
	case DistributedTaskStatusRunning:
		return "running"
	case DistributedTaskStatusCompleted:
		return "completed"
	case DistributedTaskStatusCanceled:
		return "canceled"
	case DistributedTaskStatusFailed:
		return "failed"
	case DistributedTaskStatusUnknown:
		return "unknown"
	}
	return "status " + strconv.Itoa(int(s))
}

// UnmarshalJSON reads a status as a number or as a name, in any case, the contract's misspelt Failted included: portals
// send numbers, published documents describe names. An unknown number or name is no error.
func (s *DistributedTaskStatus) UnmarshalJSON(data []byte) error {
	text := string(data)
	if len(data) > 0 && data[0] == '"' {
		var name string
		if err := json.Unmarshal(data, &name); err != nil {
			return err
		}
		text = name
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err == nil {
		*s = DistributedTaskStatus(n)
		return nil
	}
	if errors.Is(err, strconv.ErrRange) {
		*s = DistributedTaskStatusUnknown
		return nil
	}
	if text == string(data) {
		return fmt.Errorf("a task's status is neither a number nor a name: %.40s", data)
	}
	switch strings.ToLower(text) {
	case "failted":
		*s = DistributedTaskStatusFailed
		return nil
	case "cancelled":
		*s = DistributedTaskStatusCanceled
		return nil
	}
	for known := DistributedTaskStatusCreated; known <= DistributedTaskStatusFailed; known++ {
		if strings.EqualFold(text, known.String()) {
			*s = known
			return nil
		}
	}
	*s = DistributedTaskStatusUnknown
	return nil
}
