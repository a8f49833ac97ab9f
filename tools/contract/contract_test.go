package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// root is the project's, seen from this directory.
var root = filepath.Join("..", "..")

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, _ := Load(read(t, "openapi.yaml"))
	if doc == nil {
		t.Skip("openapi.yaml cannot be read; TestValid says why")
	}
	return doc
}

func documentation(t *testing.T) Documentation {
	t.Helper()
	d, err := ReadDocumentation(read(t, "testdata/documentation.yaml"))
	if err != nil {
		t.Fatalf("testdata/documentation.yaml: %v", err)
	}
	return d
}

func report(t *testing.T, found []Finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

func TestValid(t *testing.T) {
	_, found := Load(read(t, "openapi.yaml"))
	report(t, found)
}

func TestRules(t *testing.T) { report(t, Rules(load(t))) }

func TestDocumentation(t *testing.T) {
	doc, d := load(t), documentation(t)
	if n := len(d.Operations); n != 10 {
		t.Errorf("testdata/documentation.yaml: %d operations; ten are documented", n)
	}
	if n := len(d.SecuritySchemes); n != 6 {
		t.Errorf("testdata/documentation.yaml: %d security schemes; six are documented", n)
	}
	report(t, Compare(d, FromContract(doc)))
	report(t, Meanings(d, doc))
}

// TestNoticed breaks the contract or the data file, one thing at a time, and expects a line that names it.
func TestNoticed(t *testing.T) {
	contract := string(read(t, "openapi.yaml"))
	documented := string(read(t, "testdata/documentation.yaml"))
	if found := check(t, contract, documented); len(found) > 0 {
		t.Skip("the contract is not in order itself; the other tests say why")
	}

	for _, mutation := range []struct {
		name     string
		in       *string // the file to break
		old, new string  // the first old becomes new
		want     string  // part of one finding
	}{
		{"operation renamed", &contract, "operationId: startReassign", "operationId: beginReassign", "startReassign: documented, but missing from openapi.yaml altogether"},
		{"operation renamed, seen from the other side", &contract, "operationId: startReassign", "operationId: beginReassign", "beginReassign: in openapi.yaml, but neither documented"},
		{"operation without id", &contract, "operationId: startReassign", "x-id: startReassign", "POST /api/2.0/people/reassign/start: operationId"},
		{"path changed", &contract, "/api/2.0/people/self/delete:", "/api/2.0/people/self/remove:", "sendInstructionsToDelete: path: documented as"},
		{"method changed", &contract, "    put:\n      operationId: sendInstructionsToDelete", "    post:\n      operationId: sendInstructionsToDelete", `sendInstructionsToDelete: method: documented as "PUT"`},
		{"parameter renamed", &contract, "name: UserId", "name: userId", "necessaryReassign: parameter query UserId: documented as \"uuid\", but missing"},
		{"parameter required", &contract, "required: false\n          schema:", "required: true\n          schema:", `necessaryReassign: parameter query UserId: documented as "uuid", but "uuid, required"`},
		{"parameter's type", &contract, "            type: string\n            format: uuid", "            type: string", `necessaryReassign: parameter query UserId: documented as "uuid", but "string"`},
		{"body required", &contract, "refuse a call without it.\n        required: false", "refuse a call without it.\n        required: true", "startReassign: body: documented as"},
		{"body of another type", &contract, "$ref: '#/components/schemas/StartReassignRequestDto'", "$ref: '#/components/schemas/TerminateRequestDto'", "startReassign: body: documented as"},
		{"answer of another type", &contract, "$ref: '#/components/schemas/BooleanWrapper'", "$ref: '#/components/schemas/StringWrapper'", "necessaryReassign: returns: documented as"},
		{"status dropped", &contract, "        '403':\n          $ref: '#/components/responses/Forbidden'\n        '404'", "        '404'", "startRemove: status 403: documented, but missing"},
		{"status added", &contract, "        '404':\n", "        '409':\n          $ref: '#/components/responses/Forbidden'\n        '404':\n", "startRemove: status 409: in openapi.yaml, but neither"},
		{"statuses swapped", &contract, "description: There is no such user.", "description: The account is not allowed to do this.", `startRemove: status 404: documented as "no such user"`},
		{"429 dropped", &contract, "        '429':\n          $ref: '#/components/responses/TooManyRequests'\n", "", "necessaryReassign: status 429: missing"},
		{"default dropped", &contract, "        default:\n          $ref: '#/components/responses/Failure'\n", "", "necessaryReassign: status default: missing"},
		{"Retry-After dropped", &contract, "        Retry-After:\n          $ref: '#/components/headers/RetryAfter'\n", "", "startRemove: status 429: header Retry-After is missing"},
		{"X-RateLimit-Reset dropped", &contract, "        X-RateLimit-Reset:\n          $ref: '#/components/headers/RateLimitReset'\n", "", "status 429: header X-RateLimit-Reset is missing"},
		{"retry class dropped", &contract, "      x-retry-class: mail\n", "", "sendInstructionsToDelete: x-retry-class"},
		{"retry class unknown", &contract, "x-retry-class: mail", "x-retry-class: always", `sendInstructionsToDelete: x-retry-class: "always"`},
		{"retry class of a read on a write", &contract, "x-retry-class: mail", "x-retry-class: read", `sendInstructionsToDelete: x-retry-class: "read" does not go with PUT`},
		{"retry class of another write", &contract, "x-retry-class: mail", "x-retry-class: start", `sendInstructionsToDelete: x-retry-class: "start" does not go with PUT`},
		{"scheme no longer an alternative", &contract, "        - asc_auth_key: []\n", "", "necessaryReassign: security: asc_auth_key is no alternative"},
		{"two schemes at once", &contract, "        - asc_auth_key: []\n        - Bearer: []", "        - asc_auth_key: []\n          Bearer: []", "necessaryReassign: security Bearer with asc_auth_key: in openapi.yaml"},
		{"scheme's header", &contract, "in: header\n      name: Authorization", "in: header\n      name: ApiKeyBearer", "securityScheme ApiKeyBearer: name: listed as a difference"},
		{"scheme's place", &contract, "in: cookie", "in: query", `securityScheme asc_auth_key: in: documented as "cookie"`},
		{"scope dropped", &contract, "            write: Start and stop jobs, send mails.\n", "", "securityScheme OAuth2: scopes: documented as"},
		{"example dropped", &contract, "          example: RoomAdmin\n", "", "necessaryReassign: parameter query Type: has no example"},
		{"example of an error dropped", &contract, "          example:\n            error:\n              message: Unauthorized\n              type: System.Security.Authentication.AuthenticationException\n              stack: null\n              hresult: -2146233087\n            status: 1\n            statusCode: 401\n", "", "status 401 application/json: has no example"},
		{"example with the wrong status", &contract, "statusCode: 404", "statusCode: 400", "startRemove: status 404 application/json: example: its statusCode is 400"},
		{"example against its schema", &contract, "percentage: 45", "percentage: 450", "openapi.yaml: "},
		{"example that is no uuid", &contract, "toUserId: 5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9", "toUserId: somebody", "startReassign: request body application/json: example"},
		{"example with a field of its own", &contract, "percentage: 45\n", "percentage: 45\n                      eta: 12\n", "getRemoveProgress: status 200 application/json: example running: field response.eta"},
		{"field renamed", &contract, "        isCompleted:\n", "        completed:\n", "schema TaskProgressResponseDto: field isCompleted: documented"},
		{"field optional", &contract, "required: [id, percentage, isCompleted, status]", "required: [id, percentage, status]", `schema TaskProgressResponseDto: field isCompleted: documented as "boolean, required", but "boolean"`},
		{"field not nullable", &contract, "Empty or null if nothing did.\n          type: string\n          nullable: true", "Empty or null if nothing did.\n          type: string", `schema TaskProgressResponseDto: field error: documented as "string or null"`},
		{"value dropped", &contract, "enum: [All, RoomAdmin, Guest, DocSpaceAdmin, User]", "enum: [All, RoomAdmin, Guest, DocSpaceAdmin]", "schema EmployeeType: values: documented as"},
		{"model added", &contract, "  schemas:\n", "  schemas:\n    Extra:\n      type: object\n", "schema Extra: in openapi.yaml, but neither"},
		{"server changed", &contract, "servers:\n  - url: http://localhost:8092", "servers:\n  - url: http://localhost:8093", "server: http://localhost:8092: documented, but missing"},
		{"dangling reference", &contract, "$ref: '#/components/responses/Forbidden'", "$ref: '#/components/responses/Forbiden'", "openapi.yaml: "},
		{"keyword in lower case", &contract, "      additionalProperties:", "      additionalproperties:", "openapi.yaml: "},

		{"documentation: status added", &documented, "      '404': {meaning: no such user", "      '410': {meaning: gone, words: [gone]}\n      '404': {meaning: no such user", "startRemove: status 410: documented, but missing"},
		{"documentation: addition for nothing", &documented, "fact: status 429 header *", "fact: status 428 header *", "*: status 428 header *: listed as ours"},
	} {
		t.Run(mutation.name, func(t *testing.T) {
			c, d := contract, documented
			broken := &c
			if mutation.in == &documented {
				broken = &d
			}
			if !strings.Contains(*broken, mutation.old) {
				t.Fatalf("the text to break is gone: %q", mutation.old)
			}
			*broken = strings.Replace(*broken, mutation.old, mutation.new, 1)

			found := check(t, c, d)
			for _, f := range found {
				line := f.String()
				if strings.Contains(line, "\n") {
					t.Errorf("more than one line: %s", line)
				}
				if strings.Contains(line, mutation.want) {
					return
				}
			}
			t.Errorf("not noticed; wanted %q among %q", mutation.want, found)
		})
	}
}

// check runs every check on a contract and the documentation's facts.
func check(t *testing.T, contract, documented string) []Finding {
	t.Helper()
	d, err := ReadDocumentation([]byte(documented))
	if err != nil {
		t.Fatal(err)
	}
	doc, found := Load([]byte(contract))
	if doc != nil {
		found = append(found, Rules(doc)...)
		found = append(found, Compare(d, FromContract(doc))...)
		found = append(found, Meanings(d, doc)...)
	}
	return found
}
