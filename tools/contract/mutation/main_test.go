package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree is a small one with a check that wants the file to say good.
func tree(t *testing.T, mutations string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"Makefile":                "check:\n\t@grep -q good file || { echo 'file: not good'; exit 1; }\nbroken:\n\t@false\n",
		"file":                    "good\nother\n",
		"bin/tool":                "",
		"testdata/mutations.yaml": mutations,
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Without that, only the long run of all of them would say so.
func TestEveryMutationOfTheProjectHasSomethingToBreak(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	mutations, err := read(filepath.Join(root, "testdata", "mutations.yaml"), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations {
		if _, _, err := m.intact(root); err != nil {
			t.Errorf("testdata/mutations.yaml: %s: %v", m.Name, err)
		}
	}
}

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name, mutations, pattern string
		want                     string // of the error; empty if there is none
	}{
		{"noticed", "- {name: a, file: file, old: good, new: bad, check: check, want: 'file: not good'}", "", ""},
		{"chosen by name", "- {name: a, file: file, old: good, new: bad, check: check, want: not good}\n- {name: b, file: file, old: other, new: bad, check: check, want: not good}", ": a$", ""},
		{"not noticed", "- {name: a, file: file, old: other, new: bad, check: check, want: not good}", "", "1 of 1 not noticed"},
		{"noticed with other words", "- {name: a, file: file, old: good, new: bad, check: check, want: quite wrong}", "", "1 of 1 not noticed"},
		{"nothing to break", "- {name: a, file: file, old: gone, new: bad, check: check, want: not good}", "", "1 of 1 not noticed"},
		{"no such file", "- {name: a, file: none, old: gone, new: bad, check: check, want: not good}", "", "1 of 1 not noticed"},
		{"a check that fails anyway", "- {name: a, file: file, old: good, new: bad, check: broken, want: x}", "", "broken fails without a fault"},
		{"a mutation that changes nothing", "- {name: a, file: file, old: good, new: good, check: check, want: x}", "", "says too little"},
		{"two of one name", "- &a {name: a, file: file, old: good, new: bad, check: check, want: x}\n- *a", "", "says too little, or is there twice"},
		{"a field that nobody knows", "- {name: a, file: file, old: good, new: bad, check: check, wants: x}", "", "field wants not found"},
		{"none of that name", "- {name: a, file: file, old: good, new: bad, check: check, want: x}", ": b", "no mutation matches"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := tree(t, test.mutations)
			t.Setenv("TMPDIR", t.TempDir())
			err := run(t.Context(), root, test.pattern, false)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
			if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			if data, _ := os.ReadFile(filepath.Join(root, "file")); string(data) != "good\nother\n" {
				t.Errorf("the tree itself was changed: %q", data)
			}
		})
	}
}

func TestWhatIsKnownToPassIsNotRunWithoutAFault(t *testing.T) {
	root := tree(t, "- {name: a, file: file, old: good, new: bad, check: broken, want: x}")
	err := run(t.Context(), root, "", true)
	if err == nil || strings.Contains(err.Error(), "without a fault") {
		t.Errorf("got %v", err)
	}
}

func TestAnInterruptEndsTheRun(t *testing.T) {
	root := tree(t, "- {name: a, file: file, old: good, new: bad, check: check, want: not good}")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, root, "", false); err == nil {
		t.Error("no error")
	}
}
