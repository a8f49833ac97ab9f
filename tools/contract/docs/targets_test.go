package docs

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	target     = regexp.MustCompile(`(?m)^([a-z][a-z-]*):(.* ## )?`)
	makeInText = regexp.MustCompile(`\bmake ([a-z-]+)`)
)

// checkTargets wants every target that is named to be in the Makefile, and CONTRIBUTING.md to name every one that
// `make help` lists, but for help.
func checkTargets(t *testing.T, docs []page) (found []string) {
	listed := map[string]bool{}
	for _, rule := range target.FindAllStringSubmatch(read(t, "Makefile"), -1) {
		listed[rule[1]] = rule[2] != "" && rule[1] != "help"
	}
	for _, p := range docs {
		check := func(where, name string) {
			if _, ok := listed[name]; !ok {
				found = append(found, where+": make "+name+": no such target")
			}
		}
		for _, c := range p.code() {
			words := strings.Fields(c.text)
			for _, name := range words[1:] {
				if words[0] != "make" || strings.Contains(name, "=") { // the rest is a variable's value
					break
				}
				check(c.where, name)
			}
		}
		for _, b := range p.blocks {
			for i, line := range strings.Split(b.text, "\n") {
				for _, name := range makeInText.FindAllStringSubmatch(line, -1) {
					if b.language == "sh" {
						check(p.line(b.line+i), name[1])
					}
				}
			}
		}
	}
	contributing := named(t, docs, "CONTRIBUTING.md")
	for _, row := range slices.Concat(contributing.table("target"), contributing.table("check")) {
		for _, span := range codeSpan.FindAllStringSubmatch(strings.Join(row.cells, " "), -1) {
			delete(listed, strings.TrimPrefix(span[1], "make "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		if listed[name] {
			found = append(found, contributing.name+": make "+name+" is missing in the table of targets")
		}
	}
	return found
}
