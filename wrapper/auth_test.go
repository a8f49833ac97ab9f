package wrapper

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// source gives these tokens, one after the other, and counts how often it was asked.
type source struct {
	mu     sync.Mutex
	tokens []*oauth2.Token
	asked  int
}

func (s *source) Token() (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	token := s.tokens[0]
	if len(s.tokens) > 1 {
		s.tokens = s.tokens[1:]
	}
	return token, nil
}

func tokensOf(texts ...string) *source {
	s := &source{}
	for _, text := range texts {
		s.tokens = append(s.tokens, &oauth2.Token{AccessToken: text})
	}
	return s
}

// accepts answers 401 to every token but this one.
func accepts(token string, good reply) reply {
	return func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("Authorization") != "Bearer "+token {
			return answers(401, "")(req)
		}
		return good(req)
	}
}

func TestATokenIsKeptUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).onAll(file(t, 200, "progress-running.json"))
		tokens := tokensOf("one", "two")
		tokens.tokens[0].Expiry = time.Now().Add(time.Hour)
		client, err := New("https://portal.test", WithAuth(OAuth2(tokens)), WithHTTPClient(&http.Client{Transport: s}))
		require.NoError(t, err)
		assert.Zero(t, tokens.asked, "New does not ask")
		for range 3 {
			_, err = client.RemoveTask(leaving).Progress(t.Context())
			require.NoError(t, err)
		}
		assert.Equal(t, 1, tokens.asked)
		time.Sleep(time.Hour)
		_, err = client.RemoveTask(leaving).Progress(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "Bearer one", s.sent("")[2].req.Header.Get("Authorization"))
		assert.Equal(t, "Bearer two", s.sent("")[3].req.Header.Get("Authorization"))
	})
}

func TestATokenThatIsEmptyOrOddIsNotSent(t *testing.T) {
	for _, bad := range []string{"", "a b"} {
		client, err := New("https://portal.test", WithAuth(OAuth2(tokensOf(bad))), WithHTTPClient(&http.Client{Transport: newScript(t)}))
		require.NoError(t, err)
		_, err = client.StartRemove(t.Context(), leaving)
		assert.Zero(t, requestError(t, err, nil).Attempts)
		assert.NotErrorIs(t, err, ErrOutcomeUnknown)
	}
}

func TestARefusedTokenIsRenewedOnceForEveryOperation(t *testing.T) {
	for _, call := range calls {
		t.Run(call.id, func(t *testing.T) {
			s := newScript(t).on(call.id, accepts("new", file(t, 200, call.success)))
			tokens := tokensOf("old", "new")
			client, err := New("https://portal.test", WithAuth(OpenID(tokens)), WithHTTPClient(&http.Client{Transport: s}), WithRetry(RetryPolicy{MaxAttempts: 1}))
			require.NoError(t, err)
			require.NoError(t, call.typed(t.Context(), client), "even where nothing is retried: it was not taken")
			assert.Equal(t, 2, tokens.asked)
			require.Len(t, s.sent(""), 2)
			assert.Equal(t, s.sent("")[0].body, s.sent("")[1].body)

			s = newScript(t).on(call.id, accepts("none", file(t, 200, call.success)))
			tokens = tokensOf("old", "new", "newer")
			client, err = New("https://portal.test", WithAuth(OpenID(tokens)), WithHTTPClient(&http.Client{Transport: s}))
			require.NoError(t, err)
			e := requestError(t, call.typed(t.Context(), client), ErrUnauthorized)
			assert.Equal(t, 2, e.Attempts)
			assert.Equal(t, 2, tokens.asked)
			assert.NotErrorIs(t, e, ErrOutcomeUnknown)
		})
	}
}

func TestATokenThatTheSourceHasNoOtherForIsNotSentTwice(t *testing.T) {
	s := newScript(t).onAll(answers(401, ""))
	for _, src := range []oauth2.TokenSource{tokensOf("old"), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "old"})} {
		before := len(s.sent(""))
		client, err := New("https://portal.test", WithAuth(OAuth2(src)), WithHTTPClient(&http.Client{Transport: s}))
		require.NoError(t, err)
		_, err = client.ReassignTask(leaving).Progress(t.Context())
		assert.Equal(t, 1, requestError(t, err, ErrUnauthorized).Attempts)
		assert.Len(t, s.sent(""), before+1)
	}
}

