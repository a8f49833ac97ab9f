// Package mock checks that the library and the contract agree in the eyes of a third party: Prism, a mock server that
// knows nothing but openapi.yaml, and refuses requests that it does not allow.
package mock

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/docspace-go/userdata/tools/contract"
	"github.com/docspace-go/userdata/wrapper"
)

// Each scheme is the only one of a contract of its own, so that no other credential will do.
func TestEveryOperationIsAcceptedWithEveryScheme(t *testing.T) {
	doc := load(t)
	schemes := doc.Components.SecuritySchemes
	for name := range credentials {
		if schemes[name] == nil {
			t.Error(contract.Finding{Where: name, Text: "has a credential here, but is not in the contract"})
		}
	}
	for _, scheme := range slices.Sorted(maps.Keys(schemes)) {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			if _, ok := credentials[scheme]; !ok {
				t.Fatal(contract.Finding{Where: scheme, Text: "is in the contract, but has no credential here"})
			}
			address := start(t, only(t, scheme))
			for _, op := range contract.Operations(doc) {
				t.Run(op.ID, func(t *testing.T) {
					if text := wrongWith(t, address, op, scheme); text != "" {
						t.Error(contract.Finding{Where: op.ID + " with " + scheme, Text: text})
					}
				})
			}
		})
	}
}

func wrongWith(t *testing.T, address string, op contract.Operation, scheme string) string {
	for _, want := range answers(op) {
		if want.status != http.StatusOK {
			continue
		}
		x := send(t, address, op, scheme, want)
		if text := x.wrong(); text != "" {
			return text
		}
		name, value, _ := strings.Cut(credentials[scheme].header, ": ")
		if sent := x.sent.Get(name); sent != value {
			return fmt.Sprintf("%s is %q, not %q", name, sent, value)
		}
	}
	for _, other := range append([]string{"no credential"}, credentials[scheme].refused...) {
		if x := send(t, address, op, other, answer{}); !errors.Is(x.err, wrapper.ErrUnauthorized) {
			return fmt.Sprintf("%s is not refused as unauthorized: %v", other, x.err)
		}
	}
	return ""
}

// The contract as it is.
func TestEveryAnswerIsUnderstood(t *testing.T) {
	t.Parallel()
	operations, left := contract.Operations(load(t)), maps.Clone(calls)
	address := start(t, openapi)
	for _, op := range operations {
		delete(left, op.ID)
		t.Run(op.ID, func(t *testing.T) {
			for status := range op.Responses.Map() {
				number, _ := strconv.Atoi(status)
				if _, ok := kinds[number]; !ok && status != "default" {
					t.Error(contract.Finding{Where: op.ID, Text: "status " + status + " is not asked for here"})
				}
			}
			for _, want := range answers(op) {
				x := send(t, address, op, "ApiKeyBearer", want)
				if text := x.wrong(); text != "" {
					t.Error(contract.Finding{Where: op.ID + " answered " + want.String(), Text: text})
				}
				if x.objection != "" {
					return // It objects to the others as well.
				}
			}
		})
	}
	for name := range left {
		t.Error(contract.Finding{Where: name, Text: "has a call here, but is not in the contract"})
	}
}

// Otherwise the other tests would show nothing.
func TestPrismRefusesWhatTheContractDoesNotAllow(t *testing.T) {
	t.Parallel()
	address := start(t, only(t, "Bearer"))
	const (
		people = "/api/2.0/people"
		id     = "aae1e103-bca5-9fa1-ba8c-42058b4abf28"
		good   = `{"fromUserId": "` + id + `", "toUserId": "` + id + `", "deleteProfile": true}`
		none   = "nothing"
	)
	for name, bad := range map[string]struct{ method, path, contentType, body, objection string }{
		"nothing is wrong":        {"POST", "/reassign/start", "application/json", good, none},
		"no body":                 {"POST", "/reassign/start", "", "", "Body parameter is required"},
		"a field is missing":      {"PUT", "/remove/terminate", "application/json", `{}`, "'userId'"},
		"a field is renamed":      {"POST", "/reassign/start", "application/json", strings.Replace(good, "toUserId", "toUser", 1), "'toUserId'"},
		"an optional one, too":    {"POST", "/reassign/start", "application/json", strings.Replace(good, "deleteP", "p", 1), "'deleteProfile'"},
		"a field is no uuid":      {"POST", "/remove/start", "application/json", `{"userId": "ann"}`, "uuid"},
		"a body is not JSON":      {"POST", "/reassign/start", "text/plain", good, "Supported content types"},
		"the path has no uuid":    {"GET", "/remove/progress/ann", "", "", "uuid"},
		"an unknown type":         {"GET", "/reassign/necessary?UserId=" + id + "&Type=Boss", "", "", "allowed values"},
		"a parameter is renamed":  {"GET", "/reassign/necessary?User=" + id + "&Type=User", "", "", "userid"},
		"the path has a mistake":  {"GET", "/remove/progres/" + id, "", "", "no path matched"},
		"the method is different": {"GET", "/remove/start", "", "", "no method matched"},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), bad.method, address+people+bad.path, strings.NewReader(bad.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer jwt")
			req.Header.Set("Content-Type", bad.contentType)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			said, _ := io.ReadAll(resp.Body)
			said = append(said, resp.Header.Get(objections)...)
			if resp.StatusCode == http.StatusOK {
				said = []byte(none)
			}
			if !strings.Contains(string(said), bad.objection) {
				t.Errorf("%s: Prism answers %s and objects to %s, not to %s", name, resp.Status, said, bad.objection)
			}
		})
	}
}
