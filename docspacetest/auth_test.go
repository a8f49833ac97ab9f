package docspacetest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/docspacetest"
)

func basic(u docspacetest.User) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Email+":"+u.Password))
}

func TestWhoIsLetIn(t *testing.T) {
	p := docspacetest.NewPortal()
	defer p.Close()
	owner := p.Owner()
	left := p.AddUser(docspacetest.User{Type: "DocSpaceAdmin", Status: docspacetest.Terminated})
	none := docspacetest.User{Email: owner.Email, Password: "wrong"}
	strangeJWT := strings.Replace(left.AccessToken, ".", ".e30", 1)

	for _, c := range []struct {
		name                  string
		authorization, cookie string
		in                    bool
	}{
		{"nobody without a credential", "", "", false},
		{"the cookie", "", owner.AuthKey, true},
		{"not a wrong cookie", "", "wrong", false},
		{"email and password", basic(owner), "", true},
		{"the email in another case", basic(docspacetest.User{Email: strings.ToUpper(owner.Email), Password: owner.Password}), "", true},
		{"not a wrong password", basic(none), "", false},
		{"not a wrong password, though the cookie is right", basic(none), owner.AuthKey, false},
		{"not a Basic header that cannot be read", "Basic %%%", "", false},
		{"an access token", "Bearer " + owner.AccessToken, "", true},
		{"an access token with the scheme in another case", "bearer " + owner.AccessToken, "", true},
		{"an access token, though the cookie is wrong", "Bearer " + owner.AccessToken, "wrong", true},
		{"not an access token of somewhere else", "Bearer " + strangeJWT, "", false},
		{"not an access token of somewhere else, though the cookie is right", "Bearer " + strangeJWT, owner.AuthKey, false},
		{"not an access token without Bearer", owner.AccessToken, "", false},
		{"an API key", "Bearer " + owner.APIKey, "", true},
		{"an API key, though the cookie is wrong", "Bearer " + owner.APIKey, "wrong", true},
		{"not an API key without Bearer", owner.APIKey, "", false},
		{"not an unknown API key", "Bearer sk-unknown", "", false},
		{"the cookie's value in the header", owner.AuthKey, "", true},
		{"the cookie's value as Bearer", "Bearer " + owner.AuthKey, "", true},
		{"not the cookie's value if the cookie is wrong: the cookie wins", "Bearer " + owner.AuthKey, "wrong", false},
		{"a plain token of no use if the cookie is right: the cookie wins", "Bearer wrong", owner.AuthKey, true},
		{"not a plain token of no use", "Bearer wrong", "", false},
		{"not a disabled account by API key", "Bearer " + left.APIKey, "", false},
		{"not a disabled account by password", basic(left), "", false},
		{"not a disabled account by token", "Bearer " + left.AccessToken, "", false},
		{"not a disabled account by cookie", "", left.AuthKey, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			by := caller{t, p, p.HTTPClient(), http.Header{}}
			if c.authorization != "" {
				by.header.Set("Authorization", c.authorization)
			}
			if c.cookie != "" {
				by.header.Set("Cookie", "asc_auth_key="+c.cookie)
			}
			r := by.do(necessary, "")
			if c.in {
				assert.Equal(t, http.StatusOK, r.status, r.body)
				return
			}
			assert.Equal(t, http.StatusUnauthorized, r.status)
			assert.Empty(t, r.body)
			assert.Equal(t, "Basic", r.header.Get("WWW-Authenticate"))
			if looked := strings.Contains(c.name, "cookie wins") || c.authorization == "" && c.cookie != ""; looked {
				assert.Contains(t, r.header.Get("Set-Cookie"), "asc_auth_key=; Path=/; Max-Age=0", "a bad cookie is cleared")
			} else {
				assert.Empty(t, r.header.Get("Set-Cookie"))
			}
		})
	}
}

func TestAHeaderNamedApiKeyBearerIsNeverRead(t *testing.T) {
	s := newScene(t)
	s.owner.header = http.Header{"Apikeybearer": {s.Owner().APIKey}}
	assert.Equal(t, http.StatusUnauthorized, s.owner.do(necessary, "").status)
}

func TestScopesLimitKeysAndTokens(t *testing.T) {
	s := newScene(t)
	reader := s.AddUser(docspacetest.User{Type: "DocSpaceAdmin", Scopes: []string{"read"}})
	writer := s.AddUser(docspacetest.User{Type: "DocSpaceAdmin", Scopes: []string{"write"}})
	neither := s.AddUser(docspacetest.User{Type: "DocSpaceAdmin", Scopes: []string{}})
	for _, c := range []struct {
		name          string
		authorization string
		read, write   int
	}{
		{"a key that may read", "Bearer " + reader.APIKey, 200, 403},
		{"a token that may read", "Bearer " + reader.AccessToken, 200, 403},
		{"a key that may write", "Bearer " + writer.APIKey, 403, 200},
		{"a token that may write", "Bearer " + writer.AccessToken, 403, 200},
		{"a key that may do nothing", "Bearer " + neither.APIKey, 403, 403},
		{"a password is not limited", basic(neither), 200, 200},
		{"a cookie is not limited", neither.AuthKey, 200, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			by := caller{t, s.Portal, s.HTTPClient(), http.Header{"Authorization": {c.authorization}}}
			assert.Equal(t, c.read, by.do(necessary, "").status)
			assert.Equal(t, c.write, by.do(stopRemove, whose(s.gone.ID)).status)
		})
	}
}

func TestWhatAddUserFillsIn(t *testing.T) {
	p := docspacetest.NewPortal()
	defer p.Close()
	u := p.AddUser(docspacetest.User{})
	assert.NotZero(t, u.ID)
	assert.Equal(t, "user1@example.com", u.Email)
	assert.NotEmpty(t, u.Password)
	assert.True(t, strings.HasPrefix(u.APIKey, "sk-"), u.APIKey)
	assert.NotEmpty(t, u.AuthKey)
	assert.EqualValues(t, "User", u.Type)
	assert.Equal(t, docspacetest.Active, u.Status)

	parts := strings.Split(u.AccessToken, ".")
	require.Len(t, parts, 3)
	for _, part := range parts[:2] {
		data, err := base64.RawURLEncoding.DecodeString(part)
		require.NoError(t, err)
		assert.True(t, json.Valid(data), "%s", data)
	}

	given := docspacetest.User{ID: u.ID, Email: "e", Password: "p", APIKey: "sk-k", AuthKey: "a", AccessToken: "t",
		Type: "Guest", Status: docspacetest.Terminated, Rooms: 1, LDAP: true, Scopes: []string{"read"}}
	assert.Equal(t, given, p.AddUser(given), "what is given stays")
	assert.Equal(t, []docspacetest.User{p.Owner(), given}, p.Users(), "and replaces the user of the same ID")

	owner := p.AddUser(docspacetest.User{ID: p.Owner().ID, Email: "boss@example.com"})
	assert.Equal(t, owner, p.Owner())
	assert.EqualValues(t, "DocSpaceAdmin", owner.Type)
	_, ok := p.User([16]byte{1})
	assert.False(t, ok)
}

func TestAUsersJSONHasWhatADemoNeeds(t *testing.T) {
	p := docspacetest.NewPortal()
	defer p.Close()
	data, err := json.Marshal(p.Owner())
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(data, &fields))
	keys := make([]string, 0, len(fields))
	for key := range fields {
		keys = append(keys, key)
	}
	assert.ElementsMatch(t, []string{"id", "email", "password", "apiKey", "authKey", "accessToken", "type", "status", "rooms"}, keys)
}