func TestASourceThatFailsToRenewIsNamedInTheError(t *testing.T) {
	s := newScript(t).onAll(answers(401, ""))
	asked := 0
	client, err := New("https://portal.test", WithHTTPClient(&http.Client{Transport: s}), WithAuth(OAuth2(tokenSource(func() (*oauth2.Token, error) {
		if asked++; asked > 1 {
			return nil, &oauth2.RetrieveError{ErrorCode: "invalid_grant"}
		}
		return &oauth2.Token{AccessToken: "old"}, nil
	}))))
	require.NoError(t, err)
	_, err = client.StartRemove(t.Context(), leaving)
	e := requestError(t, err, ErrUnauthorized)
	assert.Equal(t, 401, e.StatusCode)
	assert.ErrorAs(t, err, new(*oauth2.RetrieveError))
	assert.Contains(t, err.Error(), "invalid_grant")
	assert.Equal(t, 2, asked)
	assert.Len(t, s.sent(""), 1)
}

func TestManyWhoAreRefusedAtOnceRenewTheTokenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).onAll(slow(time.Second, accepts("new", file(t, 200, "progress-running.json"))))
		tokens := tokensOf("old", "new", "never")
		client, err := New("https://portal.test", WithAuth(OAuth2(tokens)), WithHTTPClient(&http.Client{Transport: s}))
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				_, err := client.ReassignTask(leaving).Progress(t.Context())
				assert.NoError(t, err)
			})
		}
		all.Wait()
		assert.Equal(t, 2, tokens.asked)
		assert.Len(t, s.sent(""), 80)
	})
}

func TestManyWhoAreRefusedAtOnceTakeTheSameNo(t *testing.T) {
	for name, renewed := range map[string]func() (*oauth2.Token, error){
		"a source that fails":             func() (*oauth2.Token, error) { return nil, errors.New("it has none") },
		"a source that has no other one":  func() (*oauth2.Token, error) { return &oauth2.Token{AccessToken: "old"}, nil },
		"a source that has another token": func() (*oauth2.Token, error) { return &oauth2.Token{AccessToken: "refused as well"}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				client, err := New("https://portal.test", WithHTTPClient(&http.Client{Transport: newScript(t).onAll(slow(time.Second, answers(401, "")))}),
					WithAuth(OAuth2(tokenSource(func() (*oauth2.Token, error) {
						time.Sleep(10 * time.Second)
						if asked++; asked > 1 {
							return renewed()
						}
						return &oauth2.Token{AccessToken: "old"}, nil
					}))))
				require.NoError(t, err)
				var all sync.WaitGroup
				for range 40 {
					all.Go(func() {
						_, err := client.ReassignTask(leaving).Progress(t.Context())
						assert.ErrorIs(t, err, ErrUnauthorized)
					})
				}
				all.Wait()
				assert.Equal(t, 2, asked)
			})
		})
	}
}

func TestATokenThatTheSourceRepeatsInItsErrorIsHidden(t *testing.T) {
	asked := 0
	client, err := New("https://portal.test", WithHTTPClient(&http.Client{Transport: newScript(t).onAll(answers(401, ""))}),
		WithAuth(OAuth2(tokenSource(func() (*oauth2.Token, error) {
			if asked++; asked > 1 {
				return nil, &oauth2.RetrieveError{Response: &http.Response{Status: "400 Bad Request"}, Body: []byte(`{"token":"` + canary + `"}`)}
			}
			return &oauth2.Token{AccessToken: canary}, nil
		}))))
	require.NoError(t, err)
	_, err = client.StartRemove(t.Context(), leaving)
	requestError(t, err, ErrUnauthorized)
	assert.Contains(t, err.Error(), hidden)
	for _, one := range append(err.(*Error).Unwrap(), err) {
		hides(t, canary, one.Error())
	}
}

func TestWhoWaitsForATokenCanGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).onAll(file(t, 200, "progress-running.json"))
		client, err := New("https://portal.test", WithHTTPClient(&http.Client{Transport: s}), WithAuth(OAuth2(tokenSource(func() (*oauth2.Token, error) {
			time.Sleep(time.Hour)
			return &oauth2.Token{AccessToken: "late"}, nil
		}))))
		require.NoError(t, err)
		go func() { _, _ = client.ReassignTask(leaving).Progress(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = client.ReassignTask(leaving).Progress(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(time.Hour)
	})
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
