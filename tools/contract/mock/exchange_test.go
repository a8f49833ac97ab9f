package mock

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/docspace-go/userdata/tools/contract"
	"github.com/docspace-go/userdata/wrapper"
)

// objections is the header in which Prism says what is wrong with a request, or with its own answer.
const objections = "Sl-Violations"

// kinds has the statuses that are asked for. One that the contract does not name is answered with its default.
var kinds = map[int]error{
	200: nil,
	400: wrapper.ErrBadRequest,
	401: wrapper.ErrUnauthorized,
	402: wrapper.ErrPaymentRequired,
	403: wrapper.ErrForbidden,
	404: wrapper.ErrNotFound,
	415: wrapper.ErrBadRequest,
	429: wrapper.ErrRateLimited,
	500: wrapper.ErrServer,
	503: wrapper.ErrServer,
}

// answer is one that the contract promises.
type answer struct {
	status             int
	mediaType, example string // empty where there is no content, or one example only
	body               any
	headers            openapi3.Headers
}

func (a answer) String() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", a.status, a.mediaType, a.example))
}

func answers(op contract.Operation) (all []answer) {
	for _, status := range slices.Sorted(maps.Keys(kinds)) {
		promise := op.Responses.Status(status)
		if promise == nil {
			promise = op.Responses.Default()
		}
		a := answer{status: status, headers: promise.Value.Headers}
		if len(promise.Value.Content) == 0 {
			all = append(all, a)
		}
		for mediaType, content := range promise.Value.Content {
			a.mediaType, a.example, a.body = mediaType, "", content.Example
			if a.body != nil {
				all = append(all, a)
			}
			for name, example := range content.Examples {
				a.example, a.body = name, example.Value.Value
				all = append(all, a)
			}
		}
	}
	return all
}

// exchange is a request of the wrapper's to Prism, which is asked for a certain answer, and what came of it.
type exchange struct {
	want      answer
	sent      http.Header
	objection string
	got       any
	err       error
}

func send(t *testing.T, address string, op contract.Operation, scheme string, want answer) *exchange {
	t.Helper()
	call, ok := calls[op.ID]
	if !ok {
		t.Fatal(contract.Finding{Where: op.ID, Text: "is in the contract, but has no call here"})
	}
	x := &exchange{want: want}
	options := []wrapper.Option{
		wrapper.WithHTTPClient(&http.Client{Transport: x}),
		wrapper.WithRetry(wrapper.RetryPolicy{MaxAttempts: 1}),
	}
	if c, ok := credentials[scheme]; ok {
		options = append(options, wrapper.WithAuth(c.sign))
	}
	client, err := wrapper.New(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	x.got, x.err = call(t.Context(), client)
	return x
}

// RoundTrip implements http.RoundTripper.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if want := x.want; want.status != 0 {
		req.Header.Set("Prefer", strings.TrimSuffix(fmt.Sprintf("code=%d, example=%s", want.status, want.example), ", example="))
		req.Header.Set("Accept", want.mediaType)
	}
	x.sent = req.Header
	resp, err := http.DefaultTransport.RoundTrip(req)
	// Prism takes application/problem+json for application/json when it looks at its own answers.
	if err == nil && x.want.mediaType != "application/problem+json" {
		x.objection = resp.Header.Get(objections)
	}
	return resp, err
}

// wrong says what is wrong with what came of it, or nothing.
func (x *exchange) wrong() string {
	kind := kinds[x.want.status]
	switch {
	case x.objection != "":
		return "refused: Prism objects: " + x.objection
	case kind == nil && x.err != nil:
		return fmt.Sprintf("refused: %v", x.err)
	case kind == nil:
		return x.wrongValue()
	}
	var e *wrapper.Error
	if !errors.As(x.err, &e) || e.StatusCode != x.want.status {
		return fmt.Sprintf("the wrapper makes it %v", x.err)
	}
	var is []error
	for _, status := range slices.Sorted(maps.Keys(kinds)) {
		if other := kinds[status]; other != nil && errors.Is(e, other) && !slices.Contains(is, other) {
			is = append(is, other)
		}
	}
	if len(is) != 1 || is[0] != kind {
		return fmt.Sprintf("the wrapper makes it %v, not [%v]", is, kind)
	}
	body, _ := x.want.body.(map[string]any)
	details, _ := body["error"].(map[string]any)
	problem, _ := body["response"].(map[string]any)
	if said := cmp.Or(details["message"], problem["title"]); e.Message != said {
		return fmt.Sprintf("Message is %q, not %q", e.Message, said)
	}
	if header := x.want.headers["Retry-After"]; header != nil && e.RetryAfter.Seconds() != header.Value.Example {
		return fmt.Sprintf("RetryAfter is %s, not %v s", e.RetryAfter, header.Value.Example)
	}
	return ""
}

// wrongValue compares what the wrapper returns with the contract's example.
func (x *exchange) wrongValue() string {
	body, _ := x.want.body.(map[string]any)
	expected := body["response"]
	if x.got == unseen || x.got == expected { // The latter where both are nil.
		return ""
	}
	data, _ := json.Marshal(expected)
	if x.got != nil && expected != nil {
		decoded := reflect.New(reflect.TypeOf(x.got))
		if json.Unmarshal(data, decoded.Interface()) == nil && decoded.Elem().Interface() == x.got {
			return ""
		}
	}
	return fmt.Sprintf("the contract's example is %s; the wrapper makes it %+v", data, x.got)
}
