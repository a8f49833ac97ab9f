// Command docspace-userdata hands over and erases the data of users who leave a DocSpace portal.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/screen"
	"github.com/docspace-go/userdata/wrapper"
)

// Exit codes, by what a caller can do about them.
const (
	exitDone        = 0
	exitFailed      = 1 // refused, failed, or no portal
	exitUsage       = 2
	exitNotAllowed  = 3
	exitNotFound    = 4 // no such user, or no such job
	exitUnknown     = 5 // whether the job came to its end is not known
	exitInterrupted = 6 // the job may go on
)

// outcomes are the exit codes in the words of a document.
var outcomes = [...]string{"done", "failed", "usage", "notAllowed", "notFound", "unknown", "interrupted"}

func main() {
	world := outside{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, http: &http.Client{},
		attended: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
	}
	ctx, stop := context.WithCancel(context.Background())
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupts
		stop() // ends the work in good order
		<-interrupts
		if world.attended {
			_, _ = fmt.Fprintln(world.err) // the terminal has written ^C
		}
		_, _ = fmt.Fprintln(world.err, "docspace-userdata: left at once; what the portal has begun goes on")
		os.Exit(exitInterrupted)
	}()
	// Output that nobody reads any more is an error of writing it. It must not end the watching of a job.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(ctx, os.Args[1:], world))
}

// outside is what a command has of the world: where it reads and writes (data on out, everything else on err), how it
// gets to a portal, and whether somebody sits there to be asked.
type outside struct {
	in       io.Reader
	out, err io.Writer
	http     *http.Client
	attended bool
}

// tool is one run: the world, and the flags that every command has.
type tool struct {
	outside
	json, quiet bool
	answered    bool  // whether the document is out
	help        *kept // where cobra writes
}

// note says something on the side.
func (t *tool) note(format string, args ...any) {
	if !t.quiet {
		_, _ = fmt.Fprintln(t.err, filled(t.err, fmt.Sprintf(format, args...)))
	}
}

// said is an error in words for people at a terminal: the library speaks to programmers here and there.
func said(err error) string {
	return strings.NewReplacer(": "+context.Canceled.Error(), "", "; use https, or WithPlainHTTP", "; use https").
		Replace(strings.TrimPrefix(err.Error(), "docspace: "))
}

// filled is a text as the width of a terminal wants it.
func filled(w io.Writer, text string) string { return screen.Fill(text, screen.Width(w)) }

// usageError is a mistake in the command line or in the environment.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// advised is an error with the command to type next.
type advised struct {
	error
	next string
}

func (e advised) Unwrap() error { return e.error }

func run(ctx context.Context, args []string, world outside) int {
	t := &tool{outside: world}
	root := newRoot(t)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil && t.help.err != nil {
		err = fmt.Errorf("the output could not be written: %w", t.help.err)
	}
	if err == nil {
		return exitDone
	}
	if !t.answered && slices.Contains(args, "--json") {
		t.json = true
		err = t.answer(cmd, &head{}, err)
	}
	_, _ = fmt.Fprintln(t.err, filled(t.err, "docspace-userdata: "+said(err)))
	if next := (advised{}); errors.As(err, &next) {
		_, _ = fmt.Fprintln(t.err, "next:", next.next)
	}
	return exitCode(err)
}

