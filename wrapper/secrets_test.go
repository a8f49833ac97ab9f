package wrapper

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/docspace-go/userdata/api"
)

// signers are all kinds of credentials, each with what must show nowhere.
var signers = map[string]struct {
	editor  api.RequestEditorFn
	secrets []string
}{
	"an API key":       {APIKey("sk-CANARY+1"), []string{"sk-CANARY+1"}},
	"a token":          {BearerToken("CANARY.two/2="), []string{"CANARY.two/2="}},
	"a password":       {BasicAuth("ann@example.com", `CANARY "3" <&+`), []string{`CANARY "3" <&+`, base64.StdEncoding.EncodeToString([]byte(`ann@example.com:CANARY "3" <&+`))}},
	"a cookie":         {CookieAuth("CANARY/4+"), []string{"CANARY/4+"}},
	"a token source":   {OAuth2(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "CANARY-5"})), []string{"CANARY-5"}},
	"an OpenID source": {OpenID(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "CANARY-6"})), []string{"CANARY-6"}},
}

// escaped writes all but letters and digits as JSON may, and as the portal's platform does.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	return b.String()
}

// echoes are the ways in which a portal, or whoever answers in its place, repeats a secret.
var echoes = map[string]func(secret string) reply{
	"in its message": func(s string) reply {
		body, _ := json.Marshal(map[string]any{"error": map[string]any{"message": "bad " + s, "type": s}, "statusCode": 403})
		return answers(403, string(body))
	},
	"in its message, escaped": func(s string) reply { return answers(403, `{"error":{"message":"bad `+escaped(s)+`"}}`) },
	"in its message, twice, once in pieces": func(s string) reply {
		return answers(403, `{"error":{"message":"bad `+escaped(s)+` `+escaped(s[:3])+`\u0000`+escaped(s[3:])+`"}}`)
	},
	"in a field": func(s string) reply {
		body, _ := json.Marshal(map[string]any{"response": map[string]any{"title": "bad", "errors": map[string][]string{s: {"not " + s}}}})
		return answers(400, string(body))
	},
	"in a text":                func(s string) reply { return answers(500, "no "+s, "Content-Type", "text/plain") },
	"in a page":                func(s string) reply { return answers(200, "<p>"+s) },
	"in an error inside a 200": func(s string) reply { return answers(200, `{"error":{"message":"`+escaped(s)+`"}}`) },
	"in a redirect": func(s string) reply {
		return answers(307, "", "Location", "https://elsewhere.test/"+url.PathEscape(s)+"?"+url.QueryEscape(s))
	},
	"in the path of a redirect": func(s string) reply {
		return answers(307, "", "Location", (&url.URL{Scheme: "https", Host: "elsewhere.test", Path: "/Basic " + s}).String())
	},
	"in a cause":                   func(s string) reply { return fails(errors.New("malformed answer " + s)) },
	"in an answer of another kind": func(s string) reply { return answers(200, `{"response":["`+escaped(s)+`"],"statusCode":200}`) },
	"in a progress": func(s string) reply {
		return answers(200, `{"response":{"id":"`+escaped(s)+`","percentage":100,"isCompleted":true,"status":4,"error":"`+escaped(s)+`"},"statusCode":200}`)
	},
	"in a status": func(s string) reply {
		return answers(200, `{"response":{"id":"1","percentage":100,"isCompleted":true,"status":"`+escaped(s)+`"},"statusCode":200}`)
	},
}

