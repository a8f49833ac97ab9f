package docs

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var userID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// checkBlocks wants every block to be in a language that somebody here reads. Blocks of sh are run by
// TestTheCommandsOfTheDocumentationWork; mermaid is left to the eye.
func checkBlocks(t *testing.T, docs []page) (found []string) {
	anybody := func(text string) string { return userID.ReplaceAllLiteralString(text, "ID") }
	errors := anybody(read(t, "testdata/errors/texts.golden")) // the library's tests keep it true
	for _, p := range docs {
		for _, b := range p.blocks {
			where := p.line(b.line)
			var value any
			switch b.language {
			case "go", "sh", "mermaid":
			case "json":
				if err := json.Unmarshal([]byte(b.text), &value); err != nil {
					found = append(found, where+": no JSON: "+err.Error())
				}
			case "yaml":
				if err := yaml.Unmarshal([]byte(b.text), &value); err != nil {
					found = append(found, where+": no YAML: "+err.Error())
				}
			case "text":
				if !strings.Contains(errors, "\n\t"+anybody(strings.TrimSpace(b.text))+"\n") {
					found = append(found, where+": the library does not say this: testdata/errors/texts.golden has no such line")
				}
			case "":
				found = append(found, where+": nobody reads a block of no language")
			default:
				found = append(found, where+": nobody reads a block of "+b.language)
			}
			if b.open {
				found = append(found, where+": the block has no end")
			}
		}
	}
	return found
}

// checkGo wants every piece of Go, word for word, in a program of examples/, where it is compiled.
func checkGo(t *testing.T, docs []page) (found []string) {
	programs, err := filepath.Glob(filepath.Join(root, "examples", "*", "*.go"))
	require.NoError(t, err)
	var sources string
	for _, program := range programs {
		name, err := filepath.Rel(root, program)
		require.NoError(t, err)
		sources += flush(read(t, name))
	}
	for _, p := range docs {
		for _, b := range p.blocks {
			if text := flush(b.text); b.language == "go" && !strings.Contains(sources, text) {
				first, _, _ := strings.Cut(text, "\n")
				found = append(found, p.line(b.line)+": stands in no program of examples/, word for word: "+first)
			}
		}
	}
	return found
}

// flush takes the indentation off every line.
func flush(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n") + "\n"
}
