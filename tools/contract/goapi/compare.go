package goapi

import (
	"go/types"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/exp/apidiff"

	"github.com/docspace-go/userdata/tools/contract"
)

// Compare tells where a package differs from its list: the lines that are gone, then those that are new.
func Compare(name string, listed []string, now []Entry) []contract.Finding {
	var found []contract.Finding
	add := func(what, line string) {
		found = append(found, contract.Finding{Where: name, Text: what + ": " + line + "; if that is meant, `make api` lists it so"})
	}
	for _, line := range listed {
		if !slices.ContainsFunc(now, func(e Entry) bool { return e.Line == line }) {
			add("gone", line)
		}
	}
	for _, e := range now {
		if !slices.Contains(listed, e.Line) {
			add("new, not listed", e.Line)
		}
	}
	return found
}

// Changes tells what changed between two versions of a module: what breaks programs, and what does not.
func Changes(before, now Module) (incompatible, compatible []contract.Finding) {
	breaks := func(where, text string) {
		incompatible = append(incompatible, contract.Finding{Where: where, Text: "incompatible: " + text})
	}
	fits := func(where, text string) {
		compatible = append(compatible, contract.Finding{Where: where, Text: "compatible: " + text})
	}
	if before.Path != now.Path {
		breaks("module", "its path was "+before.Path+", and is "+now.Path+" now")
	}
	for _, name := range slices.Sorted(maps.Keys(before.Packages)) {
		if now.Packages[name] == nil {
			breaks(name, "the package is gone")
			continue
		}
		for _, c := range changes(before.Packages[name], now.Packages[name]) {
			if c.Compatible {
				fits(name, c.Message)
			} else {
				breaks(name, c.Message)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now.Packages)) {
		if before.Packages[name] == nil {
			fits(name, "the package is new")
		}
	}
	return incompatible, compatible
}

// heading matches the line in front of fields or methods, about which apidiff knows better.
var heading = regexp.MustCompile(`^type .* (struct|interface)(,|$)`)

func changes(before, now *types.Package) []apidiff.Change {
	found := slices.DeleteFunc(apidiff.Changes(before, now).Changes, func(c apidiff.Change) bool {
		return strings.HasPrefix(c.Message, version+": value changed")
	})
	seen := map[string]bool{}
	for _, c := range found {
		seen[nameIn(c.Message)] = true
	}

	// apidiff takes two instances of a foreign generic type for the same, iter.Seq[A] and iter.Seq[B] for one.
	for _, e := range List(now) {
		seen[e.Line] = true
		seen[strings.Replace(e.Line, "func (", "func (*", 1)] = true // A method of values serves pointers too.
	}
	for _, e := range List(before) {
		owner, _, _ := strings.Cut(e.Name, ".")
		if !seen[e.Line] && !seen[e.Name] && !seen[owner] && !heading.MatchString(e.Line) {
			found = append(found, apidiff.Change{Message: e.Name + ": changed, was " + e.Line})
		}
	}
	return found
}

// nameIn finds what a message of apidiff is about: Task.Wait in "(*Task).Wait: removed" and in "Task.Wait, method set…".
func nameIn(message string) string {
	name := message[:strings.IndexAny(message+":", ",:")]
	return strings.NewReplacer("(", "", "*", "", ")", "").Replace(name)
}
