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
	Tag             string                       `yaml:"tag"`
	SecuritySchemes map[string]map[string]string `yaml:"securitySchemes"`
	Operations      map[string]struct {
		Method     string  `yaml:"method"`
		Path       string  `yaml:"path"`
		Does       Meaning `yaml:"does"`
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
		Returns  string             `yaml:"returns"`
		Statuses map[string]Meaning `yaml:"statuses"`
	} `yaml:"operations"`
	Models      map[string]map[string]string `yaml:"models"`
	OurModels   map[string]map[string]string `yaml:"ourModels"`
	Enums       map[string][]any             `yaml:"enums"`
	Ours        []Addition                   `yaml:"ours"`
	Differences []Difference                 `yaml:"differences"`
}

// Meaning is what the documentation says of something, and words without which the contract cannot mean that.
type Meaning struct {
	Meaning string   `yaml:"meaning"`
	Words   []string `yaml:"words"`
}

// Addition covers facts that only the contract has. Where and Fact are patterns of [path.Match], Values all that the
// contract may say there; none if there is nothing to say but that it is so.
type Addition struct {
	Where  string   `yaml:"where"`
	Fact   string   `yaml:"fact"`
	Values []string `yaml:"values"`
	Why    string   `yaml:"why"`
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
		add("tags", list([]any{d.Tag}))
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
	for _, models := range []map[string]map[string]string{d.Models, d.OurModels} {
		for name, fields := range models {
			facts[Key{"schema " + name, "type"}] = "object"
			for f, kind := range fields {
				facts[Key{"schema " + name, "field " + f}] = kind
			}
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
	covers := map[string]bool{}
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
			if matches(a.Where, key.Where) && matches(a.Fact, key.Fact) && slices.Contains(a.values(), is) {
				covers[fmt.Sprint(i, is)], ours = true, true
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
		for _, value := range a.values() {
			if !covers[fmt.Sprint(i, value)] {
				add(a.Where, "%s: listed as ours%s, but openapi.yaml has no such thing", a.Fact, quoted(value))
			}
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

func (a Addition) values() []string {
	if len(a.Values) == 0 {
		return []string{""}
	}
	return a.Values
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

// Meanings looks for the telling words of each documented operation and status in the contract's words for it.
func Meanings(d Documentation, doc *openapi3.T) []Finding {
	var found []Finding
	for _, op := range Operations(doc) {
		look := func(fact string, m Meaning, text string) {
			for _, word := range m.Words {
				if !strings.Contains(strings.ToLower(text), word) {
					found = append(found, Finding{op.ID, fmt.Sprintf("%s: documented as %q, but does not say %q", fact, m.Meaning, word)})
				}
			}
		}
		look("summary", d.Operations[op.ID].Does, op.Summary)
		statuses := d.Operations[op.ID].Statuses
		for _, status := range slices.Sorted(maps.Keys(statuses)) {
			response := op.Responses.Value(status)
			if response == nil || response.Value.Description == nil {
				continue // Compare and Load say so.
			}
			look("status "+status, statuses[status], *response.Value.Description)
		}
	}
	return found
}
