package main

import (
	"context"
	"fmt"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// leaks lists what the library's exported API has of internal packages, whose types a stranger cannot name.
func (o *outside) leaks(ctx context.Context, dir string) ([]string, error) {
	root, err := o.run(ctx, dir, "go", "list", "-m", "-f", "{{.Dir}}", o.lib.path)
	if err != nil {
		return nil, err
	}
	packages, err := public(root, o.lib)
	if err != nil {
		return nil, err
	}
	out, err := o.run(ctx, dir, "go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}, packages...)...)
	if err != nil {
		return nil, err
	}
	compiled := map[string]string{}
	for line := range strings.Lines(out) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		compiled[name] = file
	}
	gc := importer.ForCompiler(token.NewFileSet(), "gc", func(name string) (io.ReadCloser, error) { return os.Open(compiled[name]) })
	s := search{module: o.lib.path}
	for _, name := range packages {
		p, err := gc.Import(name)
		if err != nil {
			return nil, err
		}
		for _, name := range p.Scope().Names() {
			if object := p.Scope().Lookup(name); object.Exported() {
				s.declared(p.Name()+"."+name, object)
			}
		}
	}
	slices.Sort(s.found)
	return slices.Compact(s.found), nil
}

// public are the packages of the library that can be imported.
func public(root string, lib *library) (packages []string, _ error) {
	for _, file := range lib.files {
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "testdata/") || hidden(file) {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.PackageClauseOnly)
		if err != nil {
			return nil, err
		}
		if name := path.Join(lib.path, path.Dir(file)); source.Name.Name != "main" && !slices.Contains(packages, name) {
			packages = append(packages, name)
		}
	}
	return packages, nil
}

func hidden(name string) bool { return slices.Contains(strings.Split(name, "/"), "internal") }

// search goes through types as far as one can get from outside.
type search struct {
	module string
	found  []string
}

func (s *search) declared(where string, object types.Object) {
	declared, isType := object.(*types.TypeName)
	if !isType {
		s.uses(where, object.Type())
		return
	}
	if declared.IsAlias() {
		s.uses(where, types.Unalias(object.Type()))
		return
	}
	s.uses(where, object.Type().Underlying())
	if named, ok := object.Type().(*types.Named); ok {
		for method := range named.Methods() {
			if method.Exported() {
				s.uses(where+"."+method.Name(), method.Type())
			}
		}
	}
}

func (s *search) uses(where string, t types.Type) {
	switch t := t.(type) {
	case *types.Alias:
		s.named(where, t.Obj(), t.TypeArgs())
	case *types.Named:
		s.named(where, t.Obj(), t.TypeArgs())
	case *types.Struct:
		for field := range t.Fields() {
			if field.Exported() || field.Embedded() {
				s.uses(where+"."+field.Name(), field.Type())
			}
		}
	case *types.Interface:
		for method := range t.Methods() {
			s.uses(where+"."+method.Name(), method.Type())
		}
	case *types.Signature:
		s.uses(where, t.Params())
		s.uses(where, t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			s.uses(where, v.Type())
		}
	case *types.Map:
		s.uses(where, t.Key())
		s.uses(where, t.Elem())
	case interface{ Elem() types.Type }: // array, channel, pointer, slice
		s.uses(where, t.Elem())
	}
}

func (s *search) named(where string, name *types.TypeName, args *types.TypeList) {
	if p := name.Pkg(); p != nil && hidden(p.Path()) && strings.HasPrefix(p.Path(), s.module+"/") {
		s.found = append(s.found, fmt.Sprintf("%s has %s.%s", where, p.Path(), name.Name()))
	}
	for arg := range args.Types() {
		s.uses(where, arg)
	}
}
