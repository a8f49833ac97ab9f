package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// document is an OpenAPI document as it was read. Nothing in it is taken for granted: what is not as it has to be
// counts as absent.
type document struct {
	root map[string]any
	lost []string // References that led nowhere.
}

// at follows a reference inside the document, such as #/components/schemas/Name.
func (d *document) at(ref string) any {
	pointer := ref
	if unescaped, err := url.PathUnescape(ref); err == nil {
		pointer = unescaped
	}
	parts := strings.Split(pointer, "/")
	var here any
	if parts[0] == "#" {
		here = d.root
	}
	for _, part := range parts[1:] {
		switch v := here.(type) {
		case map[string]any:
			here = v[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		case []any:
			here = nil
			if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(v) {
				here = v[i]
			}
		default:
			here = nil
		}
	}
	if here == nil {
		d.lost = append(d.lost, ref)
	}
	return here
}

// object follows references to anything but a schema. What stands beside a reference goes on top.
func (d *document) object(value any) map[string]any {
	m, _ := value.(map[string]any)
	for range 20 { // References to each other would go on for ever.
		ref, ok := m["$ref"].(string)
		if !ok {
			return m
		}
		target, _ := d.at(ref).(map[string]any)
		beside := maps.Clone(m)
		delete(beside, "$ref")
		m = maps.Clone(target)
		if m == nil {
			m = map[string]any{}
		}
		maps.Copy(m, beside)
	}
	return nil
}

type operation struct {
	method, path string
	addresses    []string       // The path behind that of each server, normalized.
	item, fields map[string]any // What the path has, and what the operation has.
}

func (o operation) id() string { return cmp.Or(text(o.fields["operationId"]), o.String()) }

func (o operation) String() string { return o.method + " " + o.path }

// operations lists all operations, ordered by path and method.
func (d *document) operations() []operation {
	prefixes := []string{}
	for _, server := range list(d.root["servers"]) {
		prefixes = append(prefixes, d.basePath(d.object(server)))
	}
	if len(prefixes) == 0 {
		prefixes = []string{""}
	}
	var all []operation
	paths := d.object(d.root["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := d.object(paths[path])
		for _, method := range []string{"delete", "get", "head", "options", "patch", "post", "put", "trace"} {
			if fields := d.object(item[method]); fields != nil {
				op := operation{method: strings.ToUpper(method), path: path, item: item, fields: fields}
				for _, prefix := range prefixes {
					op.addresses = append(op.addresses, normalize(prefix+"/"+path))
				}
				all = append(all, op)
			}
		}
	}
	d.lost = nil // Those of others are none of our business.
	return all
}

var placeholder = regexp.MustCompile(`\{([^}]*)\}`)

// basePath is the path of a server's URL, with its variables' defaults in place.
func (d *document) basePath(server map[string]any) string {
	variables := d.object(server["variables"])
	address := placeholder.ReplaceAllStringFunc(text(server["url"]), func(name string) string {
		return text(d.object(variables[strings.Trim(name, "{}")])["default"])
	})
	if _, host, ok := strings.Cut(address, "://"); ok {
		address = host
	}
	_, path, _ := strings.Cut(address, "/")
	return path
}

func normalize(path string) string {
	path, _, _ = strings.Cut(path, "?")
	path = placeholder.ReplaceAllString(strings.ToLower(path), "{}")
	return "/" + strings.Join(strings.FieldsFunc(path, func(r rune) bool { return r == '/' }), "/")
}

// is tells whether their operation is ours, by method and path. Theirs may have more in front of it, or lack what all
// paths of a portal begin with.
func (o operation) is(their operation) bool {
	path := normalize(o.path)
	return o.method == their.method && slices.ContainsFunc(their.addresses, func(address string) bool {
		lacking, isEnd := strings.CutSuffix(path, address)
		return strings.HasSuffix(address, path) || isEnd && slices.Contains([]string{"/api", "/api/2.0"}, lacking)
	})
}

// find looks for one of our operations among those published: by method and path, where the shortest path is the
// closest one, and then by its id, which finds it at a new path or method.
func find(our operation, ours, published []operation) (found operation, ok bool) {
	for _, their := range published {
		if our.is(their) && (!ok || len(their.path) < len(found.path)) {
			found, ok = their, true
		}
	}
	for _, their := range published {
		if !ok && strings.EqualFold(text(their.fields["operationId"]), our.id()) &&
			!slices.ContainsFunc(ours, func(other operation) bool { return other.is(their) }) {
			return their, true
		}
	}
	return found, ok
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

// texts reads a list of texts, or a single one.
func texts(value any) []string {
	if one, ok := value.(string); ok {
		return []string{one}
	}
	var all []string
	for _, item := range list(value) {
		all = append(all, text(item))
	}
	return all
}

// text is a scalar as a contract would write it, and nothing for anything else.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case nil, map[string]any, map[any]any, []any:
		return ""
	}
	return fmt.Sprint(value)
}
