package wrapper

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
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
	"an odd password":  {BasicAuth("ann@example.com", `50%CANARY <7>`), []string{`50%CANARY <7>`}},
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
							hides(t, secret, fmt.Sprint(e.Message, e.Type, e.Fields, string(e.Body)))
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

// spellings are the ways in which those who repeat a credential write it.
var spellings = map[string]func(secret string) string{
	"as HTML":                html.EscapeString,
	"as HTML, in numbers":    func(s string) string { return each(s, "&#%d;") },
	"for a query, small":     func(s string) string { return small(url.QueryEscape(s)) },
	"for a path, small":      func(s string) string { return small(url.PathEscape(s)) },
	"for a URL, all of it":   func(s string) string { return percent(s, "%%%02X") },
	"as Go quotes it":        func(s string) string { return strings.Trim(strconv.Quote(s), `"`) },
	"as Go quotes ASCII":     func(s string) string { return strings.Trim(strconv.QuoteToASCII(s), `"`) },
	"as JSON in JSON":        func(s string) string { return strings.ReplaceAll(escaped(s), `\`, `\\`) },
	"as base64":              func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"as base64 for a URL":    func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"on two lines":           func(s string) string { return broken(s, "\r\n\t") },
	"with a hyphen unseen":   func(s string) string { return broken(s, "\u00ad") },
	"with a space of a kind": func(s string) string { return broken(s, "\u00a0") },
	"in capitals":            strings.ToUpper,
}

func broken(text, by string) string {
	n := len(text) * 2 / 3
	return text[:n] + by + text[n:]
}

func each(text, format string) (all string) {
	for _, r := range text {
		all += fmt.Sprintf(format, r)
	}
	return all
}

func percent(text, format string) (all string) {
	for _, b := range []byte(text) {
		all += fmt.Sprintf(format, b)
	}
	return all
}

func small(escaped string) string {
	return regexp.MustCompile(`%..`).ReplaceAllStringFunc(escaped, strings.ToLower)
}

func TestACredentialIsHiddenHoweverItIsSpelled(t *testing.T) {
	for kind, signer := range signers {
		for spelling, spell := range spellings {
			for _, secret := range signer.secrets {
				t.Run(kind+" "+spelling, func(t *testing.T) {
					text := spell(secret)
					quoted, err := json.Marshal("you are " + text + ", and may not")
					require.NoError(t, err)
					for place, answer := range map[string]reply{
						"a page":    answers(500, "<p>"+text, "Content-Type", "text/html"),
						"a text":    answers(500, "no "+text, "Content-Type", "text/plain"),
						"a message": answers(403, `{"error":{"message":`+string(quoted)+`}}`),
						"a field":   answers(400, `{"response":{"title":"no","errors":{`+string(quoted)+`:[`+string(quoted)+`]}}}`),
						"a cause":   fails(fmt.Errorf("malformed answer %s", text)),
					} {
						client, err := New("https://portal.test", WithAuth(signer.editor), WithRetry(RetryPolicy{MaxAttempts: 1}),
							WithHTTPClient(&http.Client{Transport: newScript(t).onAll(answer)}))
						require.NoError(t, err)
						_, err = client.StartRemove(t.Context(), leaving)
						var e *Error
						require.ErrorAs(t, err, &e)
						all := fmt.Sprint(err, e.Message, e.Fields, string(e.Body), e.Unwrap())
						first, _, _ := strings.Cut(text, "\r") // which is the better part
						assert.NotContains(t, all, first, place)
					}
				})
			}
		}
	}
}

func TestTheBetterPartOfACredentialAtTheEndOfABodyThatBreaksOffIsHidden(t *testing.T) {
	const secret = "sk-0123456789abcdef"
	for _, kind := range []string{"text/plain", "text/html"} {
		s := newScript(t).onAll(func(req *http.Request) (*http.Response, error) {
			resp, err := breaksOff(500, "you are "+secret[:12], errReset)(req)
			resp.Header.Set("Content-Type", kind)
			return resp, err
		})
		client, err := New("https://portal.test", WithAuth(APIKey(secret)), WithHTTPClient(&http.Client{Transport: s}))
		require.NoError(t, err)
		_, err = client.StartRemove(t.Context(), leaving)
		e := requestError(t, err, ErrServer)
		assert.NotContains(t, fmt.Sprint(err, e.Message, string(e.Body)), secret[:12])
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
