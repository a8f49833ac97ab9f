package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata"
)

// What looks like a name of ours: with a package or a receiver before it, or with a capital letter inside.
var (
	qualified = regexp.MustCompile(`^\*?(api|docspacetest|offboard|wrapper)\.([A-Z]\w*)`)
	member    = regexp.MustCompile(`^\*?(?:\w+\.)?([A-Z]\w*\.[A-Z]\w*)`)
	errorKind = regexp.MustCompile(`^wrapper\.(Err[A-Z]\w*)$`)
	bare      = regexp.MustCompile(`^\*?([A-Z][a-z]+[A-Z]\w*)`)
)

// checkNames wants every name to be one that the packages, or the contract, have, and the page on errors to name every kind.
func checkNames(t *testing.T, docs []page) (found []string) {
	names := declaredNames(t)
	openapi := userdata.Contract()
	for _, p := range docs {
		for _, c := range p.code() {
			for _, form := range []*regexp.Regexp{qualified, member, bare} {
				groups := form.FindStringSubmatch(c.text)
				if groups == nil {
					continue
				}
				name := strings.Join(groups[1:], ".")
				if !names[name] && !regexp.MustCompile(`\b`+regexp.QuoteMeta(name)+`\b`).MatchString(openapi) {
					found = append(found, c.where+": "+name+": no such name")
				}
			}
		}
	}
	guide := named(t, docs, "docs/errors.md")
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if kind := errorKind.FindStringSubmatch(name); kind != nil && !strings.Contains(guide.prose, "`"+kind[1]+"`") {
			found = append(found, guide.name+": "+kind[1]+" is missing")
		}
	}
	return found
}

// declaredNames returns what the library's packages declare: a Name, and a Type.Member for methods and fields, each also
// with its package before it, and members alone as well, as options often stand.
func declaredNames(t *testing.T) map[string]bool {
	names := map[string]bool{}
	for _, folder := range []string{"api", "docspacetest", "offboard", "wrapper"} {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		require.NoError(t, err)
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, declaration := range file.Decls {
				for _, name := range declared(declaration) {
					names[name] = true
					names[folder+"."+name] = true
					_, member, _ := strings.Cut(name, ".")
					names[member] = true
				}
			}
		}
	}
	return names
}

func declared(declaration ast.Decl) (names []string) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if ident, ok := receiver.(*ast.Ident); ok {
			return []string{ident.Name + "." + d.Name.Name}
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, ident := range s.Names {
					names = append(names, ident.Name)
				}
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
				if structure, ok := s.Type.(*ast.StructType); ok {
					for _, field := range structure.Fields.List {
						for _, ident := range field.Names {
							names = append(names, s.Name.Name+"."+ident.Name)
						}
					}
				}
			}
		}
	}
	return names
}
