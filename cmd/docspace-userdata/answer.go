package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// document is what a command has to say: a text for people, JSON for programs.
type document interface {
	top() *head
	text() string // nothing if there is nothing to say but the error
}

// head is what every document begins with.
type head struct {
	Command string `json:"command"`
	Outcome string `json:"outcome"` // one of outcomes
	Error   string `json:"error,omitempty"`
	Next    string `json:"next,omitempty"` // the command to type next
}

func (h *head) top() *head   { return h }
func (h *head) text() string { return "" }

// answer writes what a command has to say, and returns the error that it ends with.
func (t *tool) answer(cmd *cobra.Command, d document, err error) error {
	h := d.top()
	h.Command = strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()), " ")
	h.Outcome = outcomes[exitCode(err)]
	if err != nil {
		h.Error, h.Next = said(err), ""
	}
	if next := (advised{}); errors.As(err, &next) {
		h.Next = next.next
	}
	var written error
	switch {
	case t.json:
		t.answered = true
		written = t.line(d)
	case d.text() != "":
		_, written = fmt.Fprintln(t.out, filled(t.out, d.text()))
		if written == nil && err == nil && h.Next != "" && !t.quiet {
			_, _ = fmt.Fprintln(t.err, "next:", h.Next)
		}
	}
	switch {
	case written == nil:
		return err
	case err == nil && d.text() != "":
		return fmt.Errorf("%s; but that could not be written: %w", d.text(), written)
	}
	return errors.Join(err, fmt.Errorf("the answer could not be written: %w", written))
}

// line writes a line of JSON.
func (t *tool) line(v any) error {
	encoder := json.NewEncoder(t.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
