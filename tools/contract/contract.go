// Package contract compares openapi.yaml with what has to agree with it, and says in one line each what does not.
//
// Each check is a function that returns [Finding]s. On the contract as it is there must be none, and testdata/mutations.yaml
// has what each of them must notice:
//
//   - [Load]: the file is a valid contract, examples included
//   - [Rules]: every operation has what we ask of each
//   - [Compare] of [Facts]: the documentation and the contract promise the same
//   - [Meanings]: the documented statuses are described as what they are
//
// The packages below compare the wrapper, the traffic of all tests, an independent mock, published contracts and the
// exported API. `make contract` runs them all.
package contract

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Finding is one thing that does not agree: where, and what is wrong there.
type Finding struct {
	Where, Text string
}

// String is the line.
func (f Finding) String() string { return f.Where + ": " + f.Text }

// Join has what is found at several places alike in one line, sorted.
func Join(all []Finding) []Finding {
	places := map[string][]string{}
	for _, f := range all {
		places[f.Text] = append(places[f.Text], f.Where)
	}
	var found []Finding
	for text, where := range places {
		slices.Sort(where)
		where = slices.Compact(where)
		if n := len(where); n > 3 {
			where = []string{fmt.Sprintf("%s and %d more", where[0], n-1)}
		}
		found = append(found, Finding{strings.Join(where, ", "), text})
	}
	sortFindings(found)
	return found
}

// Operation is one operation of a contract, with what it inherits from its path.
type Operation struct {
	ID, Method, Path string
	*openapi3.Operation
}

// Operations lists a contract's operations, ordered by path and method. One that has no id goes by its method and path.
func Operations(doc *openapi3.T) []Operation {
	var all []Operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			id := cmp.Or(op.OperationID, method+" "+path)
			all = append(all, Operation{ID: id, Method: method, Path: path, Operation: op})
		}
	}
	slices.SortFunc(all, func(a, b Operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all
}

// Load reads a contract and validates it as strictly as kin-openapi can. The document is nil if it cannot be read.
func Load(data []byte) (*openapi3.T, []Finding) {
	const where = "openapi.yaml"
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, []Finding{{where, OneLine(err)}}
	}
	err = doc.Validate(context.Background(),
		openapi3.EnableExamplesValidation(),
		openapi3.EnableSchemaDefaultsValidation(),
		openapi3.EnableSchemaFormatValidation(),
		openapi3.EnableSchemaPatternValidation(),
		openapi3.ProhibitExtensionsWithRef(),
	)
	inherit(doc)
	if err != nil {
		return doc, []Finding{{where, OneLine(err)}}
	}
	return doc, nil
}

// inherit gives every operation what it has from its path and from the contract as a whole, so that nothing said there
// goes unseen.
func inherit(doc *openapi3.T) {
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, p := range item.Parameters {
				if op.Parameters.GetByInAndName(p.Value.In, p.Value.Name) == nil {
					op.Parameters = append(op.Parameters, p)
				}
			}
			if servers := item.Servers; op.Servers == nil && servers != nil {
				op.Servers = &servers
			}
			if security := doc.Security; op.Security == nil && security != nil {
				op.Security = &security
			}
		}
		item.Parameters, item.Servers = nil, nil
	}
	doc.Security = nil
}

