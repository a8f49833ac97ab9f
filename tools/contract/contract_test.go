package contract

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// root is the project's, seen from this directory.
var root = filepath.Join("..", "..")

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, _ := Load(read(t, "openapi.yaml"))
	if doc == nil {
		t.Skip("openapi.yaml cannot be read; TestValid says why")
	}
	return doc
}

func documentation(t *testing.T) Documentation {
	t.Helper()
	d, err := ReadDocumentation(read(t, "testdata/documentation.yaml"))
	if err != nil {
		t.Fatalf("testdata/documentation.yaml: %v", err)
	}
	return d
}

func report(t *testing.T, found []Finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

func TestValid(t *testing.T) {
	_, found := Load(read(t, "openapi.yaml"))
	report(t, found)
}

func TestRules(t *testing.T) { report(t, Rules(load(t))) }

func TestDocumentation(t *testing.T) {
	doc, d := load(t), documentation(t)
	if n := len(d.Operations); n != 10 {
		t.Errorf("testdata/documentation.yaml: %d operations; ten are documented", n)
	}
	if n := len(d.SecuritySchemes); n != 6 {
		t.Errorf("testdata/documentation.yaml: %d security schemes; six are documented", n)
	}
	report(t, Compare(d, FromContract(doc)))
	report(t, Meanings(d, doc))
}
