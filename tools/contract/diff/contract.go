package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docspace-go/userdata/tools/contract"
)

const contractFile = "openapi.yaml"

// compareContract compares the contract with an older one: in a file, if there is one of that name, or at a ref.
func compareContract(r repository, module, base string) (comparison, error) {
	now, err := os.ReadFile(contractFile)
	if err != nil {
		return comparison{}, err
	}
	base, before, err := r.contract(base)
	if err != nil {
		return comparison{}, err
	}

	factsBefore, err := facts(base, before)
	if err != nil {
		return comparison{}, err
	}
	factsNow, err := facts(contractFile, now)
	if err != nil {
		return comparison{}, err
	}
	seen, err := r.oasdiff(module, before, now)
	if err != nil {
		return comparison{}, err
	}

	var breaking, harmless []change
	for _, c := range append(seen, changed(factsBefore, factsNow)...) {
		if c.Level >= mayBreak { // Ours may be one of the clients that it breaks.
			breaking = append(breaking, c)
		} else {
			harmless = append(harmless, c)
		}
	}
	return comparison{base, findings("breaking: ", breaking), findings("", harmless)}, nil
}

// contract reads the older contract.
func (r repository) contract(base string) (name string, data []byte, err error) {
	if data, err := os.ReadFile(base); err == nil {
		return base, data, nil
	}
	base, tree, err := r.resolve(base)
	if err != nil {
		return "", nil, err
	}
	text, err := r.git(".", "show", tree+":"+contractFile)
	if err != nil {
		return "", nil, fmt.Errorf("%s: has no %s", base, contractFile)
	}
	return base, []byte(text), nil
}

// facts reads what a contract promises; `make contract` says whether it is valid as well.
func facts(name string, data []byte) (contract.Facts, error) {
	doc, found := contract.Load(data)
	if doc == nil {
		return nil, fmt.Errorf("%s: %s", name, found[0].Text)
	}
	return contract.FromContract(doc), nil
}

// change is one change as oasdiff reports it, or as the facts of the contract show it.
type change struct {
	Where string `json:"operationId"` // Empty where it is about no operation.
	Part  string `json:"section"`
	Text  string `json:"text"`
	Level int    `json:"level"`
	ID    string `json:"id"`
}

// The levels of oasdiff, above those that are just worth a line.
const (
	mayBreak = 2
	breaks   = 3
)

// oasdiff runs it on two contracts, with no configuration from elsewhere and nothing to fetch.
func (r repository) oasdiff(module string, before, now []byte) ([]change, error) {
	older, newer := filepath.Join(r.scratch, "before.yaml"), filepath.Join(r.scratch, "now.yaml")
	if err := errors.Join(os.WriteFile(older, before, 0o600), os.WriteFile(newer, now, 0o600)); err != nil {
		return nil, err
	}
	out, err := r.command(module, "go", "tool", "oasdiff", "changelog", "--format=json", "--allow-external-refs=false", older, newer)
	var seen []change
	if err == nil {
		err = json.Unmarshal([]byte(out), &seen)
	}
	if err != nil {
		return nil, fmt.Errorf("oasdiff: %w", err)
	}
	return slices.DeleteFunc(seen, func(c change) bool { return c.ID == "api-version-not-bumped" }), nil
}

// changed tells which facts are gone or not what they were; oasdiff does not know all of them, and forgives the loss of
// some. What is new it judges better, and the scopes that an operation asks for, since fewer of them are fine.
func changed(before, now contract.Facts) []change {
	left := map[string]bool{}
	for key := range now {
		left[key.Where] = true
	}
	var all []change
	for key, was := range before {
		is, ok := now[key]
		c := change{Where: key.Where, Level: breaks}
		switch {
		case strings.HasPrefix(key.Fact, "security ") && strings.HasSuffix(key.Fact, " scopes"):
			continue
		case !left[key.Where]:
			c.Text = "gone altogether"
		case !ok:
			c.Text = strings.TrimSpace(key.Fact+" "+was) + ": gone"
		case is != was && !grown(key.Fact, was, is):
			c.Text = fmt.Sprintf("%s: was %q, is %q now", key.Fact, was, is)
		default:
			continue
		}
		all = append(all, c)
	}
	return all
}

// grown says whether a list has all that was in it and more.
func grown(fact, was, is string) bool {
	if fact != "values" && fact != "scopes" {
		return false
	}
	items := strings.Split(is, ", ")
	return !slices.ContainsFunc(strings.Split(was, ", "), func(item string) bool { return !slices.Contains(items, item) })
}

// findings writes the changes down, what several operations share in one line.
func findings(label string, all []change) []contract.Finding {
	var found []contract.Finding
	for _, c := range all {
		found = append(found, contract.Finding{Where: cmp.Or(c.Where, c.Part), Text: label + c.Text})
	}
	return contract.Join(found)
}
