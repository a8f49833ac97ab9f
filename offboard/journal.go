package offboard

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"
)

// entry is one line of a journal.
type entry struct {
	Time   time.Time `json:"time"`
	Event  event     `json:"event"`
	From   uuid.UUID `json:"from"`
	To     uuid.UUID `json:"to"`
	Action Action    `json:"action"`
	Error  string    `json:"error,omitempty"`
}

type event string

const (
	begun   event = "begun"   // written before the start is sent: from here on, the portal may be at it
	refused event = "refused" // the portal did not start anything
	failed  event = "failed"  // the job ended badly; what it had moved stays moved
	done    event = "done"    // the user is gone
)

// journal knows what earlier runs have begun and done, and notes down what this one does.
type journal struct {
	mu      sync.Mutex // guards file and torn
	file    io.ReadWriter
	torn    bool                // whether the last line may have been written in part only
	earlier map[uuid.UUID]entry // the last entry of each user
}

// openJournal reads what there is. A line that breaks off, as a crash leaves it, counts for nothing: what it was to say
// has not been acted upon.
func openJournal(file io.ReadWriter) (*journal, error) {
	j := &journal{file: file, earlier: map[uuid.UUID]entry{}}
	if file == nil {
		return j, nil
	}
	lines := bufio.NewReader(file)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := j.read(line); err != nil {
				return nil, fmt.Errorf("offboard: journal: line %d is damaged: %w", number, err)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			j.torn = len(line) > 0
			return j, nil
		case err != nil:
			return nil, fmt.Errorf("offboard: journal: %w", err)
		}
	}
}

func (j *journal) read(line []byte) error {
	line = bytes.TrimSpace(line)
	var e entry
	switch err := json.Unmarshal(line, &e); {
	case len(line) == 0, breaksOff(line):
		return nil
	case err != nil:
		return err
	case e.From == uuid.Nil, e.To == uuid.Nil, e.Action != Reassign && e.Action != Remove,
		e.Event != begun && e.Event != refused && e.Event != failed && e.Event != done:
		return errors.New("it is no entry of a journal")
	}
	j.earlier[e.From] = e
	return nil
}

// breaksOff tells whether a line could go on and be JSON then.
func breaksOff(line []byte) bool {
	return errors.Is(json.NewDecoder(bytes.NewReader(line)).Decode(new(json.RawMessage)), io.ErrUnexpectedEOF)
}

// write notes an entry down, and returns when it is safe there.
func (j *journal) write(e entry) error {
	if j.file == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Time = time.Now().UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("the journal could not be written: %w", err)
	}
	if line = append(line, '\n'); j.torn {
		line = append([]byte("\n"), line...)
	}
	_, err = j.file.Write(line)
	if disk, ok := j.file.(interface{ Sync() error }); ok && err == nil {
		err = disk.Sync()
	}
	if j.torn = err != nil; j.torn {
		return fmt.Errorf("the journal could not be written: %w", err)
	}
	return nil
}
