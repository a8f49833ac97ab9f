package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// write puts files into dir; an empty text takes the file away.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		err := os.RemoveAll(file)
		if text != "" && err == nil {
			if err = os.MkdirAll(filepath.Dir(file), 0o755); err == nil {
				err = os.WriteFile(file, []byte(text), 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{
		"-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main",
	}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v: %s", args[0], err, out)
	}
}

// commit makes a repository with one commit, tagged v1.
func commit(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, files)
	git(t, dir, "init", "--quiet")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "--quiet", "--message", "first")
	git(t, dir, "tag", "v1")
	return dir
}

// scratch makes the directory for temporary files one of the test's own, and expects it to be empty in the end. Also it
// hides the user's git from the test, and more important the other way round: in a hook git names the clone to work on.
func scratch(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "GIT_") {
			t.Setenv(name, value) // Back in the end.
			os.Unsetenv(name)
		}
	}
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
}

func check(t *testing.T, dir string, args []string, wantCode int, want ...string) {
	t.Helper()
	t.Chdir(dir)
	var out bytes.Buffer
	code := run(t.Context(), args, &out)
	if code != wantCode {
		t.Errorf("exits with %d, want %d", code, wantCode)
	}
	for _, line := range want {
		if !strings.Contains(out.String(), line) {
			t.Errorf("does not say %q", line)
		}
	}
	if t.Failed() {
		t.Logf("it says:\n%s", out.String())
	}
}

const library = `package lib

import "example.com/m/seq"

const Version = "0.1.0"

type Task struct{ ID string }

func (*Task) Wait(limit int) error { return nil }

func (*Task) Watch() seq.Of[int] { return nil }

type Waiter interface{ Wait(int) error }

func New(name string) *Task { return nil }
`

var module = map[string]string{
	"go.mod":         "module example.com/m\n\ngo 1.25.0\n",
	"lib/lib.go":     library,
	"seq/seq.go":     "package seq\n\ntype Of[T any] func(T)\n",
	"internal/i.go":  "package internal\n\nfunc Hidden() {}\n",
	"more/more.go":   "package more\n\nimport \"example.com/m/lib\"\n\nfunc Start() *lib.Task { return nil }\n",
	".gitattributes": "lib export-ignore\n", // Which must not hide anything from the comparison.
}

func TestChangesOfTheAPIAreFound(t *testing.T) {
	scratch(t)
	dir := commit(t, module)
	for _, change := range []struct {
		name     string
		old, new string            // in lib.go
		files    map[string]string // or files
		code     int
		want     string
	}{
		{name: "nothing", want: "api-diff: since v1, nothing breaks programs; changes: 0"},
		{name: "parameter renamed", old: "limit int", new: "most int", want: "changes: 0"},
		{name: "version moved", old: "0.1.0", new: "0.2.0", want: "changes: 0"},
		{name: "field added", old: "ID string", new: "ID string; Name string", want: "lib: compatible: Task.Name: added"},
		{name: "function added", old: "func New(", new: "func Renew() {}\nfunc New(", want: "lib: compatible: Renew: added"},
		{name: "method for values too", old: "(*Task) Wait", new: "(Task) Wait", want: "nothing breaks programs"},
		{name: "package added", files: map[string]string{"extra/extra.go": "package extra\n"}, want: "extra: compatible: the package is new"},
		{name: "internal package gone", files: map[string]string{"internal/i.go": ""}, want: "changes: 0"},
		{name: "method gone", old: "func (*Task) Wait(limit int) error { return nil }", code: 1, want: "lib: incompatible: (*Task).Wait: removed"},
		{name: "signature changed", old: "New(name string)", new: "New(name string, size int)", code: 1, want: "lib: incompatible: New: changed from func(string) *Task to func(string, int) *Task"},
		{name: "field gone", old: "ID string", code: 1, want: "lib: incompatible: Task.ID: removed"},
		{name: "no longer comparable", old: "ID string", new: "ID string; list []int", code: 1, want: "lib: incompatible: Task: old is comparable, new is not"},
		{name: "method of an interface added", old: "interface{ Wait(int) error }", new: "interface{ Wait(int) error; Stop() }", code: 1, want: "lib: incompatible: Waiter.Stop: added"},
		{name: "argument of a foreign generic type changed", old: "seq.Of[int]", new: "seq.Of[string]", code: 1, want: "lib: incompatible: Task.Watch: changed, was func (*Task) Watch() seq.Of[int]"},
		{name: "package renamed", files: map[string]string{"more/more.go": "", "most/most.go": "package most\n"}, code: 1, want: "more: incompatible: the package is gone"},
		{name: "module renamed", files: map[string]string{
			"go.mod": "module example.com/n\n", "lib/lib.go": "package lib\n", "more/more.go": "", "seq/seq.go": "",
		}, code: 1, want: "module: incompatible: its path was example.com/m, and is example.com/n now"},
		{name: "does not compile", old: "return nil", new: "return 1", code: 2, want: "api-diff: lib/lib.go:9:45: cannot use 1"},
	} {
		t.Run(change.name, func(t *testing.T) {
			git(t, dir, "clean", "--quiet", "--force", "-d")
			git(t, dir, "reset", "--quiet", "--hard")
			write(t, dir, change.files)
			if change.old != "" {
				if !strings.Contains(library, change.old) {
					t.Fatalf("there is no %q to change", change.old)
				}
				write(t, dir, map[string]string{"lib/lib.go": strings.Replace(library, change.old, change.new, 1)})
			}
			check(t, dir, []string{"api", "v1"}, change.code, change.want)
		})
	}
}

