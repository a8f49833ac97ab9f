package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docspace-go/userdata/tools/contract"
)

const (
	ours      = "../../../openapi.yaml"
	knownFile = "../../../testdata/upstream.yaml"

	portal  = "portal-3.0.yaml"
	service = "service-3.0.json"
	modern  = "portal-3.1.json"
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// lines compares with a published contract and gives the findings as they are printed.
func lines(t *testing.T, published string) []string {
	t.Helper()
	found, _, err := check(t.Context(), ours, knownFile, []string{write(t, "published", published)})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range found {
		all = append(all, f.String())
	}
	return all
}

func TestPublicationsOfTheSameContractHaveNothingNew(t *testing.T) {
	for _, name := range []string{portal, service, modern} {
		t.Run(name, func(t *testing.T) {
			for _, line := range lines(t, read(t, name)) {
				t.Error(line)
			}
		})
	}
}

func TestOurOwnContractDiffersInNothingAtAll(t *testing.T) {
	none := write(t, "known.yaml", "known: []")
	found, _, err := check(t.Context(), ours, none, []string{ours})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// TestDriftsAreNew changes one thing in a published contract, and expects a line that names it.
func TestDriftsAreNew(t *testing.T) {
	const theirs, mine = " in the published contract, but not in openapi.yaml", " in openapi.yaml, but not in the published contract"
	bodyOf := func(id, rest string) string { return `"operationId": "` + id + `",` + "\n        " + rest }

	for _, drift := range []struct {
		name, in string
		old, new string // the first old becomes new
		want     string // one of the lines
		n        int    // how many lines there are in all
	}{
		// Operations.
		{"operation gone", modern, `"/api/2.0/people/self/delete"`, `"/api/2.0/people/self/farewell"`,
			"sendInstructionsToDelete: operation: PUT /api/2.0/people/self/delete" + mine, 1},
		{"path changed", service, `/api/2.0/people/self/delete`, `/api/2.0/people/self/erase`,
			"sendInstructionsToDelete: operation: PUT /api/2.0/people/self/delete in openapi.yaml, but PUT /api/2.0/people/self/erase in the published contract", 1},
		{"version of the path changed", service, `/api/2.0/people/remove/terminate`, `/api/3.0/people/remove/terminate`,
			"terminateRemove: operation: PUT /api/2.0/people/remove/terminate in openapi.yaml, but PUT /api/3.0/people/remove/terminate in the published contract", 1},
		{"method changed", service, `"/api/2.0/people/self/delete": {
      "put"`, `"/api/2.0/people/self/delete": {
      "delete"`,
			"sendInstructionsToDelete: operation: PUT /api/2.0/people/self/delete in openapi.yaml, but DELETE /api/2.0/people/self/delete in the published contract", 1},
		{"method changed, and no id", portal, "  /people/self/delete:\n    put:", "  /people/self/delete:\n    patch:",
			"sendInstructionsToDelete: operation: PUT /api/2.0/people/self/delete" + mine, 1},
		{"placeholder gone", modern, `progress/{userid}"`, `progress"`,
			"getRemoveProgress: operation: GET /api/2.0/people/remove/progress/{userid}" + mine, 1},
		{"deprecated", service, `"operationId": "startRemove",`, `"operationId": "startRemove", "deprecated": true,`,
			"startRemove: deprecated:" + theirs, 1},

		// Parameters.
		{"parameter renamed", service, `"name": "UserId"`, `"name": "User"`,
			"necessaryReassign: parameter query User: uuid" + theirs, 2},
		{"parameter dropped", portal, "      - $ref: '#/components/parameters/Whose'\n", "",
			"necessaryReassign: parameter query UserId: uuid" + mine, 1},
		{"parameter added", modern, `{"$ref": "#/components/parameters/Type"`, `{"name": "Force", "in": "query", "schema": {"type": "boolean"}}, {"$ref": "#/components/parameters/Type"`,
			"necessaryReassign: parameter query Force: boolean" + theirs, 1},
		{"required parameter added", service, `"operationId": "startDeletePersonalFolder",`, `"operationId": "startDeletePersonalFolder", "parameters": [{"name": "X-Why", "in": "header", "required": true, "schema": {"type": "string"}}],`,
			"startDeletePersonalFolder: parameter header X-Why: string, required," + theirs, 1},
		{"parameter required", portal, "Whose: {name: UserId, in: query", "Whose: {name: UserId, required: true, in: query",
			"necessaryReassign: parameter query UserId is required:" + theirs, 1},
		{"parameter in another place", portal, "name: UserId, in: query", "name: UserId, in: header",
			"necessaryReassign: parameter header UserId: string" + theirs, 2},
		{"parameter's type", modern, `"name": "UserId", "in": "query", "required": false, "content": {"application/json": {"schema": {"type": "string", "format": "uuid"`, `"name": "UserId", "in": "query", "required": false, "content": {"application/json": {"schema": {"type": "integer"`,
			"necessaryReassign: parameter query UserId: uuid in openapi.yaml, but integer in the published contract", 1},
		{"type of a parameter in the path", portal, "Who: {name: userId, in: path, required: true, schema: {type: string}}", "Who: {name: userId, in: path, required: true, schema: {type: integer, format: int64}}",
			"getReassignProgress: parameter path userid: uuid in openapi.yaml, but int64 in the published contract", 1},

		// Requests.
		{"body required", service, `"requestBody": {"content"`, `"requestBody": {"required": true, "content"`,
			"startReassign: request is required:" + theirs, 1},
		{"body gone", portal, "      requestBody: {$ref: '#/components/requestBodies/One'}\n      responses: {200: *job, 400", "      responses: {200: *job, 400",
			"startRemove: request: object" + mine, 1},
		{"body where there was none", service, bodyOf("startDeletePersonalFolder", ""), bodyOf("startDeletePersonalFolder", `"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/TerminateRequestDto"}}}},`),
			"startDeletePersonalFolder: request: object" + theirs, 1},
		{"body no longer JSON", portal, "application/json; charset=utf-8:", "multipart/form-data:",
			"startReassign: request media type: application/json in openapi.yaml, but text/json in the published contract", 5},
		{"body a list", modern, `{"anyOf": [{"$ref": "#/components/schemas/One"}, {"type": "null"}]}`, `{"type": "array", "items": {"$ref": "#/components/schemas/One"}}`,
			"terminateReassign: request: object in openapi.yaml, but array in the published contract", 3},
		{"field of a body renamed", modern, `"toUserId"`, `"targetUserId"`,
			"startReassign: request field targetUserId: uuid" + theirs, 2},
		{"field of a body dropped", portal, "        deleteProfile: {type: boolean, default: false}\n", "",
			"startReassign: request field deleteProfile: boolean" + mine, 1},
		{"required field in a body", service, `"required": ["fromUserId", "toUserId"],
        "properties": {`, `"required": ["fromUserId", "toUserId", "reason"],
        "properties": {"reason": {"type": "string"}, `,
			"startReassign: request field reason: string, required," + theirs, 1},
		{"optional field in a body", portal, "properties: {userId: {type: string", "properties: {notify: {type: boolean}, userId: {type: string",
			"terminateRemove: request field notify: boolean" + theirs, 3},
		{"field of a body required", service, `"required": ["fromUserId", "toUserId"]`, `"required": ["fromUserId", "toUserId", "deleteProfile"]`,
			"startReassign: request field deleteProfile is required:" + theirs, 1},
		{"type of a field in a body", service, `"TerminateRequestDto": {"type": "object", "properties": {"userId": {"type": "string", "format": "uuid"}`, `"TerminateRequestDto": {"type": "object", "properties": {"userId": {"type": "array", "items": {"type": "string"}}`,
			"startRemove: request field userId: uuid in openapi.yaml, but array in the published contract", 6},

		// Answers.
		{"field of an answer added", service, `"percentage": {`, `"eta": {"type": "integer", "format": "int32"}, "percentage": {`,
			"getReassignProgress: returns response.eta: int32" + theirs, 7},
		{"model in an answer added", modern, `"percentage": {`, `"owner": {"$ref": "#/components/schemas/Handover"}, "percentage": {`,
			"startRemove: returns response.owner: object" + theirs, 7},
		{"field of an answer renamed", service, `"isCompleted"`, `"isFinished"`,
			"getReassignProgress: returns response.isCompleted: boolean, required," + mine, 14},
		{"field of an answer dropped", portal, "        error: {type: string}\n", "",
			"startDeletePersonalFolder: returns response.error: string" + mine, 7},
		{"field's type", service, `"percentage": {"type": "integer", "format": "int32"}`, `"percentage": {"type": "number", "format": "double"}`,
			"getRemoveProgress: returns response.percentage: int32 in openapi.yaml, but double in the published contract", 7},
		{"field's size", portal, "percentage: {type: integer, format: int32}", "percentage: {type: integer, format: int64}",
			"getRemoveProgress: returns response.percentage: int32 in openapi.yaml, but int64 in the published contract", 7},
		{"number as text or number", modern, `"percentage": {"type": "integer"`, `"percentage": {"type": ["integer", "string"]`,
			"getRemoveProgress: returns response.percentage: int32 in openapi.yaml, but int32 or string in the published contract", 7},
		{"field's range", modern, `"exclusiveMaximum": 101`, `"exclusiveMaximum": 1001`,
			"startReassign: returns response.percentage bounds: 0..100 in openapi.yaml, but 0..1000 in the published contract", 7},
		{"boolean that may be null", service, `"isCompleted": {"type": "boolean"}`, `"isCompleted": {"type": "boolean", "nullable": true}`,
			"terminateReassign: returns response.isCompleted may be null:" + theirs, 7},
		{"necessary or null", modern, `"response": {"type": "boolean"}`, `"response": {"type": ["boolean", "null"]}`,
			"necessaryReassign: returns response may be null:" + theirs, 1},
		{"field of every wrapper", service, `"count": {"type": "integer", "format": "int32", "nullable": true}`, `"count": {"type": "string"}`,
			"sendInstructionsToDelete: returns count: int32 in openapi.yaml, but string in the published contract", 9},
		{"wrapper's list dropped", service, `"links": {"type": "array"`, `"link": {"type": "array"`,
			"necessaryReassign: returns links: array" + mine, 18},
		{"field in a list", portal, "href: {type: string, nullable: true}", "url: {type: string}",
			"necessaryReassign: returns links.href: string" + mine, 18},
		{"list of something else", modern, `"items": {"type": "object", "properties": {"href": {"type": "string"}, "action": {"type": ["null", "string"]}}}`, `"items": {"type": "string"}`,
			"sendInstructionsToDelete: returns links each: object in openapi.yaml, but string in the published contract", 27},
		{"another wrapper", service, `"200": {"$ref": "#/components/responses/Job"}, "400": {"description": "bad"}, "401": {"description": "no"}, "403"`, `"200": {"description": "ok", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/StringWrapper"}}}}, "400": {"description": "bad"}, "401": {"description": "no"}, "403"`,
			"startRemove: returns response: object in openapi.yaml, but string in the published contract", 6},
		{"no wrapper", modern, `{"$ref": "#/components/schemas/Answer%201/$defs/text"}`, `{"type": "string"}`,
			"sendInstructionsToDelete: returns: object in openapi.yaml, but string in the published contract", 6},
		{"one of two wrappers", modern, `{"$ref": "#/components/schemas/Answer%201/$defs/text"}`, `{"oneOf": [{"$ref": "#/components/schemas/Answer%201/$defs/text"}, {"$ref": "#/components/schemas/Answer%201"}]}`,
			"sendInstructionsToDelete: returns response: string in openapi.yaml, but object or string in the published contract", 6},
		{"answer without a body", portal, "200: {description: A text, content: {application/json: {schema: {$ref: '#/components/schemas/TextAnswer'}}}}", "200: {description: Sent}",
			"sendInstructionsToDelete: returns: object" + mine, 1},
		{"body where the answer had none", modern, `"200": {"description": "done"}`, `"200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer%201"}}}}`,
			"terminateRemove: returns: object" + theirs, 1},
		{"answer no longer JSON", portal, "200: {description: Yes or no, content: {application/json:", "200: {description: Yes or no, content: {application/xml:",
			"necessaryReassign: returns media type: application/json in openapi.yaml, but application/xml in the published contract", 1},
		{"answer of any kind", service, `{"$ref": "#/components/schemas/BooleanWrapper"}}, "text/json"`, `{}}, "text/json"`,
			"necessaryReassign: returns: object in openapi.yaml, but anything in the published contract", 6},

		// Enums.
		{"number added", service, `"DistributedTaskStatus": {"enum": [0, 1, 2, 3, 4], "type": "integer", "format": "int32", "x-enum-varnames": ["Created",`, `"DistributedTaskStatus": {"enum": [0, 1, 2, 3, 4, 5], "type": "integer", "format": "int32", "x-enum-varnames": ["Created",`,
			"getRemoveProgress: returns response.status values: 0 Created, 1 Running, 2 Completed, 3 Canceled, 4 Failed in openapi.yaml, but 0, 1, 2, 3, 4, 5 in the published contract", 7},
		{"number and name added", service, `"DistributedTaskStatus": {"enum": [0, 1, 2, 3, 4], "type": "integer", "format": "int32", "x-enum-varnames": [`, `"DistributedTaskStatus": {"enum": [5, 0, 1, 2, 3, 4], "type": "integer", "format": "int32", "x-enum-varnames": ["Paused", `,
			"getRemoveProgress: returns response.status values: 0 Created, 1 Running, 2 Completed, 3 Canceled, 4 Failed in openapi.yaml, but 0 Created, 1 Running, 2 Completed, 3 Canceled, 4 Failted, 5 Paused in the published contract", 7},
		{"names of numbers swapped", service, `"Completed", "Canceled"`, `"Canceled", "Completed"`,
			"getRemoveProgress: returns response.status values: 0 Created, 1 Running, 2 Completed, 3 Canceled, 4 Failed in openapi.yaml, but 0 Created, 1 Running, 2 Canceled, 3 Completed, 4 Failted in the published contract", 7},
		{"names of numbers swapped in the description", service, `"x-enum-varnames": ["Created", "Running", "Completed", "Canceled", "Failted"]`, `"description": "[0 - Created, 1 - Running, 2 - Canceled, 3 - Completed, 4 - It failed]"`,
			"getRemoveProgress: returns response.status values: 0 Created, 1 Running, 2 Completed, 3 Canceled, 4 Failed in openapi.yaml, but 0 Created, 1 Running, 2 Canceled, 3 Completed, 4 ItFailed in the published contract", 7},
		{"name added", portal, "Canceled, Failted]", "Canceled, Failted, Paused]",
			"getRemoveProgress: returns response.status values: 0 Created, 1 Running, 2 Completed, 3 Canceled, 4 Failed in openapi.yaml, but Canceled, Completed, Created, Failted, Paused, Running in the published contract", 7},
		{"constant added", modern, `{"const": 4}`, `{"const": 4}, {"const": 5}`,
			"getRemoveProgress: returns response.status values: 0 Created, 1 Running, 2 Completed, 3 Canceled, 4 Failed in openapi.yaml, but 0, 1, 2, 3, 4, 5 in the published contract", 7},
		{"values dropped altogether", portal, "      enum: [Created, Running, Completed, Canceled, Failted]\n", "",
			"startReassign: returns response.status values: 0 Created, 1 Running, 2 Completed, 3 Canceled, 4 Failed" + mine, 7},
		{"name of a parameter's value dropped", portal, "enum: [All, DocSpaceAdmin, Guest, RoomAdmin, User]", "enum: [All, DocSpaceAdmin, Guest, RoomAdmin]",
			"necessaryReassign: parameter query Type values: All, DocSpaceAdmin, Guest, RoomAdmin, User in openapi.yaml, but All, DocSpaceAdmin, Guest, RoomAdmin in the published contract", 1},
		{"name of a parameter's value added", service, `"DocSpaceAdmin", "User"]`, `"DocSpaceAdmin", "User", "Robot"]`,
			"necessaryReassign: parameter query Type values: All, DocSpaceAdmin, Guest, RoomAdmin, User in openapi.yaml, but 0, 1, 2, 3, 4, All, DocSpaceAdmin, Guest, Robot, RoomAdmin, User in the published contract", 1},
		{"values of one alternative dropped", service, `{"type": "string", "enum": ["All", "RoomAdmin", "Guest", "DocSpaceAdmin", "User"]}`, `{"type": "string"}`,
			"necessaryReassign: parameter query Type values: All, DocSpaceAdmin, Guest, RoomAdmin, User in openapi.yaml, but 0, 1, 2, 3, 4, anything in the published contract", 1},
		{"parameter's values renumbered", modern, `"RoomAdmin", "Guest"`, `"Guest", "RoomAdmin"`,
			"necessaryReassign: parameter query Type values: All, DocSpaceAdmin, Guest, RoomAdmin, User in openapi.yaml, but 0 All, 1 Guest, 2 RoomAdmin, 3 DocSpaceAdmin, 4 User in the published contract", 1},
		{"values where there were none", portal, "isCompleted: {type: boolean}", "isCompleted: {type: boolean, enum: [true]}",
			"startReassign: returns response.isCompleted values: true" + theirs, 7},

		// Statuses.
		{"status dropped", service, `, "404": {"description": "who"}`, ``, "startRemove: status 404:" + mine, 1},
		{"status added", portal, "404: {description: Nobody}", "404: {description: Nobody}, 409: {description: Busy}", "startRemove: status 409:" + theirs, 1},
		{"another success", modern, `"200": {"description": "done"}`, `"202": {"description": "done"}`, "terminateRemove: status 202:" + theirs, 2},
		{"range of statuses", modern, `"2XX": {"description": "whether"`, `"4XX": {"description": "bad"}, "2XX": {"description": "whether"`, "necessaryReassign: status 4xx:" + theirs, 1},
		{"body of an error", portal, "        403: {description: No}\n", "        403: {description: No, content: {text/plain: {schema: {type: string}}}}\n",
			"sendInstructionsToDelete: status 403 body: object of count, error, links, response, status, statusCode in openapi.yaml, but string in the published contract", 1},
		{"fields in the body of an error", portal, "403: {description: No}, 404", "403: {description: No, content: {application/json: {schema: {properties: {code: {type: string}}}}}}, 404",
			"startRemove: status 403 body: object of count, error, links, response, status, statusCode in openapi.yaml, but object of code in the published contract", 1},

		// Security.
		{"key in another header", modern, `"name": "ApiKeyBearer"`, `"name": "X-Api-Key"`,
			"startRemove: security apiKey in header: Authorization in openapi.yaml, but X-Api-Key in the published contract", 10},
		{"cookie renamed", portal, "name: asc_auth_key", "name: session", "startRemove: security apiKey in cookie: asc_auth_key in openapi.yaml, but session in the published contract", 10},
		{"cookie turned header", portal, "in: cookie, name: asc_auth_key", "in: header, name: asc_auth_key", "startRemove: security apiKey in cookie: asc_auth_key" + mine, 20},
		{"alternative dropped", portal, "  - mail and password: []\n", "", "startRemove: security http basic:" + mine, 10},
		{"two at once", portal, "  - cookie: []\n  - token: []", "  - cookie: []\n    token: []", "startRemove: security apiKey in cookie+http bearer: asc_auth_key" + theirs, 30},
		{"no security", service, `{"description": "never"}},
        "security": [{"Basic": []}, {"OAuth2": ["write"]}, {"ApiKeyBearer": []}, {"asc_auth_key": []}, {"Bearer": []}, {"OpenId": []}]`, `{"description": "never"}},
        "security": []`, "sendInstructionsToDelete: security none:" + theirs, 7},
		{"scope changed", service, `{"OAuth2": ["read"]}`, `{"OAuth2": ["users:read"]}`, "necessaryReassign: security oauth2 scopes: read in openapi.yaml, but users:read in the published contract", 1},
		{"another flow", modern, `"flows": {"authorizationCode"`, `"flows": {"implicit"`, "startRemove: security oauth2: authorizationCode in openapi.yaml, but implicit in the published contract", 10},
		{"scheme of which nothing is said", modern, `"password": {"type": "http", "scheme": "basic"},`, ``, "startRemove: security unknown scheme password:" + theirs, 20},

		// References.
		{"reference that leads nowhere", service, `{"$ref": "#/components/schemas/DistributedTaskStatus"}`, `{"$ref": "#/components/schemas/JobStatus"}`,
			"startRemove: reference #/components/schemas/JobStatus: leading nowhere" + theirs, 21},
		{"reference to another file", portal, "#/components/parameters/Whose", "common.yaml#/Whose",
			"necessaryReassign: reference common.yaml#/Whose: leading nowhere" + theirs, 2},
	} {
		t.Run(drift.name, func(t *testing.T) {
			before := read(t, drift.in)
			if !strings.Contains(before, drift.old) {
				t.Fatalf("the text to change is gone: %q", drift.old)
			}
			found := lines(t, strings.Replace(before, drift.old, drift.new, 1))
			if !slices.Contains(found, drift.want) {
				t.Errorf("not noticed; wanted %q", drift.want)
			}
			if len(found) != drift.n {
				t.Errorf("%d lines, wanted %d", len(found), drift.n)
			}
			if t.Failed() {
				t.Logf("found: %s", strings.Join(found, "; "))
			}
		})
	}
}

// TestOtherWordsForTheSameAreNothingNew changes how a published contract says something, but not what it says.
func TestOtherWordsForTheSameAreNothingNew(t *testing.T) {
	const dto = `"TaskProgressResponseDto": {
        "type": "object",`
	for _, change := range []struct{ name, in, old, new string }{
		{"byte order mark", service, "{\n", "\ufeff{\n"},
		{"model made of itself", service, dto, dto + `"allOf": [{"$ref": "#/components/schemas/TaskProgressResponseDto"}],`},
		{"models made of each other", service, dto, `"Other": {"oneOf": [{"$ref": "#/components/schemas/TaskProgressResponseDto"}]}, ` + dto + `"anyOf": [{"$ref": "#/components/schemas/Other"}],`},
		{"model merged of three", service, dto, dto + `"allOf": [{"required": ["id"]}, {"properties": {"id": {"type": "string"}}}, {"properties": {"error": {"maxLength": 9}}}],`},
		{"model that is this or null", service, `"response": {"allOf": [{"$ref": "#/components/schemas/TaskProgressResponseDto"}], "nullable": true}`, `"response": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/TaskProgressResponseDto"}]}`},
		{"both spellings", service, `"Canceled", "Failted"]`, `"Cancelled", "Failed"]`},
		{"names as descriptions", service, `"x-enum-varnames"`, `"x-unknown": ["", " "], "x-enum-descriptions": ["Created", "Running", "Completed", "Canceled", "Failted"], "x-was"`},
		{"names in a description", service, `"x-enum-varnames": ["Created", "Running", "Completed", "Canceled", "Failted"]`, `"description": "[0 - Created, 1 - Running, 2 - Completed, 3 - Canceled, 4 - Failted]"`},
		{"a description that says no names", service, `"x-enum-varnames": ["Created", "Running", "Completed", "Canceled", "Failted"]`, `"description": "From 0 - nothing - to 4."`},
		{"titles", modern, `{"const": 0, "title": "new"}, {"const": 1}, {"const": 2}, {"const": 3}, {"const": 4}`, `{"const": 0, "title": "created"}, {"const": 1, "title": "running"}, {"const": 2, "title": "completed"}, {"const": 3, "title": "canceled"}, {"const": 4, "title": "failed"}`},
		{"numbers and names", service, `"DistributedTaskStatus": {"enum": [0, 1, 2, 3, 4], "type": "integer", "format": "int32", "x-enum-varnames"`, `"DistributedTaskStatus": {"anyOf": [{"type": "integer", "format": "int32", "enum": [0, 1, 2, 3, 4]}, {"enum": ["Created", "Running", "Completed", "Canceled", "Failted"]}], "x-was"`},
		{"names of numbers, and names in another order", service, `"EmployeeType": {"oneOf": [`, `"EmployeeType": {"oneOf": [{"enum": ["User", "Guest", "All"]}, {"enum": [4, 3, 2, 1, 0], "x-enum-varnames": ["User", "DocSpaceAdmin", "Guest", "RoomAdmin", "All"]}], "x-was": [`},
		{"null among the values", service, `"error": {"type": "string", "nullable": true}`, `"error": {"type": ["string", "null"]}`},
		{"range without the ends", service, `"percentage": {"type": "integer",`, `"percentage": {"minimum": -1, "exclusiveMinimum": true, "maximum": 100, "exclusiveMaximum": false, "type": "integer",`},
		{"another word for uuid", portal, "userId: {type: string, example", "userId: {type: string, format: guid, example"},
		{"fields that are always there", portal, "    JobAnswer: {type: object,", "    JobAnswer: {type: object, required: [count, status, links],"},
		{"server without a path", portal, "https://{portal}.example.com:{port}/api/2.0/", "https://{portal}.example.com:{port}"},
		{"server that is a path", portal, "https://{portal}.example.com:{port}/api/2.0/", "/api/2.0"},
		{"server that is a variable", portal, "https://{portal}.example.com:{port}/api/2.0/\n    variables:\n", "'{base}'\n    variables:\n      base: {default: 'http://localhost/api/2.0'}\n"},
		{"server that is a template", portal, "https://{portal}.example.com:{port}/api/2.0/", "'{{base}}/api/2.0'"},
		{"no server", portal, "servers:\n", "x-servers:\n"},
		{"another server first", portal, "servers:\n", "servers:\n  - url: https://example.com/other\n"},
		{"the same elsewhere as well", service, `"/api/2.0/people/self/delete": {`, `"/admin/api/2.0/people/self/delete": {"put": {"operationId": "elsewhere", "responses": {}}},
    "/api/2.0/people/self/delete": {`},
		{"limits documented", service, `"401": {"description": "no"}`, `"401": {"description": "no"}, "429": {"description": "slower"}, "default": {"description": "else"}`},
		{"status as a number", portal, "401: &who", "'401': &who"},
		{"parameter of the path that nobody asks for", portal, "{in: path, name: ID, schema", "{in: path, name: ID, required: false, schema"},
		{"security for one operation in another order", modern, `[{"password": []}, {"login": []}`, `[{"login": []}, {"password": []}`},
		{"constructs of another version", modern, `"patternProperties"`, `"if": {"required": ["id"]}, "then": false, "$dynamicAnchor": "x", "unevaluatedProperties": {"$ref": "#x"}, "patternProperties"`},
	} {
		t.Run(change.name, func(t *testing.T) {
			before := read(t, change.in)
			if !strings.Contains(before, change.old) {
				t.Fatalf("the text to change is gone: %q", change.old)
			}
			for _, line := range lines(t, strings.Replace(before, change.old, change.new, 1)) {
				t.Error(line)
			}
		})
	}
}

// TestEveryEntryIsOfUse keeps the list of known differences short: each has to apply to one of the contracts here.
func TestEveryEntryIsOfUse(t *testing.T) {
	known, err := readKnown(knownFile)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range known {
		rest := slices.Delete(slices.Clone(known), i, i+1)
		needed := false
		for _, name := range []string{portal, service, modern} {
			needed = needed || len(compareAll(t, read(t, name), rest)) > 0
		}
		if !needed {
			t.Errorf("testdata/upstream.yaml: %v: %v: covers nothing that another entry does not cover", e.Where, e.Fact)
		}
	}
}

func compareAll(t *testing.T, published string, known []entry) []contract.Finding {
	t.Helper()
	our, their := contract.Facts{}, contract.Facts{}
	own, err := open(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	root, err := parse([]byte(published))
	if err != nil {
		t.Fatal(err)
	}
	doc := &document{root: root}
	operations, candidates := own.operations(), doc.operations()
	for _, op := range operations {
		own.describe(op, op, our, nil)
		if other, ok := find(op, operations, candidates); ok {
			doc.describe(op, other, their, our)
		}
	}
	found, _ := compare(our, their, known)
	return found
}

// TestNonsenseAnywhereIsNoDisaster puts something of the wrong type in every place of a contract, one after the other.
func TestNonsenseAnywhereIsNoDisaster(t *testing.T) {
	root, err := parse([]byte(read(t, modern)))
	if err != nil {
		t.Fatal(err)
	}
	own, err := open(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	operations, guide := own.operations(), contract.Facts{}
	for _, op := range operations {
		own.describe(op, op, guide, nil)
	}
	tried := 0
	attempt := func(set func(any), was any) {
		for _, nonsense := range []any{nil, "", 7.5, []any{nil, "x", map[string]any{}}, map[string]any{"": nil, "$ref": "#/paths"}} {
			set(nonsense)
			doc := &document{root: root}
			facts := contract.Facts{}
			candidates := doc.operations()
			for _, op := range operations {
				if other, ok := find(op, operations, candidates); ok {
					doc.describe(op, other, facts, guide)
				}
			}
			compare(guide, facts, nil)
			tried++
		}
		set(was)
	}
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				was := v[key]
				attempt(func(x any) { v[key] = x }, was)
				walk(was)
			}
		case []any:
			for i, was := range v {
				attempt(func(x any) { v[i] = x }, was)
				walk(was)
			}
		}
	}
	walk(root)
	if tried < 1000 {
		t.Errorf("only %d attempts: the contract was not walked through", tried)
	}
}
