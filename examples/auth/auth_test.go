package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

// authority is a portal that gives tokens out at /oauth2/token, all of them its owner's. No socket is involved.
type authority struct {
	*docspacetest.Portal
	memory *http.Client
	asked  []url.Values
}

func newAuthority(t *testing.T) *authority {
	a := &authority{Portal: docspacetest.NewPortal()}
	t.Cleanup(a.Close)
	a.memory = a.HTTPClient()
	return a
}

func (a *authority) client() *http.Client { return &http.Client{Transport: a} }

func (a *authority) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path != "/oauth2/token" {
		return a.memory.Transport.RoundTrip(req)
	}
	if err := req.ParseForm(); err != nil {
		return nil, err
	}
	a.asked = append(a.asked, req.Form)
	answer := httptest.NewRecorder()
	answer.Header().Set("Content-Type", "application/json")
	err := json.NewEncoder(answer).Encode(map[string]any{
		"access_token": a.Owner().AccessToken, "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh-1",
	})
	return answer.Result(), err
}

func TestSomebodySignsInAndTheClientActsInTheirName(t *testing.T) {
	a := newAuthority(t)
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, a.client())
	client, err := SignIn(ctx, a.URL, "hr-sync", "s3cr3t", "https://hr.example.com/back", func(address string) (code, state string, _ error) {
		at, err := url.Parse(address)
		require.NoError(t, err)
		assert.Equal(t, "/oauth2/authorize", at.Path)
		assert.Equal(t, "S256", at.Query().Get("code_challenge_method"))
		return "code-1", at.Query().Get("state"), nil
	}, wrapper.WithHTTPClient(a.client()))
	require.NoError(t, err)
	_, err = client.NecessaryReassign(t.Context(), a.AddUser(docspacetest.User{}).ID, "")
	require.NoError(t, err)
	require.Len(t, a.asked, 1)
	assert.Equal(t, "code-1", a.asked[0].Get("code"))
	assert.NotEmpty(t, a.asked[0].Get("code_verifier"))
}

func TestNobodySignsInForSomebodyElse(t *testing.T) {
	a := newAuthority(t)
	_, err := SignIn(t.Context(), a.URL, "hr-sync", "s3cr3t", "https://hr.example.com/back",
		func(string) (code, state string, _ error) { return "code-1", "another", nil })
	require.EqualError(t, err, "somebody else has signed in")
	assert.Empty(t, a.asked)
}

func TestAServiceGetsAnotherTokenOnceThePortalRefusesTheLast(t *testing.T) {
	a := newAuthority(t)
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, a.client())
	client, err := ForService(ctx, a.URL, "hr-sync", "s3cr3t", wrapper.WithHTTPClient(a.client()))
	require.NoError(t, err)
	leaving := a.AddUser(docspacetest.User{}).ID
	for range 2 {
		_, err = client.NecessaryReassign(t.Context(), leaving, "")
		require.NoError(t, err)
	}
	require.Len(t, a.asked, 1) // one token serves both

	owner := a.Owner()
	owner.AccessToken = "" // revoked: the portal makes another
	a.AddUser(owner)
	_, err = client.NecessaryReassign(t.Context(), leaving, "")
	require.NoError(t, err)
	require.Len(t, a.asked, 2)
	assert.Equal(t, "client_credentials", a.asked[1].Get("grant_type"))
	assert.Equal(t, "read write", a.asked[1].Get("scope"))
}

func TestAKeyThatIsReplacedInItsFileIsUsedFromThenOn(t *testing.T) {
	portal := docspacetest.NewPortal()
	defer portal.Close()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte(portal.Owner().APIKey+"\n"), 0o600))
	client, err := wrapper.New(portal.URL, wrapper.WithHTTPClient(portal.HTTPClient()), wrapper.WithAuth(FromFile(file)))
	require.NoError(t, err)
	leaving := portal.AddUser(docspacetest.User{}).ID
	_, err = client.NecessaryReassign(t.Context(), leaving, "")
	require.NoError(t, err)

	owner := portal.Owner()
	owner.APIKey = "" // replaced by the portal's next
	owner = portal.AddUser(owner)
	_, err = client.NecessaryReassign(t.Context(), leaving, "")
	require.ErrorIs(t, err, wrapper.ErrUnauthorized)
	require.NoError(t, os.WriteFile(file, []byte(owner.APIKey), 0o600))
	_, err = client.NecessaryReassign(t.Context(), leaving, "")
	require.NoError(t, err)
}