func TestTheBaseIsARefOrTheLastTag(t *testing.T) {
	scratch(t)
	dir := commit(t, map[string]string{"README": "No Go yet.\n"})
	write(t, dir, module)
	git(t, dir, "add", ".")
	git(t, dir, "commit", "--quiet", "--message", "second")
	git(t, dir, "tag", "v2")
	write(t, dir, map[string]string{"lib/lib.go": strings.Replace(library, "New(", "Make(", 1)})
	git(t, dir, "commit", "--quiet", "--all", "--message", "third")

	untagged := commit(t, module)
	git(t, untagged, "tag", "--delete", "v1")

	for _, test := range []struct {
		name, dir string
		args      []string
		code      int
		want      string
	}{
		{"the last tag", dir, []string{"api"}, 1, "api-diff: since v2, 1 of these lines break programs"},
		{"the last tag, in the words of make", dir, []string{"api", ""}, 1, "api-diff: since v2, 1 of these lines break programs"},
		{"a commit", dir, []string{"api", "HEAD~1"}, 1, "since HEAD~1, 1 of these"},
		{"a branch", dir, []string{"api", "main"}, 0, "since main, nothing"},
		{"a version without Go", dir, []string{"api", "v1"}, 2, "api-diff: v1: "},
		{"a version that is none", dir, []string{"api", "v9"}, 2, "api-diff: v9: git knows no such version of the project"},
		{"a file", dir, []string{"api", "go.mod"}, 2, "api-diff: go.mod: git knows no such version of the project"},
		{"a flag", dir, []string{"api", "--help"}, 2, "api-diff: --help: git knows no such version of the project"},
		{"no tag yet", untagged, []string{"api"}, 0, "api-diff: there is no tag to compare with"},
		{"no repository", t.TempDir(), []string{"api"}, 2, "api-diff: fatal: not a git repository"},
		{"no command", dir, nil, 2, "usage: "},
		{"another command", dir, []string{"go"}, 2, "usage: "},
	} {
		t.Run(test.name, func(t *testing.T) { check(t, test.dir, test.args, test.code, test.want) })
	}
}

func TestAProjectMayBePartOfARepository(t *testing.T) {
	scratch(t)
	inside := map[string]string{}
	for name, text := range module {
		inside["deep/down/"+name] = text
	}
	dir := commit(t, inside)
	write(t, dir, map[string]string{"deep/down/lib/lib.go": strings.Replace(library, "New(", "Make(", 1)})
	check(t, filepath.Join(dir, "deep", "down"), []string{"api"}, 1, "lib: incompatible: New: removed")
}

func TestNothingIsLeftAfterAnInterrupt(t *testing.T) {
	scratch(t)
	dir := commit(t, module)
	t.Chdir(dir)
	for _, args := range [][]string{{"api"}, {"contract", dir}} {
		ctx, interrupt := context.WithCancel(t.Context())
		interrupt()
		var out bytes.Buffer
		if code := run(ctx, args, &out); code != 2 || out.String() != args[0]+"-diff: interrupted\n" {
			t.Errorf("exits with %d and says %q", code, out.String())
		}
	}
}