func newRoot(t *tool) *cobra.Command {
	root := &cobra.Command{
		Use:   "docspace-userdata",
		Short: "Hand over and erase the data of users who leave a DocSpace portal",
		Long: `Hand over and erase the data of users who leave a DocSpace portal.

Try "docspace-userdata demo" first: it does it all on a portal in memory. On a portal of yours, begin with "doctor".

Where to and as whom: a flag counts more than the environment, and that more than a profile (see "config"). Secrets
come from files, the environment, a command or a prompt; no flag takes one.

The exit code says how it ended: 0 done, 1 failed, 2 usage, 3 not allowed, 4 not found, 5 not known, 6 interrupted.`,
		Example: `  docspace-userdata demo
  docspace-userdata doctor --url https://docspace.example.com --api-key-file ~/.docspace-key`,
		Version:       wrapper.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	t.help = &kept{Writer: t.out}
	root.SetOut(t.help)
	root.SetIn(t.in)
	root.SetErr(t.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usagef("%w; see %s --help", err, cmd.CommandPath()) })
	root.PersistentFlags().BoolVar(&t.json, "json", false, "write one JSON document to standard output")
	root.PersistentFlags().BoolVar(&t.quiet, "quiet", false, "no progress and no remarks; questions and errors remain")
	root.AddCommand(checkCommand(t), offboardCommand(t), selfCommand(t), doctorCommand(t), configCommand(t),
		demoCommand(t), mockCommand(t), versionCommand(t), manCommand())
	for _, kind := range jobKinds {
		root.AddCommand(kind.command(t))
	}
	cobrasOwn(root)
	strict(root)
	return root
}

// cobrasOwn gives the commands that the library brings along what all others have here: an example, and errors.
func cobrasOwn(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	completion, _, _ := root.Find([]string{"completion"})
	completion.Example = "  docspace-userdata completion bash > /etc/bash_completion.d/docspace-userdata"
	for _, shell := range completion.Commands() {
		shell.Args, shell.Example = nil, "  docspace-userdata completion "+shell.Name()
	}
	help := &cobra.Command{Use: "help [COMMAND]...", Short: "Help about any command", Example: "  docspace-userdata help offboard"}
	help.RunE = func(_ *cobra.Command, args []string) error {
		about, rest, err := root.Find(args)
		if err != nil || len(rest) > 0 {
			return usagef("there is no command %q; see %s --help", strings.Join(args, " "), root.Name())
		}
		return about.Help()
	}
	root.SetHelpCommand(help)
	root.AddCommand(help)
}

// kept is a writer that keeps its first error. Cobra passes over those of help.
type kept struct {
	io.Writer
	err error
}

func (k *kept) Write(p []byte) (int, error) {
	n, err := k.Writer.Write(p)
	k.err = cmp.Or(k.err, err)
	return n, err
}

// strict has the commands object to arguments that they do not take, as mistakes in the command line. Those that have
// Args take one.
func strict(cmd *cobra.Command) {
	takes := cmd.Args
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		switch {
		case cmd.HasSubCommands() && len(args) > 0:
			text := fmt.Sprintf("there is no command %q; see %s --help", args[0], cmd.CommandPath())
			if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
				text = fmt.Sprintf("there is no command %q; do you mean %s?", args[0], strings.Join(like, " or "))
			}
			return usageError{errors.New(text)}
		case takes != nil && len(args) == 0:
			return usagef("%s lacks its argument; see %s --help", cmd.CommandPath(), cmd.CommandPath())
		case takes != nil && len(args) > 1:
			return usagef("%s takes one argument, not %q as well; see %s --help", cmd.CommandPath(), args[1], cmd.CommandPath())
		case takes != nil, cmd.Name() == "help":
		case len(args) > 0:
			return usagef("%s takes no argument %q; see %s --help", cmd.Name(), args[0], cmd.CommandPath())
		}
		return nil
	}
	if cmd.HasSubCommands() {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

func exitCode(err error) int {
	var (
		usage   usageError
		refusal *wrapper.Error
	)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled), errors.Is(err, errDeclined):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, wrapper.ErrOutcomeUnknown):
		return exitUnknown
	case errors.Is(err, wrapper.ErrUnauthorized), errors.Is(err, wrapper.ErrForbidden):
		return exitNotAllowed
	case errors.Is(err, wrapper.ErrNoTask):
		return exitNotFound
	case errors.Is(err, wrapper.ErrNotFound) && errors.As(err, &refusal) && refusal.Message != "":
		return exitNotFound // said by a portal, not by a web server that stands in its place
	}
	return exitFailed
}
