package goapi

import (
	"context"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/api anew")

// The project's root and the lists, seen from this directory.
var (
	root  = filepath.Join("..", "..", "..")
	lists = filepath.Join(root, "testdata", "api")
)

func TestTheExportedAPIIsTheListedOne(t *testing.T) {
	m, err := Load(t.Context(), root)
	if err != nil {
		t.Fatalf("the module cannot be read: %v", err)
	}
	delete(m.Packages, "api") // Generated: its list would be the contract once more.

	if *update {
		write(t, m)
	}
	left := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(lists, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		left[filepath.Base(file)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(m.Packages)) {
		delete(left, listOf(name))
		listed, err := os.ReadFile(filepath.Join(lists, listOf(name)))
		if err != nil {
			t.Errorf("%s: has no list: `make api` writes testdata/api/%s", name, listOf(name))
			continue
		}
		for _, f := range Compare(name, lines(string(listed)), List(m.Packages[name])) {
			t.Error(f)
		}
	}
	for file := range left {
		t.Errorf("testdata/api/%s: lists no package that there is; if that is meant, `make api` takes it away", file)
	}
}

// listOf names the file that lists a package.
func listOf(pkg string) string { return strings.ReplaceAll(pkg, "/", ".") + ".txt" }

func write(t *testing.T, m Module) {
	t.Helper()
	if err := os.RemoveAll(lists); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(lists, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, pkg := range m.Packages {
		text := "# What package " + name + " exports, a line each; `make api` writes it.\n"
		for _, e := range List(pkg) {
			text += e.Line + "\n"
		}
		if err := os.WriteFile(filepath.Join(lists, listOf(name)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func lines(list string) []string {
	return slices.DeleteFunc(strings.Split(list, "\n"), func(line string) bool {
		return line == "" || strings.HasPrefix(line, "#")
	})
}

// module writes a module with files like "p/p.go" and loads it.
func module(t *testing.T, files map[string]string) (Module, error) {
	t.Helper()
	dir := t.TempDir()
	if files["go.mod"] == "" {
		files["go.mod"] = "module example.com/m\n\ngo 1.25.0\n"
	}
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Load(t.Context(), dir)
}

func linesOf(t *testing.T, source string) []string {
	t.Helper()
	m, err := module(t, map[string]string{"p/p.go": "package p\n" + source})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range List(m.Packages["p"]) {
		all = append(all, e.Line)
	}
	return all
}

func TestEveryExportedThingHasALine(t *testing.T) {
	for _, test := range []struct {
		name, source string
		want         []string
	}{
		{"constants, with their values", `const (A = 1; B int32 = 2; C = "c"; D Kind = 1.5; Version = "1.2.3"; e = 5); type Kind float64`,
			[]string{`const A untyped int = 1`, `const B int32 = 2`, `const C untyped string = "c"`, `const D Kind = 3/2`, `type Kind float64`, `const Version untyped string`}},
		{"variables", `var A error; var B, c = 1, 2`, []string{`var A error`, `var B int`}},
		{"functions, without the names of parameters", `func F(a, b int, c ...func(d string) (e error)) (f bool, g error) { return }; func h() {}`,
			[]string{`func F(int, int, ...func(string) error) (bool, error)`}},
		{"methods of values and of pointers", `type T int; func (t T) B(x int) {}; func (*T) A() {}; func (T) c() {}`,
			[]string{`type T int`, `func (*T) A()`, `func (T) B(int)`}},
		{"structs", `type T struct { B []int; A string }`,
			[]string{`type T struct, not comparable`, `type T struct: A string`, `type T struct: B []int`}},
		{"structs with something to hide", `type T struct { A *T; b int }`,
			[]string{`type T struct, with unexported fields`, `type T struct: A *T`}},
		{"what embedded structs lend", `type t struct { B int; c int }; func (t) M() {}; type U struct{}; type T struct { t; *U }`,
			[]string{`type T struct, with unexported fields`, `type T struct: embeds *U`, `type T struct: B int`, `func (T) M()`, `type U struct`}},
		{"interfaces", `type I interface { B(x int) error; A(); J }; type J interface { C() }`,
			[]string{`type I interface`, `func (I) A()`, `func (I) B(int) error`, `func (I) C()`, `type J interface`, `func (J) C()`}},
		{"interfaces that only this package implements", `type I interface { a() }`, []string{`type I interface, with unexported methods`}},
		{"types of functions", `type F func(o *options) error; type options struct{}`, []string{`type F func(*unexported) error`}},
		{"aliases", `type A = map[string]B; type B struct{}`, []string{`type A = map[string]B`, `type B struct`}},
		{"generics", `type N interface { ~int | ~string }; type T[K comparable, V any] struct { M map[K]V }; func F[X N](x X) T[X, int] { panic(0) }; func (t *T[A, B]) Get(k A) (v B) { return }`,
			[]string{`func F[X N](x X) T[X, int]`, `type N interface, a constraint: interface{~int | ~string}`, `type T[K comparable, V any] struct, not comparable`, `type T struct: M map[K]V`, `func (*T) Get(A) B`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := linesOf(t, test.source); !slices.Equal(got, test.want) {
				t.Errorf("listed:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestOtherPackagesGoByTheirShortNames(t *testing.T) {
	m, err := module(t, map[string]string{
		"m.go":               "package root\nimport \"example.com/m/internal/deep\"\nfunc F(deep.T) {}",
		"internal/deep/d.go": "package deep\ntype T int",
		"cmd/main.go":        "package main\nfunc main() {}\nfunc Exported() {}",
		"sub/dir/dir.go":     "package dir",
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Packages) != 2 || m.Packages["root"] == nil || m.Packages["sub/dir"] == nil {
		t.Fatalf("importable: %v; want root and sub/dir", m.Packages)
	}
	if got := List(m.Packages["root"])[0].Line; got != "func F(deep.T)" {
		t.Error(got)
	}
}

func TestWhatIsGoneAndWhatIsNewIsNamed(t *testing.T) {
	found := Compare("p", []string{"func A()", "func B()"}, []Entry{{"A", "func A()"}, {"C", "func C()"}})
	want := []string{
		"p: gone: func B(); if that is meant, `make api` lists it so",
		"p: new, not listed: func C(); if that is meant, `make api` lists it so",
	}
	if len(found) != 2 || found[0].String() != want[0] || found[1].String() != want[1] {
		t.Errorf("found %v", found)
	}
}

func TestAModuleThatCannotBeReadIsOneLine(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"does not compile", map[string]string{"p/p.go": "package p\nfunc F() { undefined() }\nvar X Unknown"}, "p/p.go:3:7: undefined: Unknown"},
		{"needs what is not there", map[string]string{"p/p.go": "package p\nimport _ \"example.com/none\""}, "p/p.go:2:8: cannot find module providing package example.com/none"},
		{"no package", map[string]string{}, "no Go packages"},
		{"commands only", map[string]string{"main.go": "package main\nfunc main() {}"}, "no Go packages"},
		{"no module", map[string]string{"go.mod": "nonsense"}, "go.mod"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := module(t, test.files)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") ||
				strings.Contains(err.Error(), os.TempDir()) {
				t.Errorf("got %v, want one line with %q and without the directory", err, test.want)
			}
		})
	}

	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Load(stopped, root); err == nil {
		t.Error("nothing stopped it")
	}
}
