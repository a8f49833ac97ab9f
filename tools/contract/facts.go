package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Key names one fact: the operation, model or scheme that it is about, and what about it.
type Key struct {
	Where, Fact string
}

// Facts is what a description of the API promises, a short text for each fact, so that any two descriptions can be
// compared key by key whatever form they came in.
type Facts map[Key]string

// FromContract reads the facts off a contract.
func FromContract(doc *openapi3.T) Facts {
	facts := Facts{}
	for _, server := range doc.Servers {
		facts[Key{"server", server.URL}] = more(server, "url")
	}
	for _, op := range Operations(doc) {
		facts.addOperation(op)
	}
	if doc.Components == nil {
		return facts
	}
	for name, schema := range doc.Components.Schemas {
		facts.addSchema(name, schema.Value)
	}
	for name, scheme := range doc.Components.SecuritySchemes {
		facts.addSecurityScheme(name, scheme.Value)
	}
	return facts
}

func (f Facts) addOperation(op Operation) {
	add := func(fact, value string) { f[Key{op.ID, fact}] = value }
	add("method", op.Method)
	add("path", op.Path)
	for _, p := range op.Parameters {
		kind := typeOf(p.Value.Schema) + more(p.Value, "name", "in", "required", "schema")
		add("parameter "+p.Value.In+" "+p.Value.Name, field(kind, p.Value.Required))
	}
	if op.RequestBody != nil {
		add("body", field(contentOf(op.RequestBody.Value.Content), op.RequestBody.Value.Required))
	}
	for status, response := range op.Responses.Map() {
		add("status "+status, "")
		if status == "200" {
			add("returns", contentOf(response.Value.Content))
		} else {
			for mediaType, content := range response.Value.Content {
				add("status "+status+" "+mediaType, typeOf(content.Schema))
			}
		}
		for name, header := range response.Value.Headers {
			add("status "+status+" header "+name, typeOf(header.Value.Schema)+more(header.Value, "schema"))
		}
		for name, value := range rest(response.Value, "headers", "content") {
			add("status "+status+" "+name, value)
		}
	}
	if op.Security != nil {
		for _, requirement := range *op.Security {
			names := strings.Join(slices.Sorted(maps.Keys(requirement)), " with ")
			add("security "+names, "")
			for name, scopes := range requirement {
				if len(scopes) > 0 {
					add("security "+name+" scopes", strings.Join(scopes, ", "))
				}
			}
		}
	}
	add("tags", strings.Join(op.Tags, ", "))
	for name, value := range rest(op.Operation,
		"operationId", "summary", "tags", "parameters", "requestBody", "responses", "security") {
		add(name, value)
	}
}

func (f Facts) addSchema(name string, schema *openapi3.Schema) {
	add := func(fact, value string) { f[Key{"schema " + name, fact}] = value }
	top := *schema
	top.Enum, top.Properties, top.Required, top.Extensions = nil, nil, nil, nil // Facts of their own.
	kind := typeOf(&openapi3.SchemaRef{Value: &top})
	if len(schema.Enum) > 0 {
		add("values", list(append([]any{kind}, schema.Enum...)))
	} else {
		add("type", kind)
	}
	for property, ref := range schema.Properties {
		add("field "+property, field(typeOf(ref), slices.Contains(schema.Required, property)))
	}
	for extension, value := range schema.Extensions {
		add(extension, fmt.Sprint(value))
	}
}

func (f Facts) addSecurityScheme(name string, scheme *openapi3.SecurityScheme) {
	for fact, value := range rest(scheme, "flows") {
		f[Key{"securityScheme " + name, fact}] = value
	}
	if scheme.Flows == nil {
		return
	}
	for kind, flow := range map[string]*openapi3.OAuthFlow{
		"authorizationCode": scheme.Flows.AuthorizationCode,
		"clientCredentials": scheme.Flows.ClientCredentials,
		"implicit":          scheme.Flows.Implicit,
		"password":          scheme.Flows.Password,
	} {
		if flow != nil {
			f[Key{"securityScheme " + name, "flow " + kind}] = strings.TrimSpace(more(flow, "scopes"))
			f[Key{"securityScheme " + name, "scopes"}] = strings.Join(slices.Sorted(maps.Keys(flow.Scopes)), ", ")
		}
	}
}

// rest is whatever a part of the contract says beyond what is known of it otherwise: nothing that it may say goes unseen.
// Prose and examples are left out.
func rest(part any, known ...string) map[string]string {
	data, err := json.Marshal(part)
	if err != nil {
		panic(err) // It was read from JSON's like.
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		panic(err)
	}
	known = slices.Concat(known, []string{"title", "description", "externalDocs", "example", "examples"})
	left := map[string]string{}
	for name, value := range all {
		if !slices.Contains(known, name) {
			left[name] = strings.Trim(string(value), `"`)
		}
	}
	return left
}

// more is the rest in one text.
func more(part any, known ...string) string {
	text, left := "", rest(part, known...)
	for _, name := range slices.Sorted(maps.Keys(left)) {
		text += " " + name + " " + left[name]
	}
	return text
}

// contentOf names the type of a JSON body; other media types are named in front of theirs.
func contentOf(content openapi3.Content) string {
	if len(content) == 0 {
		return "nothing"
	}
	var kinds []string
	for _, mediaType := range slices.Sorted(maps.Keys(content)) {
		kind := typeOf(content[mediaType].Schema)
		if mediaType != "application/json" {
			kind = mediaType + " " + kind
		}
		kinds = append(kinds, kind)
	}
	return strings.Join(kinds, " or ")
}

func typeOf(ref *openapi3.SchemaRef) string {
	if ref == nil || ref.Value == nil {
		return "anything"
	}
	if ref.Ref != "" {
		return path.Base(ref.Ref)
	}
	schema := ref.Value
	kind, known := strings.Join(schema.Type.Slice(), " or "), []string{"type", "minimum", "maximum", "nullable"}
	switch {
	case schema.Type.Is("array"):
		kind, known = "array of "+typeOf(schema.Items), append(known, "items")
	case schema.AdditionalProperties.Schema != nil:
		kind, known = "map of "+typeOf(schema.AdditionalProperties.Schema), append(known, "additionalProperties")
	case short[schema.Format] != "" && schema.Type.Is(short[schema.Format]):
		kind, known = schema.Format, append(known, "format")
	case kind == "":
		kind = "anything"
	}
	if schema.Min != nil || schema.Max != nil {
		kind += " " + bound(schema.Min) + ".." + bound(schema.Max)
	}
	if schema.Nullable {
		kind += " or null"
	}
	return kind + more(schema, known...)
}

// short has the formats that say all by themselves, and their types.
var short = map[string]string{"uuid": "string", "int32": "integer", "int64": "integer"}

func bound(b *float64) string {
	if b == nil {
		return ""
	}
	return strconv.FormatFloat(*b, 'g', -1, 64)
}

func field(kind string, required bool) string {
	if required {
		return kind + ", required"
	}
	return kind
}

func list(items []any) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = fmt.Sprint(item)
	}
	return strings.Join(texts, ", ")
}
