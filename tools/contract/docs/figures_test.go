package docs

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// figure is one entry of testdata/figures.yaml.
type figure struct {
	Code string              `yaml:"code"` // what it comes from
	In   string              `yaml:"in"`   // the file with that
	Why  string              `yaml:"why"`  // where it comes from if there is no code
	Said map[string][]string `yaml:"said"` // how it is repeated, by file
}

func readFigures(t *testing.T) (figures []figure) {
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "testdata/figures.yaml")))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&figures))
	require.NotEmpty(t, figures)
	return figures
}

// A figure in words is a number with a unit behind it, or one that somebody may change.
var figureInWords = regexp.MustCompile(`\d[\d.,]* (?:ms|s|seconds?|minutes?|hours?|[KM]iB|looks|requests|attempts|a minute)\b|\d[\w. ]* (?:by default|at most)\b`)

// checkFigures wants each figure of the list to stand where the list says so, and none to be repeated that is not in it.
func checkFigures(t *testing.T, docs []page) (found []string) {
	said := map[string][]string{}
	for _, f := range readFigures(t) {
		var where []string
		for name, texts := range f.Said {
			where = append(where, name)
			said[name] = append(said[name], texts...)
			for _, text := range texts {
				if !strings.Contains(inOneLine(textOf(t, docs, name)), text) {
					found = append(found, fmt.Sprintf("%s: %q is gone, which %s", name, text, f.source()))
				}
			}
		}
		slices.Sort(where)
		switch {
		case (f.Code == "") == (f.Why == "") || (f.Code == "") != (f.In == "") || len(where) == 0:
			found = append(found, fmt.Sprintf("testdata/figures.yaml: an entry needs said, and either code and in, or why: %v", f))
		case f.Code != "" && !strings.Contains(inOneLine(textOf(t, docs, f.In)), f.Code):
			found = append(found, fmt.Sprintf("%s: %q is gone, which is repeated in %s", f.In, f.Code, strings.Join(where, ", ")))
		}
	}
	for _, name := range figurative(t, docs) {
		text := textOf(t, docs, name)
		if strings.HasSuffix(name, ".go") {
			text = commentsIn(text)
		}
		text = inOneLine(text)
		for _, known := range said[name] {
			text = strings.ReplaceAll(text, known, "")
		}
		for _, words := range figureInWords.FindAllString(text, -1) {
			found = append(found, fmt.Sprintf("%s: %q is a figure that testdata/figures.yaml does not have", name, words))
		}
	}
	return found
}

func (f figure) source() string {
	if f.Code == "" {
		return "is " + f.Why
	}
	return fmt.Sprintf("comes from %q in %s", f.Code, f.In)
}

// figurative are the files whose figures are looked for: the pages, but for those that are measured and those about the
// past, and the library.
func figurative(t *testing.T, docs []page) (names []string) {
	for _, p := range docs {
		if strings.HasSuffix(p.name, ".md") && p.name != "CHANGELOG.md" && !strings.HasSuffix(p.name, "-figures.md") {
			names = append(names, p.name)
		}
	}
	for _, folder := range []string{"wrapper", "offboard", "docspacetest"} {
		paths, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		for _, path := range paths {
			if !strings.HasSuffix(path, "_test.go") {
				names = append(names, folder+"/"+filepath.Base(path))
			}
		}
	}
	return names
}

var commentMark = regexp.MustCompile(`(?m)^\s*//`)

// inOneLine is a text without what sets its lines apart: ends, indentation, alignment and the marks of comments.
func inOneLine(text string) string {
	return strings.Join(strings.Fields(commentMark.ReplaceAllString(text, "")), " ")
}

// commentsIn are the comments of a Go file.
func commentsIn(source string) string {
	var comments strings.Builder
	for line := range strings.Lines(source) {
		if _, comment, ok := strings.Cut(line, "// "); ok {
			comments.WriteString(comment)
		}
	}
	return comments.String()
}

// textOf is the text of a file, which may be one of the pages.
func textOf(t *testing.T, docs []page, name string) string {
	if i := slices.IndexFunc(docs, func(p page) bool { return p.name == name }); i >= 0 {
		return docs[i].text
	}
	return read(t, name)
}