// UUID is what the format of that name stands for.
var UUID = openapi3.NewRegexpFormatValidator(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

var (
	camelCase    = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)
	retryClasses = []string{"read", "start", "terminate", "mail"}
	limitHeaders = []string{"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
)

// Rules checks what we ask of every operation, documented or not.
func Rules(doc *openapi3.T) []Finding {
	var found []Finding
	for _, op := range Operations(doc) {
		add := func(format string, args ...any) {
			found = append(found, Finding{op.ID, fmt.Sprintf(format, args...)})
		}

		if !camelCase.MatchString(op.OperationID) {
			add("operationId: %q is not in camelCase", op.OperationID)
		}

		class, _ := op.Extensions["x-retry-class"].(string)
		if !slices.Contains(retryClasses, class) {
			add("x-retry-class: %q is none of %s", class, strings.Join(retryClasses, ", "))
		} else if (class == "read") != (op.Method == http.MethodGet) ||
			(class == "start") != strings.HasSuffix(op.Path, "/start") ||
			(class == "terminate") != strings.HasSuffix(op.Path, "/terminate") {
			add("x-retry-class: %q does not go with %s %s", class, op.Method, op.Path)
		}

		for _, scheme := range slices.Sorted(maps.Keys(doc.Components.SecuritySchemes)) {
			if op.Security == nil || !slices.ContainsFunc(*op.Security, func(r openapi3.SecurityRequirement) bool {
				_, ok := r[scheme]
				return ok && len(r) == 1
			}) {
				add("security: %s is no alternative", scheme)
			}
		}

		for _, p := range op.Parameters {
			where := "parameter " + p.Value.In + " " + p.Value.Name
			if p.Value.Content != nil {
				add("%s: has content; only a schema is understood here", where)
				continue
			}
			checkExamples(add, where, p.Value.Schema, p.Value.Example, p.Value.Examples)
		}
		if op.RequestBody != nil {
			checkContent(add, "request body", op.RequestBody.Value.Content)
		}

		statuses := op.Responses.Map()
		for _, needed := range []string{"429", "default"} {
			if statuses[needed] == nil {
				add("status %s: missing", needed)
			}
		}
		for _, status := range slices.Sorted(maps.Keys(statuses)) {
			response := statuses[status].Value
			where := "status " + status
			// An answer to a success may have no body; whether this one may, the documentation says.
			if len(response.Content) == 0 && !strings.HasPrefix(status, "2") {
				add("%s: has neither content nor example", where)
			}
			checkContent(add, where, response.Content)
			for mediaType, content := range response.Content {
				for name, example := range Examples(content.Example, content.Examples) {
					checkStatusCode(add, where+" "+mediaType+": "+name, status, example)
				}
			}
			for name, header := range response.Headers {
				checkExamples(add, where+" header "+name, header.Value.Schema, header.Value.Example, header.Value.Examples)
			}
			for _, name := range limitHeaders {
				if status == "429" && response.Headers[name] == nil {
					add("%s: header %s is missing", where, name)
				}
			}
		}
	}
	sortFindings(found)
	return found
}

func sortFindings(found []Finding) {
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Text, b.Text))
	})
}

func checkContent(add func(string, ...any), where string, content openapi3.Content) {
	for _, mediaType := range slices.Sorted(maps.Keys(content)) {
		m := content[mediaType]
		checkExamples(add, where+" "+mediaType, m.Schema, m.Example, m.Examples)
	}
}

// checkExamples asks for one example at least, and that each has only what its schema knows, in the schema's formats.
func checkExamples(add func(string, ...any), where string, schema *openapi3.SchemaRef, example any, examples openapi3.Examples) {
	all := Examples(example, examples)
	if len(all) == 0 {
		add("%s: has no example", where)
	}
	if schema == nil {
		add("%s: has no schema", where)
		return
	}
	for name, value := range all {
		err := schema.Value.VisitJSON(value, openapi3.EnableFormatValidation(), openapi3.VisitAsResponse(),
			openapi3.WithStringFormatValidator("uuid", UUID))
		if err != nil {
			add("%s: %s: %s", where, name, OneLine(err))
		}
		for _, field := range UnknownFields("", schema.Value, value) {
			add("%s: %s: field %s is not in the schema", where, name, field)
		}
	}
}

// Examples lists the examples of something by name; a single one is just called example.
func Examples(example any, examples openapi3.Examples) map[string]any {
	all := map[string]any{}
	if example != nil {
		all["example"] = example
	}
	for name, e := range examples {
		all["example "+name] = e.Value.Value
	}
	return all
}

// UnknownFields lists what a value has and its schema does not know; path is the value's own place, empty for a body.
func UnknownFields(path string, schema *openapi3.Schema, value any) []string {
	var unknown []string
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			field := strings.TrimPrefix(path+"."+name, ".")
			switch property := schema.Properties[name]; {
			case property != nil:
				unknown = append(unknown, UnknownFields(field, property.Value, v[name])...)
			case schema.AdditionalProperties.Schema != nil:
				unknown = append(unknown, UnknownFields(field, schema.AdditionalProperties.Schema.Value, v[name])...)
			default:
				unknown = append(unknown, field)
			}
		}
	case []any:
		for i, item := range v {
			if schema.Items != nil {
				unknown = append(unknown, UnknownFields(fmt.Sprintf("%s[%d]", path, i), schema.Items.Value, item)...)
			}
		}
	}
	return unknown
}

// checkStatusCode compares the status with the one inside the body, which mock servers would send otherwise.
func checkStatusCode(add func(string, ...any), where, status string, example any) {
	body, _ := example.(map[string]any)
	code, ok := body["statusCode"]
	if said := fmt.Sprint(code); ok && status != "default" && said != status {
		add("%s: its statusCode is %s", where, said)
	}
}

// OneLine shortens an error to what is wrong and where, without the schema and the value that kin-openapi adds.
func OneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	text, _, _ = strings.Cut(text, " Schema: {")
	return text
}
