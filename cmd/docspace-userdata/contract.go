package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/screen"
)

// shape is a kind of answer in the contract.
type shape int

const (
	shapeBool shape = iota
	shapeTask
)

// is tells whether a value is of a type, by the names that JSON has for them.
func is(value any, kind string) bool {
	switch v := value.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case string:
		return kind == "string"
	case json.Number:
		_, err := v.Int64()
		return kind == "integer" && err == nil
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	}
	return false
}

// validate holds an answer, as it came, against the contract: problems is what contradicts it, news what it does not
// have. It is written by hand and strict, where the library takes whatever it can understand.
func validate(kind shape, status int, body []byte) (problems, news []string) {
	if len(body) == 0 {
		if status == 200 && kind == shapeBool {
			problems = append(problems, "an empty body")
		}
		return problems, nil // errors may have none; an empty body for a job is an older portal
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var answer map[string]any
	if err := decoder.Decode(&answer); err != nil || decoder.More() {
		return []string{"no JSON object"}, nil
	}
	v := &validation{}
	if status == 200 {
		v.fields("", answer, map[string][]string{"count": {"integer"}, "links": {"array"}, "status": {"integer"}, "statusCode": {"integer"}},
			map[string][]string{"response": {"boolean", "object", "null"}, "total": {"integer"}})
		v.response(kind, answer)
	} else {
		v.fields("", answer, map[string][]string{"status": {"integer"}, "statusCode": {"integer"}},
			map[string][]string{"error": {"object"}, "response": {"object", "string"}, "count": {"integer"}, "links": {"array"}, "total": {"integer"}})
		if e, ok := answer["error"].(map[string]any); ok {
			v.fields("error.", e, map[string][]string{"message": {"string"}},
				map[string][]string{"type": {"string", "null"}, "stack": {"string", "null"}, "hresult": {"integer"}})
		} else if answer["response"] == nil {
			v.problem("neither error nor response says what is wrong")
		}
	}
	v.number("statusCode", answer["statusCode"], status, status)
	v.number("status", answer["status"], min(status/400, 1), min(status/400, 1))
	if links, ok := answer["links"].([]any); ok {
		for _, link := range links {
			if fields, ok := link.(map[string]any); ok {
				v.fields("links.", fields, map[string][]string{"href": {"string"}, "action": {"string"}}, nil)
			} else {
				v.problem("links has something that is no object")
			}
		}
	}
	return v.problems, v.news
}

type validation struct{ problems, news []string }

func (v *validation) problem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// response holds what an answer is about against its shape.
func (v *validation) response(kind shape, answer map[string]any) {
	response, there := answer["response"]
	switch {
	case kind == shapeBool && !is(response, "boolean"):
		v.problem("response is no boolean")
	case kind == shapeTask && there && response != nil:
		task, ok := response.(map[string]any)
		if !ok {
			v.problem("response is no object")
			return
		}
		v.fields("response.", task,
			map[string][]string{"id": {"string"}, "percentage": {"integer"}, "isCompleted": {"boolean"}, "status": {"integer", "string"}},
			map[string][]string{"error": {"string", "null"}})
		v.number("response.percentage", task["percentage"], 0, 100)
		v.number("response.status", task["status"], 0, 4)
	}
}

// fields holds an object against the fields that it must and may have.
func (v *validation) fields(where string, object map[string]any, must, may map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(must)) {
		if _, there := object[name]; !there {
			v.problem("%s%s is missing", where, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		kinds, known := must[name]
		if !known {
			kinds, known = may[name]
		}
		switch {
		case !known:
			v.news = append(v.news, where+screen.Clean(name))
		case !slices.ContainsFunc(kinds, func(kind string) bool { return is(object[name], kind) }):
			v.problem("%s%s is no %s", where, name, kinds[0])
		}
	}
}

// number holds a number against its bounds. What is no number is for fields to say.
func (v *validation) number(where string, value any, least, most int) {
	if n, ok := value.(json.Number); ok {
		if i, err := n.Int64(); err == nil && (i < int64(least) || i > int64(most)) {
			v.problem("%s is %d", where, i)
		}
	}
}

// olderNothing tells whether an answer says that there is no job as older portals do: with a null, or with no body.
func olderNothing(body []byte) bool {
	var answer map[string]json.RawMessage
	return len(body) == 0 || json.Unmarshal(body, &answer) == nil && string(answer["response"]) == "null"
}
