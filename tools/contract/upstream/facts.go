package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/docspace-go/userdata/tools/contract"
)

// yes is the value of a fact that is either there or not.
const yes = "yes"

// reader reads the facts of one operation.
type reader struct {
	doc          *document
	where        string
	facts, guide contract.Facts
	looked       map[string]shape // Schemas by reference.
}

func (r *reader) add(fact, value string) { r.facts[contract.Key{Where: r.where, Fact: fact}] = value }

// describe adds the facts of an operation that is our operation, or was. With a guide it looks into those fields only
// that the guide knows: what is in a new field is as new.
func (d *document) describe(our, op operation, facts, guide contract.Facts) {
	r := reader{doc: d, where: our.id(), facts: facts, guide: guide, looked: map[string]shape{}}
	r.add("operation", op.String())
	if our.is(op) { // Prefixes and the names of placeholders are no difference.
		r.add("operation", our.String())
	}
	if op.fields["deprecated"] == true {
		r.add("deprecated", yes)
	}
	r.parameters(our, op)
	body := d.object(op.fields["requestBody"])
	r.content("request", body, body["required"] == true)
	r.responses(op)
	r.security(op)
	for _, ref := range d.lost {
		r.add("reference "+ref, "leading nowhere")
	}
	d.lost = nil
}

func (r *reader) parameters(our, op operation) {
	parameters := map[string]map[string]any{} // The operation's own come last, and replace those of its path.
	for _, parameter := range slices.Concat(list(op.item["parameters"]), list(op.fields["parameters"])) {
		p := r.doc.object(parameter)
		in, name := text(p["in"]), text(p["name"])
		if name == "" {
			continue // A reference that leads nowhere is a fact of its own.
		}
		if in == "path" { // What it is called makes no difference; ours goes by our name for it.
			names := placeholder.FindAllString(our.path, -1)
			for i, match := range placeholder.FindAllString(op.path, -1) {
				if i < len(names) && strings.EqualFold(match, "{"+name+"}") {
					name = strings.Trim(names[i], "{}")
				}
			}
		}
		fact := "parameter " + in + " " + name
		for key := range r.guide { // Theirs goes by our name for it, if only capitals differ.
			if key.Where == r.where && key.Fact != fact && strings.EqualFold(key.Fact, fact) && in == "query" {
				fact = key.Fact
				r.add(fact+" name", name)
			}
		}
		parameters[fact] = p
	}
	for fact, p := range parameters {
		schema := p["schema"]
		if _, s, ok := pick(p["content"]); ok {
			schema = s
		}
		r.field(fact, schema, p["required"] == true || text(p["in"]) == "path", 0)
	}
}

func (r *reader) responses(op operation) {
	byStatus := map[string]any{}
	for status, response := range r.doc.object(op.fields["responses"]) {
		if !strings.HasPrefix(status, "x-") {
			byStatus[strings.ToLower(status)] = response
		}
	}
	if all, ok := byStatus["2xx"]; ok && byStatus["200"] == nil {
		byStatus["200"] = all
		delete(byStatus, "2xx")
	}
	answered := false
	for _, status := range slices.Sorted(maps.Keys(byStatus)) { // "default" comes last.
		fact := "status " + status
		r.add(fact, yes)
		response := r.doc.object(byStatus[status])
		if !answered && (strings.HasPrefix(status, "2") || status == "default") {
			r.content("returns", response, false)
			answered = true
		} else if _, schema, ok := pick(response["content"]); ok {
			// The top will do: of an error, little more than its message is read.
			s := r.look(schema)
			r.add(fact+" body", strings.TrimSuffix(s.kind()+" of "+strings.Join(slices.Sorted(maps.Keys(s.fields)), ", "), " of "))
		}
	}
}

// content reads a body: its media type, and its fields down to the leaves.
func (r *reader) content(fact string, body map[string]any, required bool) {
	if mediaType, schema, ok := pick(body["content"]); ok {
		r.add(fact+" media type", mediaType)
		r.field(fact, schema, required, 0)
	}
}

