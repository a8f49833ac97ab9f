package wrapper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/docspace-go/userdata/api"
)

// NewFromEnv makes a client from the environment. DOCSPACE_URL is the base URL; the credential is one of
//
//	DOCSPACE_API_KEY                        an API key
//	DOCSPACE_TOKEN                          a JWT access token
//	DOCSPACE_USERNAME, DOCSPACE_PASSWORD    an account
//	DOCSPACE_AUTH_KEY                       the key of a signed-in session
//
// Each secret (all but the user name) may stand in a file instead, named by the same variable with _FILE behind it; a
// line break at the file's end does not count. None of these, two of them, or one of them and [WithAuth] is an error.
func NewFromEnv(opts ...Option) (*Client, error) {
	base := os.Getenv("DOCSPACE_URL")
	if base == "" {
		return nil, errors.New("docspace: DOCSPACE_URL is not set")
	}
	editors, err := editorsFromEnv()
	if err != nil {
		return nil, fmt.Errorf("docspace: %w", err)
	}
	for _, editor := range editors {
		opts = append(opts[:len(opts):len(opts)], WithAuth(editor))
	}
	client, err := New(base, opts...)
	if err == nil && len(client.api.RequestEditors) == 0 {
		err = errors.New("docspace: no credential: set one of DOCSPACE_API_KEY, DOCSPACE_TOKEN, DOCSPACE_USERNAME with DOCSPACE_PASSWORD, DOCSPACE_AUTH_KEY")
	}
	if err != nil {
		return nil, err
	}
	return client, nil
}

// editorsFromEnv returns an editor for each credential that is set.
func editorsFromEnv() (editors []api.RequestEditorFn, err error) {
	user := os.Getenv("DOCSPACE_USERNAME")
	for _, credential := range []struct {
		name   string
		editor func(secret string) api.RequestEditorFn
	}{
		{"DOCSPACE_API_KEY", APIKey},
		{"DOCSPACE_TOKEN", BearerToken},
		{"DOCSPACE_PASSWORD", func(password string) api.RequestEditorFn { return BasicAuth(user, password) }},
		{"DOCSPACE_AUTH_KEY", CookieAuth},
	} {
		secret, found, err := secretFromEnv(credential.name)
		switch {
		case err != nil:
			return nil, err
		case found:
			editors = append(editors, credential.editor(secret))
		case credential.name == "DOCSPACE_PASSWORD" && user != "":
			return nil, errors.New("DOCSPACE_USERNAME is set without DOCSPACE_PASSWORD")
		}
	}
	return editors, nil
}

// secretFromEnv reads a secret from the environment or from the file that it names.
func secretFromEnv(name string) (secret string, found bool, err error) {
	path := os.Getenv(name + "_FILE")
	secret = os.Getenv(name)
	if path == "" || secret != "" {
		if path != "" {
			err = fmt.Errorf("%s and %s_FILE are both set; keep one", name, name)
		}
		return secret, secret != "", err
	}
	data, err := os.ReadFile(path) //nolint:gosec // the caller names the file
	if err != nil {
		var why *fs.PathError // without the path, which may be the secret itself, put into the wrong variable
		if errors.As(err, &why) {
			err = why.Err
		}
		return "", false, fmt.Errorf("%s_FILE names a file that cannot be read: %w", name, err)
	}
	secret = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if secret == "" {
		return "", false, fmt.Errorf("%s_FILE names a file that is empty", name)
	}
	return secret, true, nil
}
