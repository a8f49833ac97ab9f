package docs

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	goModules = regexp.MustCompile(`(?m)^modules := (.*)$`)
	direct    = regexp.MustCompile(`(?m)^(?:require\s+|tool\s+|\t)([\w./-]+\.[\w./-]+)(?: v[^ \n]+)?$`) // without // indirect
)

// checkDependencies wants CONTRIBUTING.md to say of everything that a module or a package asks for why it is there: in a
// list, by the end of its path, or by the beginning where several modules are of one kind.
func checkDependencies(t *testing.T, docs []page) (found []string) {
	contributing := named(t, docs, "CONTRIBUTING.md")
	var spans []string
	for line := range strings.Lines(contributing.text) {
		if strings.HasPrefix(line, "- ") {
			for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
				spans = append(spans, span[1])
			}
		}
	}
	check := func(file, path string) {
		if !slices.ContainsFunc(spans, func(span string) bool {
			return strings.HasSuffix("/"+path, "/"+span) || strings.HasPrefix(path, span+"/")
		}) {
			found = append(found, contributing.name+": "+path+" of "+file+" is missing")
		}
	}
	for module := range strings.FieldsSeq(goModules.FindStringSubmatch(read(t, "Makefile"))[1]) {
		file := strings.TrimPrefix(module+"/go.mod", "./")
		for _, path := range direct.FindAllStringSubmatch(read(t, file), -1) {
			if path[1] != "github.com/docspace-go/userdata" {
				check(file, path[1])
			}
		}
	}
	const npm = "tools/npm/package.json"
	var packages struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal([]byte(read(t, npm)), &packages); err != nil {
		t.Fatal(err)
	}
	for _, list := range []map[string]string{packages.Dependencies, packages.DevDependencies} {
		for name := range list {
			check(npm, name)
		}
	}
	return found
}
