package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChangesOfTheContractAreFound(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	contract := string(data)
	module, err := filepath.Abs(filepath.Join("..", "..", "oasdiff"))
	if err != nil {
		t.Fatal(err)
	}
	scratch(t)
	dir := commit(t, map[string]string{"openapi.yaml": contract})

	const nothing = "contract-diff: since v1, nothing breaks programs"
	for _, change := range []struct {
		name     string
		old, new string // the first old becomes new
		want     []string
	}{
		// What programs do not notice, or can live with.
		{"nothing", "openapi: 3.0.3", "openapi: 3.0.3", []string{nothing + "; changes: 0"}},
		{"description", "description: Yes or no.", "description: No or yes.", []string{nothing + "; changes: 0"}},
		{"example", "example: 12", "example: 13", []string{nothing + "; changes: 0"}},
		{"field of an answer added", "description: Yes or no.\n          type: boolean\n", "description: Yes or no.\n          type: boolean\n        more: {type: string}\n", []string{nothing, "necessaryReassign: added the optional property `more`"}},
		{"optional field of a request added", "        deleteProfile:\n", "        reason: {type: string}\n        deleteProfile:\n", []string{nothing, "startReassign: added the new optional request property `reason`"}},
		{"value of a request added", "DocSpaceAdmin, User]", "DocSpaceAdmin, User, Robot]", []string{nothing, "necessaryReassign: added the new enum value `Robot`"}},
		{"status added", "        '404':\n", "        '409':\n          $ref: '#/components/responses/Forbidden'\n        '404':\n", []string{nothing, "startRemove: added the non-success response with the status `409`"}},
		{"operation added", "  /api/2.0/people/self/delete:\n", "  /api/2.0/people/self/look:\n    get:\n      operationId: look\n      responses:\n        '200': {description: A look.}\n  /api/2.0/people/self/delete:\n", []string{nothing, "look: endpoint added"}},
		{"scope no longer asked for", "- OAuth2: [read]", "- OAuth2: []", []string{nothing, "the security scope `read` was removed"}},

		// What oasdiff sees.
		{"field of a request required", "required: [fromUserId, toUserId]", "required: [fromUserId, toUserId, deleteProfile]", []string{"startReassign: breaking: the request property `deleteProfile` became required"}},
		{"required field of a request added", "required: [fromUserId, toUserId]\n      properties:\n", "required: [fromUserId, toUserId, reason]\n      properties:\n        reason: {type: string}\n", []string{"startReassign: breaking: added the new required request property `reason`"}},
		{"field of a request dropped", "        deleteProfile:\n          description: Whether the personal files and the profile are erased at the end.\n          type: boolean\n", "", []string{"startReassign: breaking: removed the request property `deleteProfile`"}},
		{"required field of an answer dropped", "        isCompleted:\n          description: Whether the job has ended, well or badly. This decides, not `status`.\n          type: boolean\n", "", []string{"and 6 more: breaking: removed the required property `response/isCompleted`"}},
		{"value of an answer added", "enum: [0, 1, 2, 3, 4]", "enum: [0, 1, 2, 3, 4, 5]", []string{"and 6 more: breaking: added the new `5.00` enum value"}},
		{"scope asked for", "- OAuth2: [read]", "- OAuth2: [read, write]", []string{"breaking: the security scope `write` was added"}},
		{"parameter renamed", "name: UserId", "name: userId", []string{"necessaryReassign: breaking: deleted the `query` request parameter `UserId`"}},
		{"path changed", "/api/2.0/people/self/delete:", "/api/2.0/people/self/remove:", []string{"sendInstructionsToDelete: breaking: api path removed", `sendInstructionsToDelete: breaking: path: was "/api/2.0/people/self/delete", is "/api/2.0/people/self/remove" now`}},
		{"method changed", "    put:\n      operationId: sendInstructionsToDelete", "    post:\n      operationId: sendInstructionsToDelete", []string{"sendInstructionsToDelete: breaking: api removed", `sendInstructionsToDelete: breaking: method: was "PUT", is "POST" now`}},
		{"length limited", "            type: string\n            format: uuid", "            type: string\n            format: uuid\n            maxLength: 35", []string{"necessaryReassign: breaking: for the `query` request parameter `UserId`, the maxLength was set to `35`"}},

		// What it forgives or does not see.
		{"retry class changed", "x-retry-class: mail", "x-retry-class: read", []string{`sendInstructionsToDelete: breaking: x-retry-class: was "mail", is "read" now`}},
		{"retry class dropped", "      x-retry-class: mail\n", "", []string{"sendInstructionsToDelete: breaking: x-retry-class mail: gone"}},
		{"operation renamed", "operationId: startReassign", "operationId: beginReassign", []string{"startReassign: breaking: gone altogether"}},
		{"status dropped", "        '403':\n          $ref: '#/components/responses/Forbidden'\n        '404'", "        '404'", []string{"startRemove: breaking: status 403: gone"}},
		{"default dropped", "        default:\n          $ref: '#/components/responses/Failure'\n", "", []string{"necessaryReassign: breaking: status default: gone"}},
		{"optional field of an answer dropped", "        traceId:\n          description: The portal's number of the request.\n          type: string\n", "", []string{"schema ValidationProblem: breaking: field traceId string: gone"}},
		{"value of an answer dropped", "enum: [0, 1, 2, 3, 4]", "enum: [0, 1, 2, 3]", []string{`schema DistributedTaskStatus: breaking: values: was "int32, 0, 1, 2, 3, 4", is "int32, 0, 1, 2, 3" now`}},
		{"value's name changed", "Canceled, Failed]", "Canceled, Failted]", []string{"schema DistributedTaskStatus: breaking: x-enum-varnames: was"}},
		{"header dropped", "        Retry-After:\n          $ref: '#/components/headers/RetryAfter'\n", "", []string{"breaking: status 429 header Retry-After int32 0..: gone"}},
		{"type widened", "            type: string\n            format: uuid", "            type: string", []string{`necessaryReassign: breaking: parameter query UserId: was "uuid", is "string" now`}},
		{"scheme's header changed", "in: header\n      name: Authorization", "in: header\n      name: ApiKeyBearer", []string{`securityScheme ApiKeyBearer: breaking: name: was "Authorization", is "ApiKeyBearer" now`}},
		{"scheme no alternative any more", "        - asc_auth_key: []\n", "", []string{"breaking: security asc_auth_key: gone"}},
		{"scope of a scheme dropped", "            write: Start and stop jobs, send mails.\n", "", []string{`securityScheme OAuth2: breaking: scopes: was "read, write", is "read" now`}},
		{"server changed", "servers:\n  - url: http://localhost:8092", "servers:\n  - url: http://localhost:8093", []string{"server: breaking: http://localhost:8092: gone"}},
	} {
		t.Run(change.name, func(t *testing.T) {
			if !strings.Contains(contract, change.old) {
				t.Fatalf("openapi.yaml has no %q to change", change.old)
			}
			write(t, dir, map[string]string{"openapi.yaml": strings.Replace(contract, change.old, change.new, 1)})
			code := 1
			if strings.HasPrefix(change.want[0], nothing) {
				code = 0
			}
			check(t, dir, []string{"contract", module, "v1"}, code, change.want...)
		})
	}

	write(t, dir, map[string]string{
		"openapi.yaml": strings.Replace(contract, "x-retry-class: mail", "x-retry-class: read", 1),
		"v1":           strings.Replace(contract, "x-retry-class: mail", "x-retry-class: start", 1),
		"broken.yaml":  "- nothing",
		"docs/a.md":    "A directory is no contract.",
	})
	git(t, dir, "branch", "docs")
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a file goes before a ref", []string{"contract", module, "v1"}, 1, `x-retry-class: was "start", is "read" now`},
		{"a file elsewhere", []string{"contract", module, filepath.Join(dir, "v1")}, 1, `x-retry-class: was "start", is "read" now`},
		{"a ref goes before a directory", []string{"contract", module, "docs"}, 1, "contract-diff: since docs, 1 of these"},
		{"the last tag", []string{"contract", module}, 1, "contract-diff: since v1, 1 of these lines"},
		{"neither file nor ref", []string{"contract", module, "v9"}, 2, "contract-diff: v9: git knows no such version of the project"},
		{"no contract", []string{"contract", module, "broken.yaml"}, 2, "contract-diff: broken.yaml: "},
		{"no oasdiff", []string{"contract", dir, "HEAD"}, 2, "contract-diff: oasdiff: "},
	} {
		t.Run(test.name, func(t *testing.T) { check(t, dir, test.args, test.code, test.want) })
	}

	write(t, dir, map[string]string{"openapi.yaml": "- nothing"})
	check(t, dir, []string{"contract", module, "HEAD"}, 2, "contract-diff: openapi.yaml: ")
	git(t, dir, "rm", "--quiet", "--cached", "openapi.yaml")
	git(t, dir, "commit", "--quiet", "--message", "second")
	check(t, dir, []string{"contract", module, "HEAD"}, 2, "contract-diff: HEAD: has no openapi.yaml")
	write(t, dir, map[string]string{"openapi.yaml": ""})
	check(t, dir, []string{"contract", module, "v1"}, 2, "openapi.yaml: no such file")
}
