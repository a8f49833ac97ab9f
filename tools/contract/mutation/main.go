// Mutation proves that the checks of the contract notice. It breaks one thing at a time in a scratch copy of the tree, as
// testdata/mutations.yaml says, runs the check that guards it, and expects a line that names the fault.
//
//	go run ./mutation [-sound] [PATTERN]   only the mutations of which "check: name" matches the regular expression
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"
)

// Mutation is one fault: in File, the first Old becomes New. `make Check` has to fail with a line that has Want in it.
type Mutation struct {
	Name, File, Old, New, Check, Want string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	sound := flag.Bool("sound", false, "the checks are known to pass without a fault")
	flag.Parse()
	err := run(ctx, "../..", flag.Arg(0), *sound)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root, pattern string, sound bool) error {
	mutations, err := read(filepath.Join(root, "testdata", "mutations.yaml"), pattern)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "mutations-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	var trees []string
	for i := range runtime.NumCPU() {
		trees = append(trees, filepath.Join(scratch, strconv.Itoa(i)))
		if err := copyTree(root, trees[i]); err != nil {
			return err
		}
	}

	// A check that fails without a fault would seem to notice anything.
	var checks []string
	for _, m := range mutations {
		if !sound && !slices.Contains(checks, m.Check) {
			checks = append(checks, m.Check)
		}
	}
	var unsound error
	atOnce(trees, len(checks), func(i int, tree string) func() {
		output, failed := runCheck(ctx, tree, checks[i])
		return func() {
			fmt.Printf("mutation: %s without a fault\n", checks[i])
			if failed {
				unsound = errors.Join(unsound, fmt.Errorf("%s fails without a fault:\n%s", checks[i], output))
			}
		}
	})
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case unsound != nil:
		return unsound
	}

	unnoticed := 0
	atOnce(trees, len(mutations), func(i int, tree string) func() {
		m, began := mutations[i], time.Now()
		line, err := m.try(ctx, tree)
		took := int(time.Since(began).Seconds())
		return func() {
			switch {
			case ctx.Err() != nil:
			case err != nil:
				unnoticed++
				fmt.Printf("mutation: %d/%d: NOT NOTICED: %s: %v\n", i+1, len(mutations), m.Name, err)
			default:
				fmt.Printf("mutation: %d/%d: %s: %s, %d s: %s\n", i+1, len(mutations), m.Name, m.Check, took, line)
			}
		}
	})
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case unnoticed > 0:
		return fmt.Errorf("%d of %d not noticed", unnoticed, len(mutations))
	}
	fmt.Printf("mutation: all %d noticed\n", len(mutations))
	return nil
}

// atOnce does n things, as many at once as there are trees to do them in, and reports on them one by one.
func atOnce(trees []string, n int, do func(i int, tree string) (report func())) {
	next, reports := make(chan int), make(chan func())
	go func() {
		for i := range n {
			next <- i
		}
		close(next)
	}()
	for _, tree := range trees {
		go func() {
			for i := range next {
				reports <- do(i, tree)
			}
		}()
	}
	for range n {
		(<-reports)()
	}
}

// read reads the table. Entries that say too little, and two of one name, are errors.
func read(path, pattern string) (chosen []Mutation, _ error) {
	only, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []Mutation
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	names := map[string]bool{}
	for _, m := range all {
		if m.Name == "" || m.File == "" || m.Old == "" || m.Old == m.New || m.Check == "" || m.Want == "" || names[m.Name] {
			return nil, fmt.Errorf("%s: %q says too little, or is there twice", path, m.Name)
		}
		names[m.Name] = true
		if only.MatchString(m.Check + ": " + m.Name) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%s: no mutation matches", path)
	}
	return chosen, nil
}

// try applies the mutation, runs the check, and takes the mutation back. It returns the line that names the fault.
func (m Mutation) try(ctx context.Context, scratch string) (line string, err error) {
	path, intact, err := m.intact(scratch)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, bytes.Replace(intact, []byte(m.Old), []byte(m.New), 1), 0o600); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.WriteFile(path, intact, 0o600)) }()

	output, failed := runCheck(ctx, scratch, m.Check)
	if !failed {
		return "", fmt.Errorf("%s passes", m.Check)
	}
	for line := range strings.Lines(output) {
		if strings.Contains(line, m.Want) {
			return strings.TrimSpace(line), nil
		}
	}
	return "", fmt.Errorf("%s fails, but no line says %q:\n%s", m.Check, m.Want, output)
}

// intact reads the file that is to be broken, which has to have the text.
func (m Mutation) intact(root string) (path string, data []byte, err error) {
	path = filepath.Join(root, filepath.FromSlash(m.File))
	data, err = os.ReadFile(path)
	if err == nil && !bytes.Contains(data, []byte(m.Old)) {
		err = fmt.Errorf("the text to break is gone from %s: %q", m.File, m.Old)
	}
	return path, data, err
}

// runCheck runs make in the scratch copy, in a process group of its own, so that no check outlives an interrupt.
func runCheck(ctx context.Context, scratch, check string) (output string, failed bool) {
	cmd := exec.CommandContext(ctx, "make", append([]string{"--no-print-directory"}, strings.Fields(check)...)...)
	cmd.Dir = scratch
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "MAKE") || strings.HasPrefix(s, "MFLAGS") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err != nil
}

// copyTree copies the tree as it stands, committed or not. What is installed is shared, and git's own is left out.
func copyTree(from, to string) error {
	from, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		switch {
		case name == ".git":
			return filepath.SkipDir
		case name == "bin", entry.Name() == "node_modules":
			if err := os.Symlink(path, target); err != nil || !entry.IsDir() {
				return err
			}
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o700)
		case !entry.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		// With the times of the tree, lest make install anew what is shared.
		return errors.Join(os.WriteFile(target, data, info.Mode()), os.Chtimes(target, info.ModTime(), info.ModTime()))
	})
}
