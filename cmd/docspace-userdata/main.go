// Command docspace-userdata hands over and erases the data of users who leave a DocSpace portal.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/wrapper"
)

// Exit codes, by what a caller can do about them.
const (
	exitDone        = 0
	exitFailed      = 1 // refused, failed, or no portal
	exitUsage       = 2
	exitNotAllowed  = 3
	exitNotFound    = 4
	exitUnknown     = 5 // whether the job came to its end is not known
	exitInterrupted = 6 // the job may go on
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the work in good order; the next one ends the program.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], outside{in: os.Stdin, out: os.Stdout, err: os.Stderr, http: &http.Client{}}))
}

// outside is what a command has of the world: where it reads and writes (data on out, everything else on err), and how
// it gets to a portal.
type outside struct {
	in       io.Reader
	out, err io.Writer
	http     *http.Client
}

// usageError is a mistake in the command line or in the environment.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func run(ctx context.Context, args []string, t outside) int {
	root := &cobra.Command{
		Use:   "docspace-userdata",
		Short: "Hand over and erase the data of users who leave a DocSpace portal",
		Long: `Hand over and erase the data of users who leave a DocSpace portal.

Try "docspace-userdata demo" first: it does it all on a portal in memory.`,
		Version:       wrapper.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("there is no command %q; see --help", args[0])}
			}
			return cmd.Help()
		},
	}
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(offboardCommand(t), demoCommand(t), mockCommand(t))
	for _, cmd := range root.Commands() {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("%s takes no argument %q; see --help", cmd.Name(), args[0])}
			}
			return nil
		}
	}

	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(t.err, "docspace-userdata:", err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var (
		usage   usageError
		refusal *wrapper.Error
	)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, wrapper.ErrOutcomeUnknown):
		return exitUnknown
	case errors.Is(err, wrapper.ErrUnauthorized), errors.Is(err, wrapper.ErrForbidden):
		return exitNotAllowed
	case errors.Is(err, wrapper.ErrNotFound) && errors.As(err, &refusal) && refusal.Message != "":
		return exitNotFound // said by a portal, not by a web server that stands in its place
	}
	return exitFailed
}
