package docspacetest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

const authCookie = "asc_auth_key"

// signIn finds out who is calling, as observed: the kind of Authorization header decides where the portal looks, and a
// header named ApiKeyBearer is never read. The caller is nil where the credential is missing or not accepted. Scopes are
// those of an API key or access token, nil if there is no limit; badCookie is true if it was a cookie that failed.
func (p *Portal) signIn(r *http.Request) (caller *User, scopes []string, badCookie bool) {
	header := r.Header.Get("Authorization")
	scheme, value, _ := strings.Cut(header, " ")
	bearer := strings.EqualFold(scheme, "Bearer")
	cookie, noCookie := r.Cookie(authCookie)
	switch {
	case strings.EqualFold(scheme, "Basic"):
		email, password, ok := r.BasicAuth()
		return p.find(func(u *User) bool {
			return ok && u.Password == password && strings.EqualFold(u.Email, email)
		}), nil, false
	case bearer && strings.HasPrefix(value, "sk-"):
		caller = p.find(func(u *User) bool { return u.APIKey == value })
		return caller, scopesOf(caller), false
	case bearer && isJWT(value):
		caller = p.find(func(u *User) bool { return u.AccessToken == value })
		return caller, scopesOf(caller), false
	case noCookie == nil:
		caller = p.find(func(u *User) bool { return u.AuthKey == cookie.Value })
		return caller, nil, caller == nil
	case bearer:
		header = value
	}
	return p.find(func(u *User) bool { return u.AuthKey == header }), nil, false
}

func (p *Portal) find(is func(*User) bool) *User {
	for _, u := range p.users {
		if u.Status == Active && is(u) {
			return u
		}
	}
	return nil
}

func scopesOf(u *User) []string {
	if u == nil {
		return nil
	}
	return u.Scopes
}

// isJWT tells by the looks, as a portal has to before it can check anything.
func isJWT(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	var fields map[string]any
	return err == nil && json.Unmarshal(header, &fields) == nil
}
