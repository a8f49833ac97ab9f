package main

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// shape is what a schema comes to, whatever it is put together from and in which version of OpenAPI.
type shape struct {
	kinds    []string // Alternatives, such as uuid or int32. None: anything.
	null     bool
	members  []member // Of an enum.
	bounds   string
	fields   map[string]any
	required []string
	items    any // The schema of an array's items.
	others   any // The schema of fields that have no name, as in a map.
}

// member is one value of an enum: a number, a name, or a number with its name.
type member struct{ number, name string }

// look resolves a schema.
func (r *reader) look(schema any) shape {
	m, _ := schema.(map[string]any)
	s := own(m)
	if ref, ok := m["$ref"].(string); ok {
		if _, ok := r.looked[ref]; !ok {
			r.looked[ref] = shape{} // What a schema that is made of itself finds of itself.
			r.looked[ref] = r.look(r.doc.at(ref))
		}
		s = s.with(r.looked[ref], "allOf")
	}
	for _, part := range list(m["allOf"]) {
		s = s.with(r.look(part), "allOf")
	}
	for _, keyword := range []string{"oneOf", "anyOf"} {
		var choice *shape
		for _, part := range list(m[keyword]) {
			switch part := r.look(part); {
			case slices.Equal(part.kinds, []string{"null"}):
				s.null = true
			case choice == nil:
				choice = &part
			default:
				*choice = choice.with(part, "anyOf")
			}
		}
		if choice != nil {
			s = s.with(*choice, "allOf")
		}
	}
	return s
}

// own is what a schema says itself, without what it is made of.
func own(m map[string]any) shape {
	s := shape{null: m["nullable"] == true, required: texts(m["required"]), items: m["items"]}
	s.fields, _ = m["properties"].(map[string]any)
	if others, ok := m["additionalProperties"].(map[string]any); ok && len(others) > 0 {
		s.others = others
	}
	if lower, upper := bound(m, "minimum", "exclusiveMinimum", 1), bound(m, "maximum", "exclusiveMaximum", -1); lower+upper != "" {
		s.bounds = lower + ".." + upper
	}

	values := list(m["enum"])
	names := enumNames(m, values)
	if value, ok := m["const"]; ok { // OpenAPI 3.1 has one such alternative for each value.
		values, names = []any{value}, []string{oneWord(text(m["title"]))}
	}
	for i, value := range values {
		switch value.(type) {
		case nil:
			s.null = true
		case string, bool:
			s.members = append(s.members, member{name: text(value)})
		default:
			s.members = append(s.members, member{number: text(value), name: names[i]})
		}
	}

	types, format := texts(m["type"]), text(m["format"])
	if len(types) == 0 {
		types = []string{s.guess()}
	}
	for _, t := range types {
		switch {
		case t == "null" && len(types) > 1:
			s.null = true
		case format != "" && (t == "" || t == typeOf(format)):
			s.kinds = append(s.kinds, format)
		case t != "":
			s.kinds = append(s.kinds, t)
		}
	}
	return s
}

// bound reads one end of a range. What is beyond 0 starts at 1: ranges are of integers here.
func bound(m map[string]any, inclusive, exclusive string, inward float64) string {
	limit := text(m[inclusive])
	switch beyond := text(m[exclusive]); beyond {
	case "", "false":
		return limit
	case "true": // OpenAPI 3.0
	default:
		limit = beyond
	}
	number, _ := strconv.ParseFloat(limit, 64)
	return text(number + inward)
}

// numbered matches what a description says of an enum's numbers, as in [0 - All, 1 - Room admin].
var numbered = regexp.MustCompile(`(\d+)\s*[-–=:]\s*(\pL[\pL\d ]*)`)

// enumNames are the names that belong to an enum's numbers. Descriptions may have them, too, or else sentences.
func enumNames(m map[string]any, values []any) []string {
	for _, extension := range []string{"x-enum-varnames", "x-enumNames", "x-enum-descriptions"} {
		if names := texts(m[extension]); len(names) == len(values) && !strings.Contains(strings.Join(names, ""), " ") {
			return names
		}
	}
	described := map[string]string{}
	for _, pair := range numbered.FindAllStringSubmatch(text(m["description"]), -1) {
		described[pair[1]] = oneWord(pair[2])
	}
	names := make([]string, len(values))
	for i, value := range values {
		names[i] = described[text(value)]
	}
	return names
}

