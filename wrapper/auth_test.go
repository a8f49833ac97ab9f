package wrapper

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/docspace-go/userdata/api"
)

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"

type tokenSource func() (*oauth2.Token, error)

func (f tokenSource) Token() (*oauth2.Token, error) { return f() }

func TestEditorsOnTheWire(t *testing.T) {
	noLeaks(t)
	static := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: jwt, TokenType: "mac"})
	for name, test := range map[string]struct {
		editor                api.RequestEditorFn
		authorization, cookie string
	}{
		"Basic":                       {BasicAuth("ann@example.com", "p:ss wörd"), "Basic " + base64.StdEncoding.EncodeToString([]byte("ann@example.com:p:ss wörd")), ""},
		"Bearer":                      {BearerToken(jwt), "Bearer " + jwt, ""},
		"ApiKeyBearer":                {APIKey("sk-0123456789abcdef"), "Bearer sk-0123456789abcdef", ""},
		"asc_auth_key":                {CookieAuth("aBc+/0123=="), "", "asc_auth_key=aBc+/0123=="},
		"OAuth2":                      {OAuth2(static), "Bearer " + jwt, ""},
		"OpenId":                      {OpenID(static), "Bearer " + jwt, ""},
		"asc_auth_key of all letters": {CookieAuth("!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~"), "", "asc_auth_key=!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~"},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []*http.Request
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, r)
				_, _ = io.WriteString(w, fileText(t, "progress-running.json"))
			}))
			defer server.Close()
			client, err := New(server.URL, WithAuth(test.editor))
			require.NoError(t, err)
			_, err = client.RemoveTask(leaving).Progress(t.Context())
			require.NoError(t, err)
			require.NoError(t, client.RemoveTask(leaving).Terminate(t.Context()))
			resp, err := client.API().GetRemoveProgress(t.Context(), leaving)
			require.NoError(t, err)
			_ = resp.Body.Close()

			raw, err := api.NewClient(server.URL, api.WithRequestEditorFn(test.editor))
			require.NoError(t, err)
			resp, err = raw.GetRemoveProgress(t.Context(), leaving)
			require.NoError(t, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			http.DefaultClient.CloseIdleConnections()

			require.Len(t, seen, 4)
			for _, r := range seen {
				assert.Equal(t, test.authorization, r.Header.Get("Authorization"))
				assert.Equal(t, test.cookie, r.Header.Get("Cookie"))
				assert.Empty(t, r.Header.Values("ApiKeyBearer"), "portals never read it")
				assert.Empty(t, r.URL.RawQuery)
			}
		})
	}
}

