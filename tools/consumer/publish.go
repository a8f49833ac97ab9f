package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// mostZipped is how large the zip may be. Everybody who uses the library downloads it; what makes it grow beyond this is
// no source code.
const mostZipped = 1 << 20

// published is what the tree is published as. The proxy has no other.
const published = "v0.1.0"

// library is a module as it has been published.
type library struct {
	path, version string
	goLine        string   // the oldest Go that it is for, without "go" before it
	files         []string // what is in the zip
	zipped        int64    // bytes
	proxy         string   // URL
}

// publish writes the zip of a tree, changes that are not committed included, to where a proxy would have it.
func publish(ctx context.Context, tree, proxy string) (*library, error) {
	text, err := os.ReadFile(filepath.Join(tree, "go.mod"))
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	switch {
	case err != nil:
		return nil, err
	case len(mod.Replace) > 0:
		return nil, fmt.Errorf("go.mod replaces %s: those who import the module get the original", mod.Replace[0].Old.Path)
	case len(mod.Exclude) > 0:
		return nil, fmt.Errorf("go.mod excludes %s: those who import the module get it all the same", mod.Exclude[0].Mod)
	case mod.Go == nil:
		return nil, errors.New("go.mod: there is no go line")
	}
	files, err := tracked(ctx, tree)
	if err != nil {
		return nil, err
	}
	lib := &library{path: mod.Module.Mod.Path, version: published, goLine: mod.Go.Version, proxy: "file://" + filepath.ToSlash(proxy)}
	checked, err := zip.CheckFiles(files)
	if err != nil {
		return nil, fmt.Errorf("the module cannot be published: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	lib.files = checked.Valid

	escaped, err := module.EscapePath(lib.path)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	for name, content := range map[string]string{
		"list": published + "\n", published + ".info": `{"Version":"` + published + `"}`, published + ".mod": string(text),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	out, err := os.Create(filepath.Join(dir, published+".zip"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if err := zip.Create(out, module.Version{Path: lib.path, Version: published}, files); err != nil {
		return nil, fmt.Errorf("the module cannot be published: %w", err)
	}
	info, err := out.Stat()
	if err != nil {
		return nil, err
	}
	if lib.zipped = info.Size(); lib.zipped > mostZipped {
		return nil, fmt.Errorf("the zip has %d KiB, %d is the most; the largest file is %s", lib.zipped/1024, mostZipped/1024, largest(tree, lib.files))
	}
	return lib, out.Close()
}

// file is one of the tree.
type file struct{ tree, path string }

func (f file) Path() string                 { return f.path }
func (f file) Lstat() (fs.FileInfo, error)  { return os.Lstat(filepath.Join(f.tree, f.path)) }
func (f file) Open() (io.ReadCloser, error) { return os.Open(filepath.Join(f.tree, f.path)) }

// tracked lists the files that a commit of everything would have. Whose clone it is does not matter.
func tracked(ctx context.Context, tree string) (files []zip.File, err error) {
	git := exec.CommandContext(ctx, "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	git.Dir = tree
	out, err := git.Output()
	if err != nil {
		return nil, fmt.Errorf("git, which knows what belongs to the module: %w", err)
	}
	for path := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if _, err := os.Lstat(filepath.Join(tree, path)); err == nil { // and not deleted since
			files = append(files, file{tree, path})
		}
	}
	return files, nil
}

func largest(tree string, paths []string) string {
	size := func(path string) int64 {
		info, err := os.Lstat(filepath.Join(tree, path))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	return slices.MaxFunc(paths, func(a, b string) int { return int(size(a) - size(b)) })
}
