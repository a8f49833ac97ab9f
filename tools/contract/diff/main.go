// Command diff tells what became of the Go API, or of the contract, since an earlier version:
//
//	diff api [BASE]
//	diff contract MODULE [BASE]
//
// BASE is a git ref, for the contract also a file; without it the last tag counts. MODULE is the directory of the module
// that pins oasdiff. It runs in the project's root, writes a line for each change, and exits with 1 if one of them breaks
// programs, with 2 if nothing could be compared.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/docspace-go/userdata/tools/contract"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

// comparison is what changed since the base, which goes by the name to use in sentences.
type comparison struct {
	base               string
	breaking, harmless []contract.Finding
}

// run compares. What it puts into files is gone when it returns, however that comes about.
func run(ctx context.Context, args []string, out io.Writer) int {
	args = append(args, "", "", "")
	what := args[0]
	say := func(format string, values ...any) {
		_, _ = fmt.Fprintf(out, "%s-diff: %s\n", what, fmt.Sprintf(format, values...))
	}

	scratch, err := os.MkdirTemp("", "diff-")
	if err != nil {
		say("%v", err)
		return 2
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	r := repository{ctx, scratch}

	var c comparison
	switch what {
	case "api":
		c, err = compareAPI(r, args[1])
	case "contract":
		c, err = compareContract(r, args[1], args[2])
	default:
		_, _ = fmt.Fprintln(out, "usage: diff api [BASE], or diff contract MODULE [BASE]")
		return 2
	}
	switch {
	case errors.Is(err, errNoTag):
		say("%v", err)
		return 0
	case err != nil:
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		say("%v", err)
		return 2
	}

	for _, f := range slices.Concat(c.breaking, c.harmless) {
		_, _ = fmt.Fprintln(out, f)
	}
	if n := len(c.breaking); n > 0 {
		say("since %s, %d of these lines break programs; below version 1.0 that is allowed, if CHANGELOG.md says so", c.base, n)
		return 1
	}
	say("since %s, nothing breaks programs; changes: %d", c.base, len(c.harmless))
	return 0
}
