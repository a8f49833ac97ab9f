package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// What importing wrapper may cost a program, and which modules it may bring: the library, and what it stands on. What the
// tool, the checks and the examples need is not among them.
const (
	mostModules = 8
	mostBytes   = 900 << 10
)

var mayCome = []string{
	"github.com/apapsch/go-jsonmerge/v2", // of oapi-codegen/runtime
	"github.com/cenkalti/backoff/v5",
	"github.com/google/uuid",
	"github.com/oapi-codegen/runtime",
	"golang.org/x/oauth2",
	"golang.org/x/time",
}

// cost compares programs that import wrapper with the floor: one that uses net/http and encoding/json for the same call.
func (o *outside) cost(ctx context.Context, floor string, importer string, commands ...string) error {
	base := filepath.Join(o.dir, filepath.Base(floor))
	if err := os.CopyFS(base, os.DirFS(floor)); err != nil {
		return err
	}
	dir, err := o.settle(ctx, importer)
	if err != nil {
		return err
	}
	problems, came, err := o.modules(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Printf("\n| what importing wrapper costs | without | with | more | at most |\n|---|---:|---:|---:|---:|\n")
	fmt.Printf("| modules in go.mod | 0 | %d | %d | %d |\n", came, came, mostModules)
	for _, flags := range []string{"", "-s -w"} {
		without, err := o.size(ctx, base, ".", flags)
		if err != nil {
			return err
		}
		for _, command := range commands {
			with, err := o.size(ctx, dir, "./"+command, flags)
			if err != nil {
				return err
			}
			name, most := "KiB of a program with "+command, fmt.Sprint(mostBytes/1024)
			if flags != "" {
				name, most = name+", stripped", ""
			} else if with-without > mostBytes {
				problems = append(problems, fmt.Sprintf("wrapper adds %d KiB to a program with %s, %d is the most", (with-without)/1024, command, mostBytes/1024))
			}
			fmt.Printf("| %s | %d | %d | %d | %s |\n", name, without/1024, with/1024, (with-without)/1024, most)
		}
	}
	fmt.Println()
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}

// modules counts what stands in a program's go.mod, and finds what should not: there, or behind a package that is linked.
func (o *outside) modules(ctx context.Context, dir string) (problems []string, came int, _ error) {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return nil, 0, err
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return nil, 0, err
	}
	linked, err := o.run(ctx, dir, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./...")
	if err != nil {
		return nil, 0, err
	}
	shown := strings.Fields(linked)
	for _, r := range mod.Require {
		shown = append(shown, r.Mod.Path)
	}
	slices.Sort(shown)
	for _, path := range slices.Compact(shown) {
		if path != o.lib.path && !slices.Contains(mayCome, path) {
			problems = append(problems, "a program that imports wrapper gets "+path)
		}
	}
	if len(mod.Require) > mostModules {
		problems = append(problems, fmt.Sprintf("a program that imports wrapper gets %d modules, %d is the most", len(mod.Require), mostModules))
	}
	return problems, len(mod.Require), nil
}

// size builds a command for one platform, so that the figure is the same on all, and measures it.
func (o *outside) size(ctx context.Context, dir, command, flags string) (int64, error) {
	binary := filepath.Join(o.dir, "binary")
	_, err := o.run(ctx, dir, "env", "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "go", "build", "-o", binary, "-ldflags="+flags, command)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
