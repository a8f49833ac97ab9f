package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// outside is where programs are that are not ours: each in a directory of its own, with no go.work or replace that leads
// into the tree. What they need besides the library comes from where it usually comes from.
type outside struct {
	lib     *library
	dir     string
	env     []string // of the go command
	release string   // of this Go, such as go1.26.1
	oldest  string   // that the library is for
}

func newOutside(ctx context.Context, lib *library, dir string) (*outside, error) {
	o := &outside{lib: lib, dir: dir, oldest: "go" + lib.goLine}
	var usual struct{ GOMODCACHE, GOPROXY, GONOSUMDB, GOVERSION string }
	out, err := o.run(ctx, "", "go", "env", "-json", "GOMODCACHE", "GOPROXY", "GONOSUMDB", "GOVERSION")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(out), &usual); err != nil {
		return nil, err
	}
	o.release = usual.GOVERSION
	// The usual cache stands before the usual proxy, so that nothing is downloaded twice. The module goes into a cache of
	// its own: the next time, another tree has the same version.
	cache := "file://" + filepath.ToSlash(filepath.Join(usual.GOMODCACHE, "cache", "download"))
	o.env = []string{
		"GOWORK=off", "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod -modcacherw -trimpath", "GOMODCACHE=" + filepath.Join(dir, "cache"),
		"GOPROXY=" + lib.proxy + "," + cache + "," + usual.GOPROXY, "GONOSUMDB=" + lib.path + "," + usual.GONOSUMDB,
	}
	return o, nil
}

// run runs a command and returns what it writes. An error has the first lines of its complaint, in one.
func (o *outside) run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), o.env...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, gist(complaint.String()+"\n"+string(out)))
	}
	return strings.TrimSpace(string(out)), err
}

// gist is the first three lines that say something.
func gist(output string) string {
	var lines []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' && !strings.HasPrefix(line, "go: downloading ") && !strings.HasPrefix(line, "go: added ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[:min(len(lines), 3)], "; ")
}

// settle copies a program out of the tree, and gets the library for it.
func (o *outside) settle(ctx context.Context, program string) (dir string, err error) {
	dir = filepath.Join(o.dir, filepath.Base(program))
	if err := os.CopyFS(dir, os.DirFS(program)); err != nil {
		return "", err
	}
	if _, err := o.run(ctx, dir, "go", "get", o.lib.path); err != nil {
		return "", err
	}
	_, err = o.run(ctx, dir, "go", "mod", "tidy")
	return dir, err
}

// use builds a stranger's program and runs its tests, with every release of Go that counts and that can be had.
func (o *outside) use(ctx context.Context, program string) error {
	before, err := os.ReadFile(filepath.Join(program, "go.mod"))
	if err != nil {
		return err
	}
	if want := "\ngo " + o.lib.goLine + "\n"; !strings.Contains(string(before), want) {
		return fmt.Errorf("the library needs Go %s, and its consumer in %s is for another version", o.lib.goLine, program)
	}
	dir, err := o.settle(ctx, program)
	if err != nil {
		return err
	}
	for _, release := range releases(o.release, o.oldest) {
		binary := "go"
		if release != o.release {
			if binary, err = o.toolchain(ctx, release); err != nil {
				fmt.Printf("consumer: %s: SKIPPED: it cannot be had: %v\n", release, err)
				continue
			}
		}
		for _, args := range [][]string{{"build", "-o", os.DevNull, "."}, {"vet", "./..."}, {"test", "-count=1", "./..."}} {
			if _, err := o.run(ctx, dir, binary, args...); err != nil {
				return fmt.Errorf("a stranger's program with %s: %w", release, err)
			}
		}
		fmt.Printf("consumer: %s: built and tested\n", release)
	}
	leaks, err := o.leaks(ctx, dir)
	if err != nil {
		return err
	}
	if len(leaks) > 0 {
		return fmt.Errorf("the exported API has types that nobody outside can name: %s", strings.Join(leaks, ", "))
	}
	return nil
}

// releases are this Go, the one before it, and the oldest that is supported, each minor release once. The older ones are
// the first of theirs: what they can do, the later ones can.
func releases(current, oldest string) []string {
	all := []string{current}
	minor, err := strconv.Atoi(strings.TrimPrefix(version.Lang(current), "go1."))
	if err == nil {
		if previous := fmt.Sprintf("go1.%d.0", minor-1); version.Compare(previous, oldest) > 0 {
			all = append(all, previous)
		}
	}
	if version.Compare(version.Lang(oldest), version.Lang(current)) < 0 {
		all = append(all, oldest)
	}
	return all
}

// toolchain finds the go command of another release, which the go command gets from the module proxy if need be.
func (o *outside) toolchain(ctx context.Context, release string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOROOT")
	cmd.Dir = o.dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+release)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	root, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, gist(complaint.String()))
	}
	return filepath.Join(strings.TrimSpace(string(root)), "bin", "go"), nil
}
