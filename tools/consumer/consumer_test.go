package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// files are a tree, or a program: names and contents.
type files map[string]string

func (f files) write(t *testing.T) string {
	dir := t.TempDir()
	for name, content := range f {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return dir
}

// with is the same with one file more, or another.
func (f files) with(name, content string) files {
	more := files{name: content}
	for name, content := range f {
		if _, ours := more[name]; !ours {
			more[name] = content
		}
	}
	return more
}

var (
	good = files{
		"go.mod": "module example.com/lib\n\ngo 1.25.0\n",
		"lib.go": "package lib\n\nimport _ \"embed\"\n\n//go:embed text.txt\nvar Text string\n\n" +
			"type Thing struct{ name string }\n\nfunc (t Thing) Name() string { return t.name }\n",
		"text.txt":               "text\n",
		"internal/secret/s.go":   "package secret\n\ntype Secret struct{ N int }\n",
		"tools/go.mod":           "module example.com/lib/tools\n",
		"tools/main.go":          "package main\n",
		"cmd/tool/main.go":       "package main\n\nimport \"example.com/lib/internal/secret\"\n\nfunc main() { _ = secret.Secret{} }\n",
		"testdata/broken/lib.go": "not Go\n",
	}
	stranger = files{
		"go.mod":       "module example.com/stranger\n\ngo 1.25.0\n",
		"main.go":      "package main\n\nimport \"example.com/lib\"\n\nfunc main() { println(lib.Text, lib.Thing{}.Name()) }\n",
		"main_test.go": "package main\n\nimport (\n\t\"testing\"\n\n\t\"example.com/lib\"\n)\n\nfunc TestText(t *testing.T) {\n\tif lib.Text != \"text\\n\" {\n\t\tt.Error(lib.Text)\n\t}\n}\n",
	}
)

func publishFiles(t *testing.T, f files) (*library, error) {
	tree := f.write(t)
	git := exec.CommandContext(t.Context(), "git", "init", "-q", tree)
	require.NoError(t, git.Run())
	return publish(t.Context(), tree, t.TempDir())
}

func TestAModuleIsPublishedWithoutWhatIsNotItsOwn(t *testing.T) {
	lib, err := publishFiles(t, good.with(".gitignore", "*.log\n").with("some.log", "noise"))
	require.NoError(t, err)
	assert.Equal(t, "example.com/lib", lib.path)
	assert.Contains(t, lib.files, "lib.go")
	assert.Contains(t, lib.files, "text.txt")
	assert.NotContains(t, lib.files, "tools/main.go", "of a module of its own")
	assert.NotContains(t, lib.files, "some.log", "git ignores it")
}

func TestWhatCannotBePublishedIsNamed(t *testing.T) {
	for want, tree := range map[string]files{
		"go.mod replaces example.com/other":             good.with("go.mod", good["go.mod"]+"replace example.com/other => ./other\n"),
		"go.mod excludes example.com/other@v1.0.0":      good.with("go.mod", good["go.mod"]+"exclude example.com/other v1.0.0\n"),
		"there is no go line":                           good.with("go.mod", "module example.com/lib\n"),
		"testdata/a:b.json: malformed file path":        good.with("testdata/a:b.json", "{}"),
		"testdata/aux.json: malformed file path":        good.with("testdata/aux.json", "{}"),
		"case-insensitive file name collision":          good.with("Text.txt", "text\n"),
		"1024 is the most; the largest file is big.bin": good.with("big.bin", noise(2<<20)),
	} {
		t.Run(want, func(t *testing.T) {
			_, err := publishFiles(t, tree)
			require.ErrorContains(t, err, want)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

// noise is what cannot be compressed.
func noise(n int) string {
	var text strings.Builder
	for state := uint32(1); text.Len() < n; {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		text.WriteByte(byte(state >> 11))
	}
	return text.String()
}

func TestWhatAStrangerWouldStumbleOverIsNamed(t *testing.T) {
	const leak = "package lib\n\nimport \"example.com/lib/internal/secret\"\n\n"
	for _, c := range []struct {
		name          string
		tree, program files
		want          string // nothing: all is fine
	}{
		{"nothing", good, stranger, ""},
		{"a file that git ignores is embedded", good.with(".gitignore", "text.txt\n"), stranger, "pattern text.txt: no matching files found"},
		{"a test that fails", good.with("text.txt", "another"), stranger, "--- FAIL: TestText"},
		{"a function that is gone", good, stranger.with("main.go", "package main\n\nimport \"example.com/lib\"\n\nfunc main() { lib.Gone() }\n"), "undefined: lib.Gone"},
		{"a newer Go", good.with("go.mod", "module example.com/lib\n\ngo 1.25.1\n"), stranger, "the library needs Go 1.25.1"},
		{"a result", good.with("leak.go", leak+"func Leak() []*secret.Secret { return nil }\n"), stranger, "lib.Leak has example.com/lib/internal/secret.Secret"},
		{"a field", good.with("leak.go", leak+"type T struct{ M map[string]secret.Secret }\n"), stranger, "lib.T.M has"},
		{"a method", good.with("leak.go", leak+"func (Thing) Leak(func(secret.Secret)) {}\n"), stranger, "lib.Thing.Leak has"},
		{"an embedded type", good.with("leak.go", leak+"type T struct{ secret.Secret }\n"), stranger, "lib.T.Secret has"},
		{"an alias", good.with("leak.go", leak+"type T = secret.Secret\n"), stranger, "lib.T has"},
		{"an inner field", good.with("leak.go", leak+"type T struct{ s secret.Secret }\n"), stranger, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			lib, err := publishFiles(t, c.tree)
			require.NoError(t, err)
			o, err := newOutside(t.Context(), lib, t.TempDir())
			require.NoError(t, err)
			o.oldest = o.release // the older ones have nothing to add here
			err = o.use(t.Context(), c.program.write(t))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestWhatImportingCostsIsNamed(t *testing.T) {
	floor := files{"go.mod": "module example.com/floor\n\ngo 1.25.0\n", "main.go": "package main\n\nfunc main() {}\n"}
	importer := files{"go.mod": stranger["go.mod"], "look/main.go": stranger["main.go"]}
	big := good.with("lib.go", good["lib.go"]+"\n//go:embed big.txt\nvar big string\n\nfunc init() { println(len(big), big) }\n").with("big.txt", strings.Repeat("big ", 300<<10))
	other := good.with("go.mod", good["go.mod"]+"require github.com/google/uuid v1.6.0\n")
	heavy := good.with("go.mod", good["go.mod"]+"require golang.org/x/mod v0.38.0\n").
		with("lib.go", good["lib.go"]+"\nfunc init() { println(semver.IsValid(Text)) }\n").
		with("imports.go", "package lib\n")
	heavy["lib.go"] = strings.Replace(heavy["lib.go"], "import _ \"embed\"", "import (\n\t_ \"embed\"\n\n\t\"golang.org/x/mod/semver\"\n)", 1)
	for _, c := range []struct {
		name, want string
		tree       files
	}{
		{"little", "", good},
		{"a requirement that nothing outside needs", "", other},
		{"much", "KiB to a program with look, 900 is the most", big},
		{"a module that is not on the list", "a program that imports wrapper gets golang.org/x/mod", heavy},
	} {
		t.Run(c.name, func(t *testing.T) {
			lib, err := publishFiles(t, c.tree)
			require.NoError(t, err)
			o, err := newOutside(t.Context(), lib, t.TempDir())
			require.NoError(t, err)
			err = o.cost(t.Context(), floor.write(t), importer.write(t), "look")
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestTheReleasesThatCountAreThisOneTheOneBeforeAndTheOldest(t *testing.T) {
	assert.Equal(t, []string{"go1.26.8", "go1.25.0"}, releases("go1.26.8", "go1.25.0"))
	assert.Equal(t, []string{"go1.28.1", "go1.27.0", "go1.25.0"}, releases("go1.28.1", "go1.25.0"))
	assert.Equal(t, []string{"go1.25.4"}, releases("go1.25.4", "go1.25.0"))
	assert.Equal(t, []string{"go1.27rc1", "go1.26.0", "go1.25.0"}, releases("go1.27rc1", "go1.25.0"))
}
