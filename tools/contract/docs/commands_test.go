package docs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The commands of the documentation run as a reader would run them, and so in real time, which no other test does.
func TestTheCommandsOfTheDocumentationWork(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a POSIX shell")
	}
	folder := t.TempDir()
	build := sync.OnceValues(func() (string, error) { // once, while the demo runs
		tool := exec.CommandContext(t.Context(), "go", "build", "-o", folder, "./cmd/docspace-userdata")
		var said bytes.Buffer
		tool.Dir, tool.Env, tool.Stderr = root, append(os.Environ(), "GOWORK=off"), &said
		return folder, because(tool.Run(), &said)
	})
	all := commands(documentation(t))
	require.NotEmpty(t, all)
	for _, c := range all {
		t.Run(c.where, func(t *testing.T) {
			t.Parallel()
			if err := c.run(t, build); err != nil {
				t.Errorf("%s: %s: %v", c.where, strings.Join(c.words(), " "), err)
			}
		})
	}
}

func TestACommandThatDoesNotWorkIsNoticed(t *testing.T) {
	for _, fault := range []struct{ lines, want string }{
		{"ls", "nobody runs this command"},
		{"$ make test", "nobody runs this command"},
		{"export DOCSPACE_URL=https://docspace.example.com", "nobody runs this command"},
		{"make", "nobody runs this command"},
		{"make clean", "it is no step of .ci/run"},
		{"go get github.com/google/uuid", "is not of this module"},
		{"go get " + module + "/nothing", "no required module provides package"},
		{"go install " + module + "/wrapper@latest", "go install cannot do this: package wrapper"},
		{"go install " + module + "/cmd/docspace-userdata", "go install cannot do this"},
	} {
		t.Run(fault.lines, func(t *testing.T) {
			c := commands([]page{parse("README.md", "```sh\n"+fault.lines+"\n```\n")})
			require.Len(t, c, 1)
			require.ErrorContains(t, c[0].run(t, nil), fault.want)
		})
	}
}

// command is a line of a block of sh, with what the lines before it in the block have set.
type command struct{ where, setup, line string }

func commands(docs []page) (all []command) {
	for _, p := range docs {
		for _, b := range p.blocks {
			if b.language != "sh" {
				continue
			}
			setup, unused := "", command{}
			for i, line := range strings.Split(b.text, "\n") {
				line = strings.TrimSpace(line)
				switch c := (command{p.line(b.line + i), setup, line}); {
				case line == "", strings.HasPrefix(line, "#"):
				case strings.HasPrefix(line, "export "):
					setup += line + "\n"
					unused = c
				default:
					all = append(all, c)
					unused = command{}
				}
			}
			if unused.line != "" {
				all = append(all, unused)
			}
		}
	}
	return all
}

// words are the line's, without a comment.
func (c command) words() []string {
	return strings.Fields(regexp.MustCompile(`\s#.*`).ReplaceAllString(c.line, ""))
}

// run does what the line says, or sees to it that somebody else does. A line of a new kind needs a case of its own.
func (c command) run(t *testing.T, build func() (string, error)) error {
	words := c.words()
	switch program, arguments := words[0], words[1:]; {
	case program == "make" && slices.Equal(arguments, []string{"demo"}):
		return c.demonstrates(t)
	case program == "make" && len(arguments) > 0:
		return areSteps(t, arguments)
	case program == "go" && len(arguments) == 2:
		return fetches(t, arguments[0], arguments[1])
	case program == "docspace-userdata" && len(arguments) > 0:
		bin, err := build()
		switch {
		case err != nil:
			return err
		case arguments[0] == "offboard":
			return c.offboards(t, bin)
		case arguments[0] == "mock":
			return c.serves(t, bin)
		}
	}
	return errors.New("nobody runs this command")
}

// shell has a shell run the line in the project's folder, and returns what it prints.
func (c command) shell(t *testing.T, environment []string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, said bytes.Buffer
	sh := exec.CommandContext(ctx, "sh", "-c", c.setup+c.line)
	sh.Dir, sh.Env, sh.Stdout, sh.Stderr = root, environment, &out, &said
	sh.WaitDelay = time.Second
	err := because(sh.Run(), &said)
	return out.String(), err
}

// What go run and make add to what a program says, and what belongs to the line before.
var addition = regexp.MustCompile(`^(exit status |make(\[\d+\])?: |\t)`)

// because joins how a program ended with the last line that it said.
func because(err error, said *bytes.Buffer) error {
	if err == nil {
		return nil
	}
	last := ""
	for line := range strings.Lines(said.String()) {
		if !addition.MatchString(line) {
			last = strings.TrimSpace(line)
		}
	}
	return fmt.Errorf("%w: %s", err, last)
}

// demonstrates runs the demo as make does it, but not as a part of the make that runs the tests.
func (c command) demonstrates(t *testing.T) error {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip(err)
	}
	environment := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, "MAKE") || strings.HasPrefix(pair, "MFLAGS=")
	})
	out, err := c.shell(t, environment)
	if err == nil && !strings.Contains(out, "3 users gone, 0 of 18 rooms lost") {
		err = errors.New("it does not show three users leave")
	}
	return err
}

var step = regexp.MustCompile(`(?m)^step '[^']+' make ([a-z -]+)$`)

// areSteps accounts for targets that continuous integration runs. To run them here would be to run this test in itself.
func areSteps(t *testing.T, targets []string) error {
	var steps []string
	for _, found := range step.FindAllStringSubmatch(read(t, ".ci/run"), -1) {
		steps = append(steps, strings.Fields(found[1])...)
	}
	for _, target := range targets {
		if !slices.Contains(steps, target) {
			return fmt.Errorf("nobody runs make %s: it is no step of .ci/run", target)
		}
	}
	return nil
}

// fetches accounts for what needs the network: the module, or the program in it, has to be here under that name.
func fetches(t *testing.T, verb, what string) error {
	name, _, _ := strings.Cut(what, "@")
	list := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Module.Path}} {{.Name}}", name)
	var out, said bytes.Buffer
	list.Dir, list.Env, list.Stdout, list.Stderr = root, append(os.Environ(), "GOWORK=off", "GOPROXY=off"), &out, &said
	if err := because(list.Run(), &said); err != nil {
		return err
	}
	in, kind, _ := strings.Cut(strings.TrimSpace(out.String()), " ")
	switch {
	case in != module:
		return fmt.Errorf("%s is not of this module", name)
	case verb == "get", verb == "install" && kind == "main" && name != what:
		return nil
	}
	return fmt.Errorf("go %s cannot do this: package %s", verb, kind)
}
