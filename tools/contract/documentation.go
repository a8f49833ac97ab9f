package contract

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// Documentation is testdata/documentation.yaml: the documented facts, and what the contract has beyond or against them.
type Documentation struct {
	Server          string                       `yaml:"server"`
	SecuritySchemes map[string]map[string]string `yaml:"securitySchemes"`
	Operations      map[string]struct {
		Method     string `yaml:"method"`
		Path       string `yaml:"path"`
		Parameters []struct {
			In       string `yaml:"in"`
			Name     string `yaml:"name"`
			Type     string `yaml:"type"`
			Required bool   `yaml:"required"`
		} `yaml:"parameters"`
		Body *struct {
			Type     string `yaml:"type"`
			Required bool   `yaml:"required"`
		} `yaml:"body"`
		Returns  string `yaml:"returns"`
		Statuses map[string]struct {
			Meaning string   `yaml:"meaning"`
			Words   []string `yaml:"words"`
		} `yaml:"statuses"`
	} `yaml:"operations"`
	Models      map[string]map[string]string `yaml:"models"`
	Enums       map[string][]any             `yaml:"enums"`
	Ours        []Addition                   `yaml:"ours"`
	Differences []Difference                 `yaml:"differences"`
}

// Addition covers facts that only the contract has. Where and Fact are patterns of [path.Match].
type Addition struct {
	Where string `yaml:"where"`
	Fact  string `yaml:"fact"`
	Why   string `yaml:"why"`
}

// Difference is a fact that the contract states otherwise on purpose.
type Difference struct {
	Where      string `yaml:"where"`
	Fact       string `yaml:"fact"`
	Documented string `yaml:"documented"`
	Contract   string `yaml:"contract"`
	Why        string `yaml:"why"`
}

// ReadDocumentation reads the data file and refuses fields that it does not know, and exceptions without a reason.
func ReadDocumentation(data []byte) (Documentation, error) {
	var d Documentation
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil {
		return d, err
	}
	for _, a := range d.Ours {
		if a.Why == "" {
			return d, fmt.Errorf("ours: %s: %s: the reason is missing", a.Where, a.Fact)
		}
	}
	for _, diff := range d.Differences {
		if diff.Why == "" {
			return d, fmt.Errorf("differences: %s: %s: the reason is missing", diff.Where, diff.Fact)
		}
	}
	return d, nil
}

// Facts is what the documentation promises, in the same words as [FromContract].
func (d Documentation) Facts() Facts {
	facts := Facts{{"server", d.Server}: ""}
	for id, op := range d.Operations {
		add := func(fact, value string) { facts[Key{id, fact}] = value }
		add("method", op.Method)
		add("path", op.Path)
		for _, p := range op.Parameters {
			add("parameter "+p.In+" "+p.Name, field(p.Type, p.Required))
		}
		if op.Body != nil {
			add("body", field(op.Body.Type, op.Body.Required))
		}
		add("returns", op.Returns)
		for status := range op.Statuses {
			add("status "+status, "")
		}
		for scheme := range d.SecuritySchemes {
			add("security "+scheme, "")
		}
	}
	for name, scheme := range d.SecuritySchemes {
		for fact, value := range scheme {
			facts[Key{"securityScheme " + name, fact}] = value
		}
	}
	for name, fields := range d.Models {
		facts[Key{"schema " + name, "type"}] = "object"
		for f, kind := range fields {
			facts[Key{"schema " + name, "field " + f}] = kind
		}
	}
	for name, values := range d.Enums {
		facts[Key{"schema " + name, "values"}] = list(values)
	}
	return facts
}

// Compare finds what the documentation promises and the contract does not, the other way round, and what the two
// promise differently, except for what the documentation's file lists as meant. What is listed for nothing is found too.
func Compare(d Documentation, contract Facts) []Finding {
	var found []Finding
	add := func(where, format string, args ...any) {
		found = append(found, Finding{where, fmt.Sprintf(format, args...)})
	}

	documented := d.Facts()
	covers := make([]bool, len(d.Ours))
	differs := make([]bool, len(d.Differences))

	for key, said := range documented {
		is, ok := contract[key]
		known := slices.IndexFunc(d.Differences, func(diff Difference) bool {
			return diff == Difference{Where: key.Where, Fact: key.Fact, Documented: said, Contract: is, Why: diff.Why}
		})
		switch {
		case !ok && !contract.knows(key.Where):
			add(key.Where, "documented, but missing from openapi.yaml altogether")
		case !ok:
			add(key.Where, "%s: documented%s, but missing from openapi.yaml", key.Fact, quoted(said))
		case said == is:
		case known >= 0:
			differs[known] = true
		default:
			add(key.Where, "%s: documented as %q, but %q in openapi.yaml", key.Fact, said, is)
		}
	}

	for key, is := range contract {
		if _, ok := documented[key]; ok {
			continue
		}
		ours := false
		for i, a := range d.Ours {
			if matches(a.Where, key.Where) && matches(a.Fact, key.Fact) {
				covers[i], ours = true, true
			}
		}
		switch {
		case ours:
		case !documented.knows(key.Where):
			add(key.Where, "in openapi.yaml, but neither documented nor listed as ours")
		default:
			add(key.Where, "%s: in openapi.yaml%s, but neither documented nor listed as ours", key.Fact, quoted(is))
		}
	}

	for i, a := range d.Ours {
		if !covers[i] {
			add(a.Where, "%s: listed as ours, but openapi.yaml has no such thing", a.Fact)
		}
	}
	for i, diff := range d.Differences {
		if !differs[i] {
			add(diff.Where, "%s: listed as a difference, but the two do not differ in this way", diff.Fact)
		}
	}

	sortFindings(found)
	return slices.Compact(found)
}

func (f Facts) knows(where string) bool {
	for key := range f {
		if key.Where == where {
			return true
		}
	}
	return false
}

func matches(pattern, text string) bool {
	ok, err := path.Match(pattern, text)
	return ok && err == nil
}

func quoted(value string) string {
	if value == "" {
		return ""
	}
	return fmt.Sprintf(" as %q", value)
}

// Meanings looks for each documented status' telling words in the contract's description of it.
func Meanings(d Documentation, doc *openapi3.T) []Finding {
	var found []Finding
	for _, op := range Operations(doc) {
		statuses := d.Operations[op.ID].Statuses
		for _, status := range slices.Sorted(maps.Keys(statuses)) {
			response := op.Responses.Value(status)
			if response == nil || response.Value.Description == nil {
				continue // Compare and Load say so.
			}
			for _, word := range statuses[status].Words {
				if !strings.Contains(strings.ToLower(*response.Value.Description), word) {
					found = append(found, Finding{op.ID, fmt.Sprintf("status %s: documented as %q, but its description does not say %q",
						status, statuses[status].Meaning, word)})
				}
			}
		}
	}
	return found
}
