package docspacetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest/internal/portal"
)

// failure is an exception of the portal, which becomes an error envelope.
type failure struct {
	status  int
	message string
	kind    string
	hresult int32
}

func (f failure) Error() string { return f.message }

var (
	errUnauthorized = errors.New("unauthorized")
	errAccessDenied = failure{http.StatusForbidden, "Access denied", "System.Security.SecurityException", -2146233078}
)

func badArgument(format string, args ...any) failure {
	return failure{http.StatusBadRequest, fmt.Sprintf(format, args...), "System.ArgumentException", -2147024809}
}

// problem is what model binding has to say: for each field, what is wrong with it.
type problem map[string][]string

func (problem) Error() string { return "One or more validation errors occurred." }

func badBody(field, text string) problem {
	return problem{field: {text}, "inDto": {"The inDto field is required."}}
}

// bind checks that a body has these ids before the generated handler decodes it, which can neither tell a missing id
// from a good one nor name the id that it could not read. A zero id is as good as none.
func bind(body []byte, ids []string) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return badBody("", "A non-empty request body is required.")
	}
	var sent map[string]any
	if err := json.Unmarshal(body, &sent); err != nil {
		return badBody("$", "The JSON value could not be converted.")
	}
	fields := map[string]any{}
	for name, value := range sent {
		fields[strings.ToLower(name)] = value
	}
	missing := problem{}
	for _, name := range ids {
		value, given := fields[strings.ToLower(name)]
		text, _ := value.(string)
		id, err := uuid.Parse(text)
		switch {
		case given && err != nil:
			return badBody("$."+name, "The JSON value could not be converted to System.Guid.")
		case id == uuid.Nil:
			missing[name] = []string{"The " + name + " field is required."}
		}
	}
	if len(missing) > 0 {
		return missing
	}
	return nil
}

// writeError answers with the status and the shape that an error has at a portal.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	var (
		f         failure
		bad       problem
		parameter *portal.InvalidParamFormatError
		field     *json.UnmarshalTypeError
	)
	switch {
	case errors.Is(err, errUnauthorized):
		if callOf(r.Context()).badCookie {
			http.SetCookie(w, &http.Cookie{Name: authCookie, Path: "/", MaxAge: -1})
		}
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
	case errors.As(err, &parameter) && parameter.ParamName == "userid": // no uuid in the path: no such route
		w.WriteHeader(http.StatusNotFound)
	case errors.As(err, &parameter):
		name := parameter.ParamName
		writeProblem(w, r, problem{name: {fmt.Sprintf("The value '%s' is not valid for %s.", r.URL.Query().Get(name), name)}})
	case errors.As(err, &field): // the ids are good at this point, which leaves deleteProfile
		writeProblem(w, r, badBody("$."+field.Field, "The JSON value could not be converted to System.Boolean."))
	case errors.As(err, &bad):
		writeProblem(w, r, bad)
	default:
		if !errors.As(err, &f) {
			f = failure{http.StatusInternalServerError, err.Error(), "System.Exception", -2146233088}
		}
		stack := "   at ASC.People.Api." + callOf(r.Context()).op.id + "(inDto) in /src/ASC.People/Server/Api.cs:line 42"
		writeJSON(w, "application/json", f.status, api.ErrorEnvelope{
			Error:  &api.ErrorDetails{Message: f.message, Type: &f.kind, Stack: &stack, Hresult: &f.hresult},
			Status: 1, StatusCode: int32(f.status),
		})
	}
}

func writeProblem(w http.ResponseWriter, r *http.Request, bad problem) {
	c, one := callOf(r.Context()), int32(1)
	hex := strings.ReplaceAll(uuid.NewString()+uuid.NewString(), "-", "")
	trace := "00-" + hex[:32] + "-" + hex[32:48] + "-00"
	writeJSON(w, "application/problem+json", http.StatusBadRequest, api.ValidationErrorWrapper{
		Response: api.ValidationProblem{Title: bad.Error(), Status: http.StatusBadRequest, Errors: bad, TraceId: &trace},
		Count:    &one, Links: c.links(), Status: 1, StatusCode: http.StatusBadRequest,
	})
}

func writeJSON(w http.ResponseWriter, contentType string, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