func TestBadCredentials(t *testing.T) {
	for name, editor := range map[string]api.RequestEditorFn{
		"no user name":                          BasicAuth("", "SECRET"),
		"no password":                           BasicAuth("ann", ""),
		"a colon in the user name":              BasicAuth("ann:SECRET", "SECRET"),
		"a line break in the user name":         BasicAuth("ann\n", "SECRET"),
		"a line break in the password":          BasicAuth("ann", "SECRET\r\n"),
		"no token":                              BearerToken(""),
		"a line break in the token":             BearerToken("SECRET\n"),
		"a header in the token":                 BearerToken("SECRET\r\nX: y"),
		"a space in the token":                  BearerToken("Bearer SECRET"),
		"no API key":                            APIKey(""),
		"a blank API key":                       APIKey(" "),
		"a line break in the API key":           APIKey("SECRET\n"),
		"a tab in the API key":                  APIKey("\tSECRET"),
		"a NUL in the API key":                  APIKey("SECRET\x00"),
		"no authentication key":                 CookieAuth(""),
		"a line break in the key":               CookieAuth("SECRET\n"),
		"a semicolon in the authentication key": CookieAuth("SECRET; path=/"),
		"a comma in the authentication key":     CookieAuth("SECRET,x"),
		"quotes in the authentication key":      CookieAuth(`"SECRET"`),
		"a backslash in the authentication key": CookieAuth(`SECRET\`),
		"no token source for OAuth2":            OAuth2(nil),
		"no token source for OpenID":            OpenID(nil),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New("https://portal.test", WithAuth(editor))
			require.Error(t, err, "New says so")
			assert.NotContains(t, err.Error(), "SECRET")
			assert.NotContains(t, err.Error(), "\n")

			s := newScript(t) // whatever is sent fails the test
			raw, err := api.NewClient("https://portal.test", api.WithRequestEditorFn(editor), api.WithHTTPClient(&http.Client{Transport: s}))
			require.NoError(t, err)
			for _, call := range calls {
				_, err = call.raw(t.Context(), raw) //nolint:bodyclose // there is none
				require.Error(t, err, "the raw client sends nothing")
				assert.NotContains(t, err.Error(), "SECRET")
			}
		})
	}
}

// net/http drops bytes above 0x7e from a cookie without an error, and writes to the standard log that it did.
func TestAnAuthenticationKeyOutsideASCIIIsNotSentMutilated(t *testing.T) {
	_, err := New("https://portal.test", WithAuth(CookieAuth("clé")))
	assert.Error(t, err)
}

func TestATokenSourceIsAskedEachTime(t *testing.T) {
	s := newScript(t).onAll(file(t, 200, "progress-running.json"))
	tokens := []string{"one", "two", "", "a b"}
	source := tokenSource(func() (*oauth2.Token, error) {
		token := tokens[0]
		tokens = tokens[1:]
		return &oauth2.Token{AccessToken: token}, nil
	})
	client, err := New("https://portal.test", WithAuth(OAuth2(source)), WithHTTPClient(&http.Client{Transport: s}))
	require.NoError(t, err)
	assert.Len(t, tokens, 4, "New does not ask")
	for range 2 {
		_, err = client.RemoveTask(leaving).Progress(t.Context())
		require.NoError(t, err)
	}
	assert.Equal(t, "Bearer one", s.sent("")[0].req.Header.Get("Authorization"))
	assert.Equal(t, "Bearer two", s.sent("")[1].req.Header.Get("Authorization"))
	for range 2 {
		_, err = client.StartRemove(t.Context(), leaving)
		assert.Zero(t, requestError(t, err, nil).Attempts, "no token, or an odd one, is not sent")
		assert.NotErrorIs(t, err, ErrOutcomeUnknown)
	}
	assert.Len(t, s.sent(""), 2)
}

func TestATokenSourceThatFails(t *testing.T) {
	failure := &oauth2.RetrieveError{ErrorCode: "invalid_grant", ErrorDescription: "expired\x1b[2J\n" + strings.Repeat("long ", 300)}
	for name, editor := range map[string]api.RequestEditorFn{
		"OAuth2": OAuth2(tokenSource(func() (*oauth2.Token, error) { return nil, failure })),
		"OpenId": OpenID(tokenSource(func() (*oauth2.Token, error) { return nil, failure })),
	} {
		t.Run(name, func(t *testing.T) {
			client, err := New("https://portal.test", WithAuth(editor), WithHTTPClient(&http.Client{Transport: newScript(t)}))
			require.NoError(t, err)
			for _, call := range calls {
				err := call.typed(t.Context(), client)
				assert.Zero(t, requestError(t, err, nil).Attempts)
				var cause *oauth2.RetrieveError
				assert.ErrorAs(t, err, &cause)
				assert.NotErrorIs(t, err, ErrOutcomeUnknown)
				assert.Contains(t, err.Error(), "invalid_grant")
				presentable(t, err)
			}
		})
	}
}

// The raw client's editors run before the chain, so that what they say does not come out as an *Error there, although
// API() says that a failure is one.
func TestAnEditorsFailureOnTheRawClientIsAnErrorToo(t *testing.T) {
	failure := errors.New("no token")
	client, err := New("https://portal.test", WithAuth(func(context.Context, *http.Request) error { return failure }))
	require.NoError(t, err)
	_, err = client.API().GetRemoveProgress(t.Context(), leaving) //nolint:bodyclose // there is none
	var e *Error
	assert.ErrorAs(t, err, &e)
}

func TestATokenSourceThatReturnsNothingDoesNotPanic(t *testing.T) {
	client, err := New("https://portal.test", WithHTTPClient(&http.Client{Transport: newScript(t)}),
		WithAuth(OAuth2(tokenSource(func() (*oauth2.Token, error) { return nil, nil })))) //nolint:nilnil // that is the point
	require.NoError(t, err)
	assert.NotPanics(t, func() {
		_, err := client.RemoveTask(leaving).Progress(t.Context())
		assert.Zero(t, requestError(t, err, nil).Attempts)
	})
}
