// Package traffic compares what goes over the wire with the contract: the requests of the client, and the answers of the
// portal double. Tests that have both do so without knowing, as overlay.json puts [Request] and [Answer] in their way.
package traffic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/docspace-go/userdata"
	"github.com/docspace-go/userdata/tools/contract"
)

// contractOf is the contract that the client at hand was generated from.
var contractOf = sync.OnceValues(func() (*openapi3.T, error) {
	doc, found := contract.Load([]byte(userdata.Contract()))
	if doc == nil {
		return nil, errors.New(found[0].String())
	}
	doc.Servers = nil // any address will do
	return doc, nil
})

var router = sync.OnceValues(func() (routers.Router, error) {
	doc, err := contractOf()
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// FromWrapper tells whether a request is the wrapper's. Tests send others by hand, and bad ones on purpose.
func FromWrapper(r *http.Request) bool {
	return strings.Contains(r.UserAgent(), "docspace-userdata-go/")
}

// Request compares a request with the contract. Its body, which was read before, comes apart.
func Request(r *http.Request, body []byte) []contract.Finding {
	input, where, err := route(r, body)
	if err != nil {
		return []contract.Finding{{Where: where, Text: "request: " + line(err)}}
	}
	var found []contract.Finding
	add := func(text string) { found = append(found, contract.Finding{Where: where, Text: "request: " + text}) }
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		add(line(err))
	}
	operation := input.Route.Operation
	for name := range r.URL.Query() {
		if operation.Parameters.GetByInAndName("query", name) == nil {
			add("query parameter " + name + " is not in the contract")
		}
	}
	if operation.RequestBody != nil && len(body) == 0 {
		add("there is no body; portals refuse that (observed)")
	}
	if operation.RequestBody != nil && len(body) > 0 {
		for _, text := range strange(operation.RequestBody.Value.Content, r.Header, body) {
			add(text)
		}
	}
	return found
}

// Answer compares the portal's answer to a request with the contract.
func Answer(r *http.Request, requestBody []byte, status int, header http.Header, body []byte) []contract.Finding {
	input, where, err := route(r, requestBody)
	if err != nil {
		return nil // for Request to say, if the client is ours
	}
	var found []contract.Finding
	add := func(text string) {
		found = append(found, contract.Finding{Where: where, Text: fmt.Sprintf("answer %d: %s", status, text)})
	}
	responses := input.Route.Operation.Responses
	declared := responses.Status(status)
	switch {
	case declared != nil:
	case status >= 400 && responses.Default() != nil:
		declared = responses.Default()
	default:
		add("the contract has no such status")
		return found
	}

	observed, _ := declared.Value.Extensions["x-observed-body"].(string)
	content := declared.Value.Content
	switch {
	case len(body) == 0 && (observed == "none" || len(content) == 0):
		if kind := header.Get("Content-Type"); kind != "" {
			add("there is no body, but a Content-Type " + kind)
		}
		return found
	case len(body) == 0:
		add("there is no body, but the contract has one")
		return found
	case len(content) == 0 && observed == "":
		add("there is a body, but the contract has none")
		return found
	case len(content) == 0: // what is observed stands in for what is documented
		doc, _ := contractOf() // route had it
		content = openapi3.NewContentWithJSONSchemaRef(doc.Components.Schemas[observed])
		withContent := *declared.Value
		withContent.Content = content
		substitute(input, status, &withContent)
	}

	err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: status, Header: header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: input.Options,
	})
	if err != nil {
		add(line(err))
	}
	for _, text := range strange(content, header, body) {
		add(text)
	}
	var said struct{ StatusCode *int }
	if json.Unmarshal(body, &said) == nil && said.StatusCode != nil && *said.StatusCode != status {
		add(fmt.Sprintf("its statusCode is %d", *said.StatusCode))
	}
	return found
}

// substitute has a status of the operation answered with another response, in a copy of the contract's operation.
func substitute(input *openapi3filter.RequestValidationInput, status int, response *openapi3.Response) {
	operation := *input.Route.Operation
	operation.Responses = openapi3.NewResponses(openapi3.WithStatus(status, &openapi3.ResponseRef{Value: response}))
	changed := *input.Route
	changed.Operation = &operation
	input.Route = &changed
}

// route finds the contract's operation; where says how findings call it.
func route(r *http.Request, body []byte) (input *openapi3filter.RequestValidationInput, where string, err error) {
	where = r.Method + " " + r.URL.Path
	router, err := router()
	if err != nil {
		return nil, "openapi.yaml", err
	}
	if path.Clean(r.URL.Path) != r.URL.Path { // the router would take it
		return nil, where, routers.ErrPathNotFound
	}
	own := r.Clone(context.Background())
	own.Body, own.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	found, parameters, err := router.FindRoute(own)
	if err != nil {
		return nil, where, err
	}
	return &openapi3filter.RequestValidationInput{
		Request: own, PathParams: parameters, Route: found,
		Options: &openapi3filter.Options{
			IncludeResponseStatus:             true,
			RejectWhenRequestBodyNotSpecified: true,
			SkipSettingDefaults:               true,
			AuthenticationFunc:                authenticate,
			SchemaValidationOptions: []openapi3.SchemaValidationOption{
				openapi3.EnableFormatValidation(), openapi3.WithStringFormatValidator("uuid", contract.UUID),
			},
		},
	}, found.Operation.OperationID, nil
}

// authenticate tells whether the credential is where, and of the form, that the scheme has it. That a client has none at
// all is its user's affair.
func authenticate(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	r, scheme := input.RequestValidationInput.Request, input.SecurityScheme
	authorization := r.Header.Get("Authorization")
	kind, token, _ := strings.Cut(authorization, " ")
	key := strings.HasPrefix(token, "sk-")
	carried := false
	switch {
	case authorization == "" && r.Header.Get("Cookie") == "":
		carried = true
	case scheme.Type == "http" && scheme.Scheme == "basic":
		_, _, carried = r.BasicAuth()
	case scheme.Type == "http" && scheme.Scheme == "bearer", scheme.Type == "oauth2", scheme.Type == "openIdConnect":
		carried = kind == "Bearer" && token != "" && !key
	case scheme.Type == "apiKey" && scheme.In == "cookie":
		_, err := r.Cookie(scheme.Name)
		carried = err == nil
	case scheme.Type == "apiKey" && scheme.In == "header":
		kind, token, _ := strings.Cut(r.Header.Get(scheme.Name), " ")
		carried = kind == "Bearer" && strings.HasPrefix(token, "sk-")
	}
	if !carried {
		return errors.New("no " + input.SecuritySchemeName)
	}
	return nil
}

// strange lists the fields of a JSON body that the contract does not have.
func strange(content openapi3.Content, header http.Header, body []byte) []string {
	media := content.Get(header.Get("Content-Type"))
	var value any
	if media == nil || media.Schema == nil || json.Unmarshal(body, &value) != nil {
		return nil // the filter has said so
	}
	var texts []string
	for _, field := range contract.UnknownFields("", media.Schema.Value, value) {
		texts = append(texts, "field "+field+" is not in the contract")
	}
	return texts
}

// line shortens an error of the filter to what is wrong.
func line(err error) string {
	var security *openapi3filter.SecurityRequirementsError
	if errors.As(err, &security) {
		names := map[string]bool{}
		for _, requirement := range security.SecurityRequirements {
			for name := range requirement {
				names[name] = true
			}
		}
		return "its credential is carried by none of " + strings.Join(slices.Sorted(maps.Keys(names)), ", ")
	}
	return contract.OneLine(err)
}
