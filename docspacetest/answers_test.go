package docspacetest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

func TestWhatASuccessLooksLike(t *testing.T) {
	s := newScene(t)
	r := s.owner.do(startReassign, handOver(s.gone.ID, s.heir.ID))
	assert.Equal(t, "application/json", r.header.Get("Content-Type"))
	assert.JSONEq(t, `{"response":{"id":"1_`+s.gone.ID.String()+`_ReassignProgressItem","error":"","percentage":0,"isCompleted":false,"status":0},
		"count":1,"links":[{"href":"`+s.URL+`/api/2.0/people/reassign/start","action":"POST"}],"status":0,"statusCode":200}`, r.body)

	r = s.owner.do(necessary+"?UserId="+s.gone2.ID.String(), "")
	assert.JSONEq(t, `{"response":true,"count":1,"links":[{"href":"`+s.URL+`/api/2.0/people/reassign/necessary","action":"GET"}],
		"status":0,"statusCode":200}`, r.body)
}

func TestWhereNothingIsQueuedTheResponseIsLeftOut(t *testing.T) {
	s := newScene(t)
	for operation, body := range map[string]string{
		reassignProgress + s.gone.ID.String():     "",
		removeProgress + s.gone.ID.String():       "",
		removeProgress + uuid.New().String():      "", // nor does the user have to exist
		folderProgress:                            "",
		stopReassign:                              whose(s.gone.ID),
		stopRemove:                                whose(s.gone.ID),
		"PUT /api/2.0/people/remove/terminate?x=": whose(s.gone.ID),
	} {
		method, path, _ := strings.Cut(strings.TrimSuffix(operation, "?x="), " ")
		r := s.owner.do(operation, body)
		assert.Equal(t, http.StatusOK, r.status)
		assert.JSONEq(t, `{"count":0,"links":[{"href":"`+s.URL+path+`","action":"`+method+`"}],"status":0,"statusCode":200}`, r.body)
	}
}

func TestWhatAnErrorLooksLike(t *testing.T) {
	s := newScene(t)
	someone := newCaller(t, s.Portal, s.someone)
	unknown := uuid.New()
	for _, c := range []struct {
		name            string
		by              caller
		operation, body string
		status          int
		message, kind   string
		hresult         int32
	}{
		{"what is not allowed", someone, necessary, "", 403, "Access denied", "System.Security.SecurityException", -2146233078},
		{"what makes no sense", s.owner, startRemove, whose(unknown), 400, "User with id = " + unknown.String() + " not found", "System.ArgumentException", -2147024809},
		{"who is not there", s.owner, necessary + "?UserId=" + unknown.String(), "", 400, "User with id = " + unknown.String() + " not found", "System.ArgumentException", -2147024809},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.by.do(c.operation, c.body)
			assert.Equal(t, c.status, r.status)
			assert.Equal(t, "application/json", r.header.Get("Content-Type"))
			var envelope api.ErrorEnvelope
			require.NoError(t, json.Unmarshal([]byte(r.body), &envelope))
			require.NotNil(t, envelope.Error)
			assert.Equal(t, c.message, envelope.Error.Message)
			assert.Equal(t, c.kind, *envelope.Error.Type)
			assert.Equal(t, c.hresult, *envelope.Error.Hresult)
			assert.True(t, strings.HasPrefix(*envelope.Error.Stack, "   at "), "a stack that clients must not show")
			assert.EqualValues(t, 1, envelope.Status)
			assert.EqualValues(t, c.status, envelope.StatusCode)
		})
	}
}