// oneWord makes RoomAdmin of Room admin.
func oneWord(name string) string {
	words := strings.Fields(name)
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// guess is the type of a schema that does not say it.
func (s shape) guess() string {
	switch {
	case s.fields != nil || s.others != nil:
		return "object"
	case s.items != nil:
		return "array"
	case len(s.members) > 0 && s.members[0].number != "":
		return "integer"
	case len(s.members) > 0:
		return "string"
	}
	return ""
}

// typeOf is the type that a format belongs to.
func typeOf(format string) string {
	switch format {
	case "int32", "int64":
		return "integer"
	case "float", "double":
		return "number"
	}
	return "string"
}

// with joins two shapes: values keep to both of them (allOf), or to one of them (anyOf).
func (s shape) with(other shape, keyword string) shape {
	s.null = s.null || other.null
	join := func(a, b any) any {
		if a == nil || b == nil {
			return cmp.Or(a, b)
		}
		return map[string]any{keyword: []any{a, b}}
	}
	s.items, s.others = join(s.items, other.items), join(s.others, other.others)
	s.fields = maps.Clone(s.fields)
	for name, schema := range other.fields {
		if s.fields == nil {
			s.fields = map[string]any{}
		}
		s.fields[name] = join(s.fields[name], schema)
	}

	if keyword == "allOf" {
		if len(s.kinds) == 0 || len(other.kinds) > 0 && slices.Contains([]string{"object", "string", "integer", "number"}, s.kind()) {
			s.kinds = other.kinds // The part says at least as much.
		}
		if len(s.members) == 0 {
			s.members = other.members
		}
		s.bounds = cmp.Or(s.bounds, other.bounds)
		s.required = slices.Concat(s.required, other.required)
		return s
	}
	kinds := slices.Concat(strings.Split(s.kind(), " or "), strings.Split(other.kind(), " or "))
	slices.Sort(kinds)
	s.kinds = slices.Compact(kinds)
	if (len(s.members) == 0) != (len(other.members) == 0) {
		s.members = append(slices.Clone(s.members), member{name: "anything"}) // One alternative is no enum.
	}
	s.members = slices.Concat(s.members, other.members)
	if s.bounds != other.bounds {
		s.bounds = ""
	}
	s.required = slices.DeleteFunc(slices.Clone(s.required), func(name string) bool { return !slices.Contains(other.required, name) })
	return s
}

func (s shape) kind() string { return cmp.Or(strings.Join(s.kinds, " or "), "anything") }

// values lists an enum: numbers with their names, then names that have no number. One that is given once as numbers and
// once as names in the same order is one enum.
func (s shape) values() string {
	var numbers, names []member
	for _, m := range s.members {
		switch {
		case m.number != "":
			numbers = append(numbers, m)
		case !slices.ContainsFunc(s.members, func(other member) bool { return other.number != "" && other.name == m.name }):
			names = append(names, m)
		}
	}
	if len(numbers) == len(names) && !slices.ContainsFunc(numbers, func(m member) bool { return m.name != "" }) {
		for i := range numbers {
			numbers[i].name = names[i].name
		}
		names = nil
	}
	if slices.ContainsFunc(numbers, func(m member) bool { return m.name == "" }) { // Then the others are no names either.
		for i := range numbers {
			numbers[i].name = ""
		}
	}
	slices.SortFunc(numbers, func(a, b member) int {
		return cmp.Or(cmp.Compare(len(a.number), len(b.number)), cmp.Compare(a.number, b.number))
	})
	slices.SortFunc(names, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	var all []string
	for _, m := range slices.Concat(numbers, names) {
		all = append(all, strings.TrimSpace(m.number+" "+m.name))
	}
	return strings.Join(slices.Compact(all), ", ")
}
