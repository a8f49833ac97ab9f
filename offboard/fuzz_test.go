package offboard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/offboard"
)

// Four users leave, two of them with a room. Their ids are always the same, so that a journal can name them.
var (
	fuzzed    = [4]uuid.UUID{{15: 1}, {15: 2}, {15: 3}, {15: 4}}
	successor = uuid.UUID{15: 0xa}
	other     = uuid.UUID{15: 0xb} // whom an earlier run had in mind
)

// FuzzJournal begins with a journal that was damaged, or never was one, and looks at who is offboarded then, and who is not.
//
// Each byte of the recipe is a line, as written reads it. One byte of the whole is replaced by another, some are cut off
// at the end, and the tail is put there.
func FuzzJournal(f *testing.F) {
	f.Fuzz(func(t *testing.T, recipe []byte, at uint16, by byte, cut uint16, tail []byte) {
		if len(recipe) > 30 || len(tail) > 4<<10 {
			t.Skip("a longer one shows no more")
		}
		journal := written(recipe)
		if at > 0 && int(at) <= len(journal) {
			journal[at-1] = by
		}
		journal = append(journal[:max(len(journal)-int(cut), 0)], tail...)
		onStage(t, func(t *testing.T, s stage) { begins(t, s, journal) }, docspacetest.WithJobLength(2*time.Second))
	})
}

// written is a journal as earlier runs may have left it.
func written(recipe []byte) (journal []byte) {
	for _, b := range recipe {
		r := offboard.Request{From: fuzzed[b&3], To: successor}
		if b&16 != 0 {
			r.To = other
		}
		line := entry([]string{"begun", "refused", "failed", "done"}[b>>2&3], r, []offboard.Action{offboard.Reassign, offboard.Remove}[b>>5&1])
		if b>>6 == 3 { // which broke off
			line = line[:len(line)/2] + "\n"
		}
		journal = append(journal, line...)
	}
	return journal
}

// noted is what a journal says of a user at last.
type noted struct {
	Time     time.Time
	Event    string
	From, To uuid.UUID
	Action   offboard.Action
}

// readJournal reads a journal as its documentation has it: a line that breaks off counts for nothing, and one that is
// none of a journal spoils all. It returns the number of that one, or 0.
func readJournal(text []byte) (last map[uuid.UUID]noted, damaged int) {
	last = map[uuid.UUID]noted{}
	for i, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		var n noted
		decoder := json.NewDecoder(bytes.NewReader(line))
		err := decoder.Decode(&n)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			continue
		}
		_, more := decoder.Token()
		known := n.Event == "begun" || n.Event == "refused" || n.Event == "failed" || n.Event == "done"
		if err != nil || !errors.Is(more, io.EOF) || !known || n.From == uuid.Nil || n.To == uuid.Nil || n.Action != offboard.Reassign && n.Action != offboard.Remove {
			return last, i + 1
		}
		last[n.From] = n
	}
	return last, 0
}

// begins has a run begin with a journal, and compares what comes of it with what should.
func begins(t *testing.T, s stage, text []byte) {
	for _, id := range []uuid.UUID{successor, other} {
		s.portal.AddUser(docspacetest.User{ID: id, Type: api.EmployeeTypeRoomAdmin})
	}
	var rs []offboard.Request
	for i, id := range fuzzed {
		s.portal.AddUser(docspacetest.User{ID: id, Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: i % 2})
		rs = append(rs, offboard.Request{From: id, To: successor})
	}
	last, damaged := readJournal(text)
	journal := &memory{data: bytes.Clone(text)}
	results := s.run(t.Context(), offboard.Options{Journal: journal}, rs...)
	if damaged > 0 {
		if named := fmt.Sprintf("line %d is damaged", damaged); len(results) != 1 || results[0].Err == nil || !strings.Contains(results[0].Err.Error(), named) {
			t.Errorf("journal %q: %s, and the results are %+v", text, named, results)
		}
		if len(s.sent()) > 0 || !bytes.Equal(journal.data, text) {
			t.Errorf("journal %q: it is damaged, and something was done", text)
		}
		return
	}
	if len(results) != len(rs) || !bytes.HasPrefix(journal.data, text) {
		t.Fatalf("journal %q: %d results, and the journal is %q", text, len(results), journal.data)
	}
	rooms := 0
	now, damaged := readJournal(journal.data)
	if damaged > 0 {
		t.Errorf("journal %q: the run has left a damaged one: %q", text, journal.data)
	}
	for i, r := range rs {
		result, earlier := of(results, r.From), last[r.From]
		_, still := s.portal.User(r.From)
		started := starts(s.portal)[r.From]
		refused := earlier.Event == "refused"
		switch {
		case earlier.Event != "" && !refused && earlier.To != successor:
			if result.Err == nil || started > 0 || !still {
				t.Errorf("journal %q: user %d is somebody else's: %d starts, still there %t, error %v", text, i+1, started, still, result.Err)
			}
		case earlier.Event == "done":
			if result.Err != nil || !result.Resumed || started > 0 || !still || result.Action != earlier.Action {
				t.Errorf("journal %q: user %d is done: %d starts, still there %t, resumed %t, error %v", text, i+1, started, still, result.Resumed, result.Err)
			}
		default:
			rooms += i % 2
			if result.Err != nil || result.Resumed != (earlier.Event == "begun") || started != 1 || still || now[r.From].Event != "done" {
				t.Errorf("journal %q: user %d is to be done: %d starts, still there %t, resumed %t, noted %q, error %v", text, i+1, started, still, result.Resumed, now[r.From].Event, result.Err)
			}
		}
	}
	if taker, _ := s.portal.User(successor); taker.Rooms != rooms || s.portal.Owner().Rooms != 0 {
		t.Errorf("journal %q: the successor has %d rooms, not %d, and the owner %d", text, taker.Rooms, rooms, s.portal.Owner().Rooms)
	}
	requests := len(s.sent())
	for _, again := range s.run(t.Context(), offboard.Options{Journal: journal.open()}, rs...) {
		if of(results, again.Request.From).Err == nil && (again.Err != nil || !again.Resumed) {
			t.Errorf("journal %q: %s is done, and the next run says %+v", text, again.Request.From, again)
		}
	}
	if len(s.sent()) != requests {
		t.Errorf("journal %q: the next run sends %v", text, s.sent()[requests:])
	}
}