func TestWhatCannotBeReadIsAProblemInsideTheSuccessWrapper(t *testing.T) {
	s := newScene(t)
	id := s.gone.ID.String()
	const guid, required = "The JSON value could not be converted to System.Guid.", "The inDto field is required."
	for _, c := range []struct {
		name, operation, body string
		fields                map[string]string
	}{
		{"no body", startReassign, "", map[string]string{"": "A non-empty request body is required.", "inDto": required}},
		{"a blank body", startRemove, " \n", map[string]string{"": "A non-empty request body is required.", "inDto": required}},
		{"not JSON", startRemove, "{", map[string]string{"$": "could not be converted", "inDto": required}},
		{"JSON and something behind it", stopRemove, whose(s.gone.ID) + "x", map[string]string{"$": "could not be converted", "inDto": required}},
		{"JSON that is no object", stopReassign, "[]", map[string]string{"$": "could not be converted", "inDto": required}},
		{"what is not a uuid", startReassign, `{"fromUserId":"` + id + `","toUserId":"x"}`, map[string]string{"$.toUserId": guid, "inDto": required}},
		{"a number for a uuid", startRemove, `{"userId":1}`, map[string]string{"$.userId": guid, "inDto": required}},
		{"null for a uuid", startRemove, `{"userId":null}`, map[string]string{"$.userId": guid, "inDto": required}},
		{"a word for a flag", startReassign, `{"fromUserId":"` + id + `","toUserId":"` + id + `","deleteProfile":"yes"}`,
			map[string]string{"$.deleteProfile": "The JSON value could not be converted to System.Boolean.", "inDto": required}},
		{"missing ids", startReassign, `{}`, map[string]string{"fromUserId": "The fromUserId field is required.", "toUserId": "The toUserId field is required."}},
		{"a null body", stopRemove, `null`, map[string]string{"userId": "The userId field is required."}},
		{"a zero id", stopReassign, whose(uuid.Nil), map[string]string{"userId": "The userId field is required."}},
		{"a query that is not a uuid", necessary + "?userid=x", "", map[string]string{"UserId": "The value 'x' is not valid for UserId."}},
		{"an unknown type", necessary + "?Type=Boss", "", map[string]string{"Type": "The value 'Boss' is not valid for Type."}},
		{"an unknown number of a type", necessary + "?type=5", "", map[string]string{"Type": "The value '5' is not valid for Type."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			by := s.owner
			by.header = by.header.Clone()
			by.header.Set("Content-Type", "application/json; charset=utf-8")
			r := by.do(c.operation, c.body)
			assert.Equal(t, http.StatusBadRequest, r.status)
			assert.Equal(t, "application/problem+json", r.header.Get("Content-Type"))
			var wrapper api.ValidationErrorWrapper
			require.NoError(t, json.Unmarshal([]byte(r.body), &wrapper))
			assert.Equal(t, "One or more validation errors occurred.", wrapper.Response.Title)
			assert.EqualValues(t, 400, wrapper.Response.Status)
			assert.Regexp(t, "^00-[0-9a-f]{32}-[0-9a-f]{16}-00$", *wrapper.Response.TraceId)
			assert.EqualValues(t, 1, *wrapper.Count)
			assert.EqualValues(t, 1, wrapper.Status)
			assert.EqualValues(t, 400, wrapper.StatusCode)
			assert.Len(t, wrapper.Links, 1)
			assert.Len(t, wrapper.Response.Errors, len(c.fields), "%v", wrapper.Response.Errors)
			for field, text := range c.fields {
				require.Len(t, wrapper.Response.Errors[field], 1, field)
				assert.Contains(t, wrapper.Response.Errors[field][0], text)
			}
		})
	}
}

func TestABodyThatIsNotSentAsJSONIsUnsupported(t *testing.T) {
	s := newScene(t)
	for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "nonsense/", ""} {
		req := s.owner.request(startRemove, whose(s.gone.ID))
		req.Header.Del("Content-Type")
		if contentType != "" {
			req.Header.Set("Content-Type", contentType)
		}
		resp, err := s.owner.client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode, contentType)
	}
}

func TestNoBodyAtAllIsAProblemWhateverItsType(t *testing.T) {
	s := newScene(t)
	req := s.owner.request(startRemove, "")
	req.Header.Del("Content-Type")
	resp, err := s.owner.client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
}

func TestEmptyParametersAreAsGoodAsNone(t *testing.T) {
	s := newScene(t)
	assert.Equal(t, http.StatusOK, s.owner.do(necessary+"?Type=&UserId=", "").status)
}

func TestNamesInABodyAreReadInAnyCase(t *testing.T) {
	s := newScene(t)
	assert.Equal(t, http.StatusOK, s.owner.do(startRemove, strings.ToUpper(whose(s.gone.ID))).status)
}

