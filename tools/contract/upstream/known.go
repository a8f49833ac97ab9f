package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/docspace-go/userdata/tools/contract"
)

// entry is a difference that is known, or several alike. It covers a difference if all of it fits: a side that the
// entry leaves out must have no such fact.
type entry struct {
	Where  patterns `yaml:"where"`
	Fact   patterns `yaml:"fact"`
	Ours   patterns `yaml:"ours"`
	Theirs patterns `yaml:"theirs"`
	Why    string   `yaml:"why"`
}

// patterns are those of [path.Match], any of which will do: one, or a list.
type patterns []string

// UnmarshalYAML reads a pattern or a list of them.
func (p *patterns) UnmarshalYAML(node *yaml.Node) error {
	nodes := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		nodes = node.Content
	}
	for _, n := range nodes {
		if _, err := path.Match(n.Value, ""); err != nil || n.Value == "" {
			return fmt.Errorf("line %d: %q is no pattern", n.Line, n.Value)
		}
		*p = append(*p, n.Value)
	}
	return nil
}

func (p patterns) match(text string) bool {
	return slices.ContainsFunc(p, func(pattern string) bool {
		ok, err := path.Match(pattern, text)
		return ok && err == nil
	})
}

func readKnown(file string) ([]entry, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be opened (%w): run this from the project's root", file, cause(err))
	}
	var list struct {
		Known []entry `yaml:"known"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, e := range list.Known {
		if e.Where == nil || e.Fact == nil || e.Why == "" || e.Ours == nil && e.Theirs == nil {
			return nil, fmt.Errorf("%s: %v: %v: an entry needs where, fact, why, and ours or theirs", file, e.Where, e.Fact)
		}
	}
	return list.Known, nil
}

func (e entry) covers(key contract.Key, our, their string) bool {
	side := func(p patterns, value string) bool { return value == "" && p == nil || value != "" && p.match(value) }
	return e.Where.match(key.Where) && e.Fact.match(key.Fact) && side(e.Ours, our) && side(e.Theirs, their)
}

type counts struct{ facts, known, used int }

// compare finds the differences that no entry covers. What is absent on one side takes what is in it along.
func compare(ours, theirs contract.Facts, known []entry) (found []contract.Finding, count counts) {
	all := maps.Clone(ours)
	maps.Copy(all, theirs)
	keys := slices.SortedFunc(maps.Keys(all), func(a, b contract.Key) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Fact, b.Fact))
	})

	absent := map[contract.Key]bool{}
	used := map[int]bool{}
	for _, key := range keys {
		our, their := ours[key], theirs[key]
		if operation := (contract.Key{Where: key.Where, Fact: "operation"}); our == their || theirs[operation] == "" && key != operation {
			continue
		}
		if i := slices.IndexFunc(known, func(e entry) bool { return e.covers(key, our, their) }); i >= 0 {
			count.known++
			used[i] = true
			continue
		}
		absent[key] = our == "" || their == ""
		more := ""
		if absent[key] && all[contract.Key{Where: key.Where, Fact: key.Fact + " is required"}] != "" {
			more = ", required,"
		}
		if !absent[key] || !within(absent, key) {
			found = append(found, contract.Finding{Where: key.Where, Text: key.Fact + ": " + difference(our, their, more)})
		}
	}
	count.facts, count.used = len(keys), len(used)
	return found, count
}

// within tells whether something that a fact is about, or in, is absent itself.
func within(absent map[contract.Key]bool, key contract.Key) bool {
	for i, r := range key.Fact {
		if (r == ' ' || r == '.') && absent[contract.Key{Where: key.Where, Fact: key.Fact[:i]}] {
			return true
		}
	}
	return false
}

func difference(our, their, more string) string {
	const mine, published = "in openapi.yaml", "in the published contract"
	switch {
	case their == "":
		return strings.TrimPrefix(our+more+" ", yes+" ") + mine + ", but not " + published
	case our == "":
		return strings.TrimPrefix(their+more+" ", yes+" ") + published + ", but not " + mine
	}
	return our + " " + mine + ", but " + their + " " + published
}
