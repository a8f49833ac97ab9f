package goapi

import (
	"go/ast"
	"go/parser"
	"go/types"
	"slices"
	"strings"
)

// Entry is one exported thing: its name, as in Task.Wait, and the line that lists it.
type Entry struct {
	Name, Line string
}

// version is the constant whose value is new in every release, and means nothing to anybody's program.
const version = "Version"

// List names what a package exports: sorted by name, a type followed by its fields and methods. Names of parameters are
// left out, since nobody's program depends on them, and of what is not exported only the fact that there is something.
func List(pkg *types.Package) []Entry {
	l := lister{pkg: pkg}
	for _, name := range pkg.Scope().Names() {
		if obj := pkg.Scope().Lookup(name); obj.Exported() {
			l.object(obj)
		}
	}
	return l.entries
}

type lister struct {
	pkg     *types.Package
	entries []Entry
}

func (l *lister) add(name, line string) { l.entries = append(l.entries, Entry{name, line}) }

func (l *lister) object(obj types.Object) {
	name := obj.Name()
	switch obj := obj.(type) {
	case *types.Const:
		line := "const " + name + " " + l.text(obj.Type())
		if name != version {
			line += " = " + obj.Val().ExactString()
		}
		l.add(name, line)
	case *types.Var:
		l.add(name, "var "+name+" "+l.text(obj.Type()))
	case *types.Func:
		l.add(name, "func "+name+l.signature(obj))
	case *types.TypeName:
		if alias, ok := obj.Type().(*types.Alias); ok {
			l.add(name, "type "+name+" = "+l.text(alias.Rhs()))
		} else {
			l.named(name, obj.Type())
		}
	}
}

func (l *lister) named(name string, t types.Type) {
	line := "type " + types.TypeString(t, l.short)
	methods := types.NewMethodSet(t)
	all := types.NewMethodSet(types.NewPointer(t))
	switch u := t.Underlying().(type) {
	case *types.Struct:
		line += " struct"
		if slices.ContainsFunc(slices.Collect(u.Fields()), func(f *types.Var) bool { return !f.Exported() }) {
			line += ", with unexported fields"
		}
		if !types.Comparable(t) {
			line += ", not comparable"
		}
		l.add(name, line)
		l.fields(name, u)
	case *types.Interface:
		all = methods
		if line += " interface"; !u.IsMethodSet() {
			line += ", a constraint: " + l.text(u)
		}
		if slices.ContainsFunc(slices.Collect(u.Methods()), func(m *types.Func) bool { return !m.Exported() }) {
			line += ", with unexported methods"
		}
		l.add(name, line)
	default:
		l.add(name, line+" "+l.text(u))
	}

	for m := range all.Methods() {
		f, receiver := m.Obj(), "(*"+name+") "
		if methods.Lookup(l.pkg, f.Name()) != nil {
			receiver = "(" + name + ") "
		}
		if f.Exported() {
			l.add(name+"."+f.Name(), "func "+receiver+f.Name()+l.signature(f))
		}
	}
}

// fields lists those of a struct, and what an embedded struct without an exported name lends to it.
func (l *lister) fields(owner string, s *types.Struct) {
	for _, f := range slices.SortedFunc(s.Fields(), func(a, b *types.Var) int { return strings.Compare(a.Name(), b.Name()) }) {
		name := f.Name()
		if f.Embedded() {
			name = "embeds"
		}
		if f.Exported() {
			l.add(owner+"."+f.Name(), "type "+owner+" struct: "+name+" "+l.text(f.Type()))
		} else if lent, ok := f.Type().Underlying().(*types.Struct); ok && f.Embedded() {
			l.fields(owner, lent)
		}
	}
}

func (l *lister) signature(f types.Object) string {
	return strings.TrimPrefix(l.text(f.Type()), "func")
}

// short leaves out the name of the package itself, and of others all but the last part.
func (l *lister) short(p *types.Package) string {
	if p == l.pkg {
		return ""
	}
	return p.Name()
}

// text writes a type as the package itself would, without the names of parameters and of what is not exported.
func (l *lister) text(t types.Type) string {
	text := types.TypeString(t, l.short)
	expr, err := parser.ParseExpr(text)
	if err != nil { // Generic functions are no expressions. They keep all their names.
		return text
	}
	ast.Inspect(expr, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncType:
			unname(n.Params)
			unname(n.Results)
		case *ast.SelectorExpr: // The name of a package is no unexported thing.
			return false
		case *ast.Ident:
			if !n.IsExported() && types.Universe.Lookup(n.Name) == nil {
				n.Name = "unexported"
			}
		}
		return true
	})
	return types.ExprString(expr)
}

func unname(list *ast.FieldList) {
	if list == nil {
		return
	}
	var plain []*ast.Field
	for _, f := range list.List {
		for range max(1, len(f.Names)) {
			plain = append(plain, &ast.Field{Type: f.Type})
		}
	}
	list.List = plain
}
