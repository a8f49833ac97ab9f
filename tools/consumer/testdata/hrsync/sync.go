package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

// leaver is a line of the export.
type leaver struct {
	user, successor uuid.UUID
	lastDay         time.Time
}

// leavers reads lines of: user, successor, last day. The first line names the columns.
func leavers(export io.Reader) (people []leaver, err error) {
	table := csv.NewReader(export)
	table.FieldsPerRecord = 3
	if _, err := table.Read(); err != nil {
		return nil, err
	}
	for {
		line, err := table.Read()
		if errors.Is(err, io.EOF) {
			return people, nil
		}
		if err != nil {
			return nil, err
		}
		user, errUser := uuid.Parse(line[0])
		successor, errSuccessor := uuid.Parse(line[1])
		day, errDay := time.Parse(time.DateOnly, line[2])
		if err := errors.Join(errUser, errSuccessor, errDay); err != nil {
			return nil, fmt.Errorf("%v: %w", line, err)
		}
		people = append(people, leaver{user, successor, day})
	}
}

// due are the requests for those whose last day is past.
func due(people []leaver, today time.Time) iter.Seq[offboard.Request] {
	return func(yield func(offboard.Request) bool) {
		for _, p := range people {
			if today.Sub(p.lastDay) >= 24*time.Hour && !yield(offboard.Request{From: p.user, To: p.successor}) {
				return
			}
		}
	}
}

// sync offboards who is due, writes a line for each, and fails if anybody needs a person to look.
func sync(ctx context.Context, client *wrapper.Client, people []leaver, today time.Time, journal io.ReadWriter, report io.Writer) error {
	unsure, failed := 0, 0
	for r := range offboard.Users(ctx, client, due(people, today), offboard.Options{Journal: journal}) {
		switch {
		case r.Err == nil && r.Resumed:
		case r.Err == nil:
			fmt.Fprintf(report, "%s: %s, %s\n", r.Request.From, r.Action, r.Progress)
		case errors.Is(r.Err, wrapper.ErrOutcomeUnknown), errors.Is(r.Err, context.Canceled):
			unsure++
			fmt.Fprintf(report, "%s: comes again tomorrow: %v\n", r.Request.From, r.Err)
		default:
			failed++
			fmt.Fprintf(report, "%s: FAILED: %v\n", r.Request.From, r.Err)
		}
	}
	if unsure+failed > 0 {
		return fmt.Errorf("%d failed, %d are not known", failed, unsure)
	}
	return nil
}
