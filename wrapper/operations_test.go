package wrapper

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/docspace-go/userdata/api"
)

// contract reads the operations of openapi.yaml, by operationId: method, path and x-retry-class.
func contract(t *testing.T) map[string][3]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "openapi.yaml"))
	require.NoError(t, err)
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `yaml:"operationId"`
			RetryClass  string `yaml:"x-retry-class"`
		}
		Components struct {
			Schemas map[string]struct{ Enum []string }
		}
	}
	require.NoError(t, yaml.Unmarshal(data, &document))
	found := map[string][3]string{}
	for path, methods := range document.Paths {
		for method, op := range methods {
			found[op.OperationID] = [3]string{strings.ToUpper(method), path, op.RetryClass}
		}
	}
	for _, name := range document.Components.Schemas["EmployeeType"].Enum {
		assert.True(t, api.EmployeeType(name).Valid(), name)
	}
	return found
}

func TestTheOperationsAreThoseOfTheContract(t *testing.T) {
	inCode := map[string][3]string{}
	for _, op := range operations {
		inCode[op.id] = [3]string{op.method, op.path, string(op.effect)}
	}
	assert.Len(t, operations, 10)
	assert.Equal(t, contract(t), inCode)

	inTests := map[string][3]string{}
	for _, call := range calls {
		inTests[call.id] = [3]string{call.method, strings.Replace(call.path, leaving.String(), "{userid}", 1), string(call.class)}
	}
	assert.Equal(t, inCode, inTests, "and those that the tests go through")
}

func TestEveryOperationIsReachedByATypedMethodAndByTheRawClient(t *testing.T) {
	inContract := contract(t)
	for _, call := range calls {
		t.Run(call.id, func(t *testing.T) {
			s := newScript(t).on(call.id, file(t, 200, call.success))
			client := s.client()
			require.NoError(t, call.typed(t.Context(), client))
			resp, err := call.raw(t.Context(), client.API())
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Len(t, s.sent(call.id), 2)
			for _, one := range s.sent(call.id) {
				assert.Equal(t, inContract[call.id][0], one.req.Method)
				assert.Equal(t, inContract[call.id][1], strings.Replace(one.req.URL.Path, leaving.String(), "{userid}", 1))
			}
			delete(inContract, call.id)
		})
	}
	assert.Empty(t, inContract)
}

func TestARequestIsRecognisedByMethodAndPath(t *testing.T) {
	for _, call := range calls {
		assert.Equal(t, call.id, operationOf(call.method, call.path).id)
		for _, method := range []string{"GET", "PUT", "POST", "DELETE"} {
			if method != call.method {
				assert.Equal(t, method, operationOf(method, call.path).id, "%s %s is none of the ten", method, call.path)
			}
		}
		assert.Equal(t, call.method, operationOf(call.method, "/x"+call.path).id)
		assert.Equal(t, call.class, operationOf(call.method, call.path).effect)
	}
}

func TestEveryKindOfUserCanBeAskedAbout(t *testing.T) {
	types := []api.EmployeeType{
		"", api.EmployeeTypeAll, api.EmployeeTypeRoomAdmin, api.EmployeeTypeGuest, api.EmployeeTypeDocSpaceAdmin, api.EmployeeTypeUser,
	}
	s := newScript(t).on("necessaryReassign", file(t, 200, "boolean-true.json"))
	client := s.client()
	for i, as := range types {
		needed, err := client.NecessaryReassign(t.Context(), leaving, as)
		require.NoError(t, err)
		assert.True(t, needed)
		query := s.sent("")[i].req.URL.Query()
		assert.Equal(t, string(as), query.Get("Type"))
		assert.Equal(t, as != "", query.Has("Type"))
	}
}

func TestDeleteProfileIsSentOnlyWhereAskedFor(t *testing.T) {
	s := newScript(t).on("startReassign", file(t, 200, "progress-created.json"))
	_, err := s.client().StartReassign(t.Context(), leaving, successor)
	require.NoError(t, err)
	assert.NotContains(t, s.sent("")[0].body, "true")
	_, err = s.client().StartReassign(t.Context(), leaving, successor, DeleteProfile())
	require.NoError(t, err)
	assert.Contains(t, s.sent("")[1].body, `"deleteProfile":true`)
}

func TestWhatAttachesSendsNothing(t *testing.T) {
	s := newScript(t)
	client := s.client()
	for _, task := range []*Task{client.ReassignTask(leaving), client.RemoveTask(leaving), client.DeletePersonalFolderTask()} {
		require.NotNil(t, task)
		_ = task.Watch(t.Context())
	}
	assert.Empty(t, s.sent(""))
	assert.True(t, slices.ContainsFunc(calls, func(c call) bool { return c.class == effectMail }))
}
