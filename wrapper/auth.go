package wrapper

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"golang.org/x/oauth2"

	"github.com/docspace-go/userdata/api"
)

// authCookie is the cookie in which portals keep a session.
const authCookie = "asc_auth_key"

// BasicAuth signs requests with the e-mail address and the password of an account, the contract's Basic. The password
// travels with every request.
//
// Like the other editors it works for [WithAuth] and, on a raw client, for api.WithRequestEditorFn. A credential that is
// empty or cannot be sent makes New fail, and every request that is signed with it.
func BasicAuth(username, password string) api.RequestEditorFn {
	switch {
	case username == "" || password == "":
		return refuse("the user name or the password is empty")
	case strings.Contains(username, ":"):
		return refuse("the user name holds a colon")
	case !printable(username + password):
		return refuse("the user name or the password holds a line break or another control character")
	}
	return func(_ context.Context, req *http.Request) error {
		req.SetBasicAuth(username, password)
		return nil
	}
}

// BearerToken signs requests with a JWT access token, the contract's Bearer.
func BearerToken(jwt string) api.RequestEditorFn { return authorization("token", jwt) }

// APIKey signs requests with an API key of the portal (sk-…), the contract's ApiKeyBearer. The key travels as
// "Authorization: Bearer sk-…", since portals never read the header that the documentation names (observed).
func APIKey(key string) api.RequestEditorFn { return authorization("API key", key) }

// CookieAuth signs requests with the key of a signed-in session, the contract's asc_auth_key, as a cookie.
func CookieAuth(key string) api.RequestEditorFn {
	if complaint := tokenComplaint("authentication key", key); complaint != "" {
		return refuse(complaint)
	}
	if strings.ContainsAny(key, "\",;\\") {
		return refuse("the authentication key holds a character that no cookie can have")
	}
	return func(_ context.Context, req *http.Request) error {
		req.AddCookie(&http.Cookie{Name: authCookie, Value: key}) //nolint:gosec // a request's cookie has no attributes
		return nil
	}
}

// OAuth2 signs requests with access tokens from the source, the contract's OAuth2. A token is kept until it expires. One
// that the portal refuses with 401 is asked for anew, once, whoever else waits for it: if the source has another one then,
// the request is sent again with that, and otherwise the error is [ErrUnauthorized].
//
// The source is waited for however long it takes; those of package oauth2 end with the context that they were made with.
func OAuth2(src oauth2.TokenSource) api.RequestEditorFn { return tokens(src) }

// OpenID signs requests with access tokens from an OpenID Connect source, the contract's OpenId. On the wire it is the
// same as OAuth2: portals take access tokens, not identity tokens (observed).
func OpenID(src oauth2.TokenSource) api.RequestEditorFn { return tokens(src) }

func tokens(src oauth2.TokenSource) api.RequestEditorFn {
	if src == nil {
		return refuse("there is no token source")
	}
	kept := &keptToken{source: src, turn: make(chan struct{}, 1)}
	return func(ctx context.Context, req *http.Request) error {
		token, asked, err := kept.get(ctx, 0)
		if err != nil {
			return err
		}
		renew := func(req *http.Request) error {
			if token, _, err = kept.get(ctx, asked); err != nil {
				return err
			}
			return authorization("access token", token)(ctx, req)
		}
		*req = *req.WithContext(context.WithValue(req.Context(), renewal{}, renew))
		return authorization("access token", token)(ctx, req)
	}
}

// renewal is where a request's context has the way to sign it anew.
type renewal struct{}

// renewed signs a request anew that was refused with 401, and tells whether that has changed anything.
func renewed(req *http.Request) (bool, error) {
	renew, ok := req.Context().Value(renewal{}).(func(*http.Request) error)
	if !ok {
		return false, nil
	}
	before := req.Header.Get("Authorization")
	err := renew(req)
	return err == nil && req.Header.Get("Authorization") != before, err
}

// keptToken is what a source said last.
type keptToken struct {
	source oauth2.TokenSource
	turn   chan struct{} // held while the source is asked, so that many who wait ask it once
	asked  int           // how often it was
	last   *oauth2.Token
	failed error // why it had none when it was asked last
}

// get returns the token, and how often the source was asked by then. The source is asked if the token has expired, or was
// refused: unless others have asked since, whose answer counts for all, whatever it was.
func (k *keptToken) get(ctx context.Context, refused int) (token string, asked int, _ error) {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return "", 0, ctx.Err()
	}
	if refused == k.asked || refused == 0 && !k.last.Valid() {
		token, err := k.source.Token()
		k.asked++
		if k.failed = err; err == nil {
			k.last = token
		}
	}
	switch {
	case k.failed != nil && (refused > 0 || !k.last.Valid()):
		return "", 0, k.failed
	case k.last == nil:
		return "", k.asked, nil
	}
	return k.last.AccessToken, k.asked, nil
}

// authorization signs requests with a token in the Authorization header.
func authorization(name, token string) api.RequestEditorFn {
	if complaint := tokenComplaint(name, token); complaint != "" {
		return refuse(complaint)
	}
	value := "Bearer " + token
	return func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", value)
		return nil
	}
}

// tokenComplaint says what keeps a token from being sent as it is; it never shows the token.
func tokenComplaint(name, token string) string {
	switch {
	case token == "":
		return "the " + name + " is empty"
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "the " + name + " holds a space, a line break or another character that no token has"
	}
	return ""
}

// printable tells whether a text can stand in a header without changing what the header says.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// refuse is the editor for a credential that cannot be used: it lets no request out.
//
//go:noinline
func refuse(complaint string) api.RequestEditorFn {
	return func(context.Context, *http.Request) error { return errors.New(complaint) }
}

// complaintOf returns why an editor was made by refuse, or nil. Functions cannot be compared, but those made by refuse
// share their code, so that New learns of a bad credential without calling an editor that might do anything.
func complaintOf(editor api.RequestEditorFn) error {
	if reflect.ValueOf(editor).Pointer() != reflect.ValueOf(refuse("")).Pointer() {
		return nil
	}
	return editor(context.Background(), nil)
}
