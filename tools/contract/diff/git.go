package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

var errNoTag = errors.New("there is no tag to compare with, or this is a shallow clone; BASE=… names another version")

// repository is the clone around the current directory, with a directory for what is taken out of it.
type repository struct {
	ctx     context.Context // One for the whole run of a command.
	scratch string
}

// command runs a command in dir and returns what it writes.
func (r repository) command(dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(r.ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // So that it can tidy up as well.
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), r.env()...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if words := strings.Fields(complaint.String()); err != nil && len(words) > 0 {
		err = errors.New(strings.Join(words, " "))
	}
	return strings.TrimSuffix(string(out), "\n"), err
}

// env keeps commands from the files that are not theirs, and what they leave behind where it will be removed.
func (r repository) env() []string {
	return []string{
		"GIT_INDEX_FILE=" + filepath.Join(r.scratch, "index"), "GOTMPDIR=" + r.scratch, "GOWORK=off", "GOFLAGS=-mod=readonly",
	}
}

// git runs a command of git on whoever's clone.
func (r repository) git(dir string, args ...string) (string, error) {
	return r.command(dir, "git", append([]string{"-c", "safe.directory=*"}, args...)...)
}

// resolve finds the ref to compare with, which is the last tag unless one is given, and the tree of the project there.
func (r repository) resolve(base string) (ref, tree string, err error) {
	if _, err := r.git(".", "rev-parse", "--git-dir"); err != nil {
		return "", "", err
	}
	if base == "" {
		if base, err = r.git(".", "describe", "--tags", "--abbrev=0"); err != nil {
			return "", "", errNoTag
		}
	}
	tree, err = r.git(".", "rev-parse", "--verify", "--quiet", "--end-of-options", base+":./")
	if err != nil {
		return "", "", fmt.Errorf("%s: git knows no such version of the project", base)
	}
	return base, tree, nil
}

// export writes a tree into files, all of them: git archive would leave out what .gitattributes tells it to.
func (r repository) export(tree string) (dir string, err error) {
	dir = filepath.Join(r.scratch, "tree")
	clone, err := r.git(".", "rev-parse", "--absolute-git-dir")
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	for _, step := range [][]string{{"read-tree", tree}, {"checkout-index", "--all"}} {
		if _, err := r.git(dir, append([]string{"--git-dir", clone, "--work-tree", dir}, step...)...); err != nil {
			return "", err
		}
	}
	return dir, nil
}