func TestACredentialThatComesBackIsHidden(t *testing.T) {
	for kind, signer := range signers {
		for way, echo := range echoes {
			for _, secret := range signer.secrets {
				t.Run(kind+" "+way, func(t *testing.T) {
					for _, call := range calls {
						s := newScript(t).on(call.id, echo(secret))
						client, err := New("https://portal.test", WithAuth(signer.editor), WithHTTPClient(&http.Client{Transport: s}), WithRetry(RetryPolicy{MaxAttempts: 1}))
						require.NoError(t, err)
						err = call.typed(t.Context(), client)
						var e *Error
						if errors.As(err, &e) {
							hides(t, secret, fmt.Sprint(e.Message, e.Type, e.Fields, string(e.Body), unescaped(string(e.Body))))
						}
						hides(t, secret, fmt.Sprintf("%v %+v %#v %v", err, err, err, client))
						for ; err != nil; err = errors.Unwrap(err) {
							hides(t, secret, err.Error())
						}
					}
					s := newScript(t).on("getRemoveProgress", echo(secret))
					client, err := New("https://portal.test", WithAuth(signer.editor), WithHTTPClient(&http.Client{Transport: s}), WithRetry(RetryPolicy{MaxAttempts: 1}))
					require.NoError(t, err)
					p, err := client.RemoveTask(leaving).Wait(t.Context())
					hides(t, secret, fmt.Sprintf("%+v %#v %v %+v", p, p, err, err))
				})
			}
		}
	}
}

func hides(t *testing.T, secret, text string) {
	t.Helper()
	for _, form := range []string{secret, url.PathEscape(secret), url.QueryEscape(secret), (&url.URL{Path: secret}).EscapedPath(), escaped(secret)} {
		assert.NotContains(t, text, form)
	}
}

func TestACredentialAtTheCutOfAKeptBodyIsHidden(t *testing.T) {
	const secret = "sk-0123456789"
	for shown := range len(secret) + 1 {
		s := newScript(t).onAll(answers(500, strings.Repeat("x", keptBody-shown)+secret))
		client, err := New("https://portal.test", WithAuth(APIKey(secret)), WithHTTPClient(&http.Client{Transport: s}))
		require.NoError(t, err)
		_, err = client.StartRemove(t.Context(), leaving)
		assert.NotContains(t, string(requestError(t, err, ErrServer).Body), secret[:4])
	}
}

func TestAConnectionThatFailsInWordsThatAreHiddenWasNoneAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t).on("startRemove", fails(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("proxy refuses Bearer " + canary)}))
		_, err := s.client().StartRemove(t.Context(), leaving)
		e := requestError(t, err, nil)
		assert.Equal(t, 4, e.Attempts)
		assert.NotErrorIs(t, err, ErrOutcomeUnknown)
		assert.Contains(t, err.Error(), "proxy refuses Bearer [hidden]")
	})
}

func TestWhatIsNoCredentialIsShown(t *testing.T) {
	s := newScript(t).onAll(answers(403, `{"error":{"message":"the scope of sk-1 is missing"}}`))
	client, err := New("https://portal.test", WithAuth(APIKey("sk-2")), WithHTTPClient(&http.Client{Transport: s}))
	require.NoError(t, err)
	_, err = client.SendInstructionsToDelete(t.Context())
	e := requestError(t, err, ErrForbidden)
	assert.Equal(t, "the scope of sk-1 is missing", e.Message)
	assert.Contains(t, string(e.Body), "sk-1")
}

func TestAPasswordThatIsAWordOfTheAnswerDoesNotSpoilIt(t *testing.T) {
	s := newScript(t).onAll(file(t, 200, "progress-running.json"))
	client, err := New("https://portal.test", WithAuth(BasicAuth("ann@example.com", "response")), WithHTTPClient(&http.Client{Transport: s}))
	require.NoError(t, err)
	p, err := client.RemoveTask(leaving).Progress(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 30, p.Percentage)
}

func TestNothingIsSentToAnotherOrigin(t *testing.T) {
	for _, server := range []string{"https://elsewhere.test/", "http://portal.test/", "https://portal.test:444/", "https://portal.test.elsewhere.test/"} {
		for name, signer := range signers {
			t.Run(name+" "+server, func(t *testing.T) {
				client, err := New("https://portal.test", WithAuth(signer.editor), WithHTTPClient(&http.Client{Transport: newScript(t)}))
				require.NoError(t, err)
				raw := client.API()
				raw.Server = server
				for _, call := range calls {
					_, err := call.raw(t.Context(), raw) //nolint:bodyclose // there is none
					assert.Zero(t, requestError(t, err, nil).Attempts)
					assert.NotErrorIs(t, err, ErrOutcomeUnknown)
				}
			})
		}
	}
}
