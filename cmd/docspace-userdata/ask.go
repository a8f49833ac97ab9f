package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

var errDeclined = errors.New("nothing was done, as you wished")

// consent is how somebody agrees to what cannot be undone.
type consent struct{ yes, dry bool }

func consentFlags(cmd *cobra.Command) *consent {
	c := &consent{}
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask; needed where no terminal is")
	cmd.Flags().BoolVar(&c.dry, "dry-run", false, "only read, and say what would be done")
	return c
}

// possible is an error if somebody would have to be asked and nobody is there. It comes before anything is sent.
func (c *consent) possible(t *tool) error {
	if c.yes || c.dry || t.attended {
		return nil
	}
	return usagef("this cannot be undone, and there is no terminal to ask at: give --yes if you are sure, or --dry-run to see what would be done")
}

// ask says what is about to happen, and asks whether it should.
func (c *consent) ask(ctx context.Context, t *tool, about string) error {
	if c.yes {
		t.note("%s", about)
		return nil
	}
	if _, err := fmt.Fprintf(t.err, "%s\nGo on? [y/N] ", filled(t.err, about)); err != nil {
		return err
	}
	answer, err := reply(ctx, func() (string, error) {
		line, err := bufio.NewReader(t.in).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return line, err
	})
	if err != nil {
		_, _ = io.WriteString(t.err, "\n")
		return fmt.Errorf("nothing was done: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errDeclined
}

// reply waits for what somebody enters. The read itself cannot be ended, but the program does.
func reply(ctx context.Context, read func() (string, error)) (string, error) {
	type entry struct {
		text string
		err  error
	}
	entered := make(chan entry, 1)
	go func() {
		text, err := read()
		entered <- entry{text, err}
	}()
	select {
	case e := <-entered:
		return e.text, e.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// readSecret prompts, and reads a line without an echo. That is gone before the prompt is there, and comes back whatever
// happens.
func readSecret(ctx context.Context, t *tool, terminal *os.File, prompt string) (string, error) {
	before, err := term.MakeRaw(int(terminal.Fd()))
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(int(terminal.Fd()), before) }()
	text, err := reply(ctx, func() (string, error) {
		return term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{terminal, t.err}, "").ReadPassword(prompt)
	})
	if errors.Is(err, io.EOF) { // Ctrl-C, which is no signal without an echo, or Ctrl-D
		_, _ = io.WriteString(t.err, "\r\n")
		err = fmt.Errorf("nothing was entered: %w", context.Canceled)
	}
	return text, err
}