func TestWhatThePortalDoesNotKnowIsNotFound(t *testing.T) {
	s := newScene(t)
	for _, operation := range []string{
		reassignProgress + "not-a-uuid", removeProgress + "1", "GET /", "GET /api/2.0/people/reassign/start",
		"GET //api/2.0/people/reassign/necessary", "POST /api/2.0/people/remove/start/",
	} {
		r := s.owner.do(operation, "")
		assert.Equal(t, http.StatusNotFound, r.status, operation)
		assert.Empty(t, r.body)
	}
}

func TestNecessaryReassignAsksForRooms(t *testing.T) {
	s := newScene(t)
	for _, c := range []struct {
		name, query string
		needed      bool
	}{
		{"a user with rooms", "?UserId=" + s.gone.ID.String(), true},
		{"a user without rooms", "?UserId=" + s.heir.ID.String(), false},
		{"nobody", "", false},
		{"names in lower case", "?userid=" + s.gone.ID.String() + "&type=User", true},
		{"names in upper case", "?USERID=" + s.gone.ID.String() + "&TYPE=User", true},
		{"a type as a number", "?UserId=" + s.gone.ID.String() + "&Type=1", true},
		{"the first number of a type", "?Type=0", false},
		{"the last number of a type", "?Type=4", false},
		{"a type by its name", "?UserId=" + s.gone.ID.String() + "&Type=RoomAdmin", true},
		{"a type by its name in another case", "?UserId=" + s.gone.ID.String() + "&Type=roomadmin", true},
		{"an unknown parameter besides", "?UserId=" + s.gone.ID.String() + "&x=1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := s.owner.do(necessary+c.query, "")
			require.Equal(t, http.StatusOK, r.status, r.body)
			var wrapper api.BooleanWrapper
			require.NoError(t, json.Unmarshal([]byte(r.body), &wrapper))
			assert.Equal(t, c.needed, *wrapper.Response)
		})
	}
}

func TestRequestsTellWhatArrived(t *testing.T) {
	s := newScene(t)
	s.owner.do(necessary+"?userid="+s.gone.ID.String(), "")
	s.owner.do(startRemove, whose(s.gone.ID))
	s.owner.do("GET /elsewhere", "")
	s.owner.header.Del("Authorization")
	s.owner.do(selfDelete, "")

	requests := s.Requests()
	require.Len(t, requests, 4)
	assert.Equal(t, "necessaryReassign", requests[0].OperationID)
	assert.Equal(t, s.gone.ID.String(), requests[0].Query.Get("userid"), "as sent")
	assert.Equal(t, http.MethodPost, requests[1].Method)
	assert.Equal(t, "/api/2.0/people/remove/start", requests[1].Path)
	assert.JSONEq(t, whose(s.gone.ID), string(requests[1].Body))
	assert.Equal(t, "Bearer "+s.Owner().APIKey, requests[1].Header.Get("Authorization"))
	assert.NotZero(t, requests[1].Time)
	assert.Empty(t, requests[2].OperationID)
	statuses := []int{}
	for _, r := range requests {
		statuses = append(statuses, r.Status)
	}
	assert.Equal(t, []int{200, 200, 404, 401}, statuses)
}

// Every operation of the contract has to be known before the generated handlers are reached, or it would be a 404.
func TestThePortalKnowsEveryOperationOfTheContract(t *testing.T) {
	contract, err := os.ReadFile("../openapi.yaml")
	require.NoError(t, err)
	p := docspacetest.NewPortal()
	defer p.Close()
	by := caller{t, p, p.HTTPClient(), http.Header{}}
	found := regexp.MustCompile(`(?m)^  (/\S+):\n    (\w+):\n      operationId: (\w+)$`).FindAllStringSubmatch(string(contract), -1)
	require.Len(t, found, 10)
	for _, match := range found {
		path := strings.Replace(match[1], "{userid}", uuid.NewString(), 1)
		p.Fail(match[3], docspacetest.Fault{Status: http.StatusTeapot})
		assert.Equal(t, http.StatusTeapot, by.do(strings.ToUpper(match[2])+" "+path, "").status)
		requests := p.Requests()
		assert.Equal(t, match[3], requests[len(requests)-1].OperationID)
	}
}
