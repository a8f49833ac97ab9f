// Package goapi lists what a Go module exports, and says what became of it since another version of the module.
//
//   - [Load] type-checks the packages that users of a module can import
//   - [List] names each exported thing of a package in a line of its own
//   - [Compare] tells where such a list and an older one differ
//   - [Changes] tells what changed between two versions, and whether programs break
package goapi

import (
	"context"
	"errors"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Module is a Go module with its importable packages by directory; the one at the root goes by its name.
type Module struct {
	Path     string
	Packages map[string]*types.Package
}

// Load type-checks the module in dir, without the commands and the internal packages. It changes no go.mod. The go
// command that it runs gets env on top of the environment.
func Load(ctx context.Context, dir string, env ...string) (Module, error) {
	loaded, err := packages.Load(&packages.Config{
		Context: ctx,
		Dir:     dir,
		// From source, dependencies included: a newer Go may write export data that this reader does not know.
		Mode: packages.NeedName | packages.NeedModule | packages.NeedImports | packages.NeedDeps | packages.NeedTypes,
		Env: slices.Concat(os.Environ(), env,
			[]string{"GOWORK=off", "GOFLAGS=-mod=readonly", "GOPACKAGESDRIVER=off", "CGO_ENABLED=0"}),
	}, "./...")
	if err != nil {
		return Module{}, oneLine(err.Error(), dir)
	}

	packages.Visit(loaded, nil, func(p *packages.Package) { // What a package needs comes before the package.
		if err == nil && len(p.Errors) > 0 {
			err = oneLine(p.Errors[0].Error(), dir)
		}
	})
	if err != nil {
		return Module{}, err
	}

	m := Module{Packages: map[string]*types.Package{}}
	for _, p := range loaded {
		if p.Name == "main" || p.Module == nil || strings.Contains(p.PkgPath+"/", "/internal/") {
			continue
		}
		m.Path = p.Module.Path
		name := strings.TrimPrefix(strings.TrimPrefix(p.PkgPath, m.Path), "/")
		if name == "" {
			name = p.Name
		}
		m.Packages[name] = p.Types
	}
	if len(m.Packages) == 0 {
		return Module{}, errors.New("no Go packages that anybody could import")
	}
	return m, nil
}

// oneLine shortens what the go command has to say, and leaves out where the module happens to be.
func oneLine(text, dir string) error {
	if full, err := filepath.Abs(dir); err == nil {
		dir = full
	}
	text = strings.ReplaceAll(text, dir+string(os.PathSeparator), "")
	return errors.New(strings.Join(strings.Fields(text), " "))
}
