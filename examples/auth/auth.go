// Package auth shows the ways to sign requests that are more than one option: the example of docs/authentication.md.
package auth

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/wrapper"
)

// SignIn has somebody sign in at the portal, and makes a client that acts in their name. The program's id, secret and
// redirect address are those that it was registered with at the portal. Browse opens the address for whoever signs in, and
// returns the code and the state that their browser brings to the redirect address.
func SignIn(ctx context.Context, portal, id, secret, redirect string,
	browse func(address string) (code, state string, _ error), opts ...wrapper.Option,
) (*wrapper.Client, error) {
	application := &oauth2.Config{
		ClientID: id, ClientSecret: secret, RedirectURL: redirect, Scopes: []string{"read", "write"},
		Endpoint: oauth2.Endpoint{AuthURL: portal + "/oauth2/authorize", TokenURL: portal + "/oauth2/token"},
	}

	verifier, sent := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	code, state, err := browse(application.AuthCodeURL(sent, oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		return nil, err
	}
	if state != sent {
		return nil, errors.New("somebody else has signed in")
	}
	token, err := application.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, err
	}
	source := application.TokenSource(ctx, token) // renews it with the refresh token, for as long as ctx lives
	return wrapper.New(portal, append(opts, wrapper.WithAuth(wrapper.OAuth2(source)))...)
}

// service is a token source for a program without a person, where the portal takes client credentials.
type service struct {
	ctx         context.Context // lives for as long as tokens are needed
	credentials clientcredentials.Config
}

// Token gets a new one each time. The client asks only where it needs another, as when the portal has revoked the last.
func (s service) Token() (*oauth2.Token, error) { return s.credentials.Token(s.ctx) }

// ForService makes a client that acts in the name of a program.
func ForService(ctx context.Context, portal, id, secret string, opts ...wrapper.Option) (*wrapper.Client, error) {
	source := service{ctx, clientcredentials.Config{
		ClientID: id, ClientSecret: secret, TokenURL: portal + "/oauth2/token", Scopes: []string{"read", "write"},
	}}
	return wrapper.New(portal, append(opts, wrapper.WithAuth(wrapper.OAuth2(source)))...)
}

// FromFile signs each request with the API key that is in the file by then.
func FromFile(path string) api.RequestEditorFn {
	return func(ctx context.Context, req *http.Request) error {
		key, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return wrapper.APIKey(strings.TrimSpace(string(key)))(ctx, req)
	}
}