// pick chooses the JSON body among those on offer, or else the first one.
func pick(content any) (mediaType string, schema any, ok bool) {
	all, _ := content.(map[string]any)
	best := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		plain, _, _ := strings.Cut(strings.ToLower(name), ";")
		rank := 1
		switch plain = strings.TrimSpace(plain); {
		case plain == "application/json":
			rank = 3
		case strings.HasSuffix(plain, "json"):
			rank = 2
		}
		if rank > best {
			media, _ := all[name].(map[string]any)
			best, mediaType, schema = rank, plain, media["schema"]
		}
	}
	return mediaType, schema, best > 0
}

// field reads a value and what is in it.
func (r *reader) field(fact string, schema any, required bool, depth int) {
	s := r.look(schema)
	r.add(fact, s.kind())
	for attribute, value := range map[string]string{
		"values": s.values(), "bounds": s.bounds, "is required": mark(required), "may be null": mark(s.null),
	} {
		if value != "" {
			r.add(fact+" "+attribute, value)
		}
	}
	const maxDepth = 10 // In case that a model of ours is recursive.
	if depth == maxDepth || r.guide != nil && r.guide[contract.Key{Where: r.where, Fact: fact}] == "" {
		return
	}
	for _, each := range []any{s.items, s.others} {
		if each != nil {
			r.field(fact+" each", each, false, depth+1)
		}
	}
	for name, schema := range s.fields {
		r.field(inside(fact, name), schema, slices.Contains(s.required, name), depth+1)
	}
}

// inside names a field. Those of an array's items go by the name of the array.
func inside(fact, name string) string {
	switch fact = strings.TrimSuffix(fact, " each"); fact {
	case "request":
		return "request field " + name
	case "returns":
		return "returns " + name
	}
	return fact + "." + name
}

func mark(is bool) string {
	if is {
		return yes
	}
	return ""
}

// security reads the alternatives for signing in, by what they are and not by what they are called.
func (r *reader) security(op operation) {
	wanted, ok := op.fields["security"]
	if !ok {
		wanted = r.doc.root["security"]
	}
	schemes := r.doc.object(r.doc.object(r.doc.root["components"])["securitySchemes"])
	facts := map[string][]string{}
	for _, alternative := range list(wanted) {
		requirement, _ := alternative.(map[string]any)
		var kinds, details, scopes []string
		for name, wanted := range requirement {
			kind, detail := r.scheme(name, r.doc.object(schemes[name]))
			kinds, details = append(kinds, kind), append(details, detail)
			scopes = append(scopes, texts(wanted)...)
		}
		slices.Sort(kinds)
		fact := "security " + cmp.Or(strings.Join(kinds, "+"), "none")
		facts[fact] = append(facts[fact], details...)
		facts[fact+" scopes"] = append(facts[fact+" scopes"], scopes...)
	}
	if len(facts) == 0 {
		facts["security none"] = nil
	}
	for fact, details := range facts {
		slices.Sort(details)
		value := strings.TrimPrefix(strings.Join(slices.Compact(details), ", "), ", ")
		if !strings.HasSuffix(fact, " scopes") {
			value = cmp.Or(value, yes)
		}
		if value != "" {
			r.add(fact, value)
		}
	}
}

// scheme says what a security scheme is, and the detail that a client needs to know of it.
func (r *reader) scheme(name string, fields map[string]any) (kind, detail string) {
	switch kind = text(fields["type"]); kind {
	case "http":
		return "http " + strings.ToLower(text(fields["scheme"])), ""
	case "apiKey":
		return "apiKey in " + text(fields["in"]), text(fields["name"])
	case "oauth2":
		return kind, strings.Join(slices.Sorted(maps.Keys(r.doc.object(fields["flows"]))), ", ")
	case "openIdConnect":
		return kind, ""
	}
	return "unknown scheme " + name, ""
}
