package wrapper

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// setenv sets exactly these variables; a value for NAME_FILE is what the file holds, unless it begins with a slash.
func setenv(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{"URL", "API_KEY", "TOKEN", "USERNAME", "PASSWORD", "AUTH_KEY"} {
		t.Setenv("DOCSPACE_"+name, "")
		t.Setenv("DOCSPACE_"+name+"_FILE", "")
	}
	for name, value := range env {
		if strings.HasSuffix(name, "_FILE") && !strings.HasPrefix(value, "/") {
			path := filepath.Join(t.TempDir(), "secret")
			require.NoError(t, os.WriteFile(path, []byte(value), 0o600))
			value = path
		}
		t.Setenv("DOCSPACE_"+name, value)
	}
}

func TestNewFromEnv(t *testing.T) {
	const url = "https://portal.test"
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ann:pass word"))
	for name, test := range map[string]struct {
		env                   map[string]string
		authorization, cookie string
	}{
		"an API key":                           {map[string]string{"URL": url, "API_KEY": "sk-1"}, "Bearer sk-1", ""},
		"an API key in a file":                 {map[string]string{"URL": url, "API_KEY_FILE": "sk-1"}, "Bearer sk-1", ""},
		"a line break at the file's end":       {map[string]string{"URL": url, "API_KEY_FILE": "sk-1\n"}, "Bearer sk-1", ""},
		"a Windows line break at the end":      {map[string]string{"URL": url, "API_KEY_FILE": "sk-1\r\n"}, "Bearer sk-1", ""},
		"a token":                              {map[string]string{"URL": url, "TOKEN": jwt}, "Bearer " + jwt, ""},
		"a token in a file":                    {map[string]string{"URL": url, "TOKEN_FILE": jwt + "\n"}, "Bearer " + jwt, ""},
		"an account":                           {map[string]string{"URL": url, "USERNAME": "ann", "PASSWORD": "pass word"}, basic, ""},
		"an account with its password in file": {map[string]string{"URL": url, "USERNAME": "ann", "PASSWORD_FILE": "pass word\n"}, basic, ""},
		"a session's key":                      {map[string]string{"URL": url, "AUTH_KEY": "abc"}, "", "asc_auth_key=abc"},
		"a session's key in a file":            {map[string]string{"URL": url, "AUTH_KEY_FILE": "abc"}, "", "asc_auth_key=abc"},
		"a base URL with a path":               {map[string]string{"URL": url + "/docspace/", "AUTH_KEY": "abc"}, "", "asc_auth_key=abc"},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, test.env)
			s := newScript(t).onAll(file(t, 200, "progress-running.json"))
			client, err := NewFromEnv(WithHTTPClient(&http.Client{Transport: s}))
			require.NoError(t, err)
			_, err = client.RemoveTask(leaving).Progress(t.Context())
			require.NoError(t, err)
			req := s.sent("")[0].req
			assert.Equal(t, test.authorization, req.Header.Get("Authorization"))
			assert.Equal(t, test.cookie, req.Header.Get("Cookie"))
			assert.True(t, strings.HasPrefix(req.URL.String(), strings.TrimSuffix(test.env["URL"], "/")+"/api/2.0/"), req.URL)
		})
	}
	t.Run("a credential as an option", func(t *testing.T) {
		setenv(t, map[string]string{"URL": url})
		_, err := NewFromEnv(WithAuth(APIKey(canary)))
		assert.NoError(t, err)
	})
}

func TestNewFromEnvRefuses(t *testing.T) {
	const url = "https://portal.test"
	for name, test := range map[string]struct {
		env  map[string]string
		opts []Option
		say  string
	}{
		"nothing":                              {nil, nil, "DOCSPACE_URL is not set"},
		"no base URL":                          {map[string]string{"API_KEY": "SECRET"}, nil, "DOCSPACE_URL"},
		"a bad base URL":                       {map[string]string{"URL": "portal.test", "API_KEY": "SECRET"}, nil, "base URL"},
		"plain http":                           {map[string]string{"URL": "http://portal.test", "API_KEY": "SECRET"}, nil, "unencrypted"},
		"no credential":                        {map[string]string{"URL": url}, nil, "no credential"},
		"two credentials":                      {map[string]string{"URL": url, "API_KEY": "SECRET", "TOKEN": "SECRET"}, nil, "two ways"},
		"two credentials, one in a file":       {map[string]string{"URL": url, "API_KEY": "SECRET", "AUTH_KEY_FILE": "SECRET"}, nil, "two ways"},
		"an account and a token":               {map[string]string{"URL": url, "USERNAME": "ann", "PASSWORD": "SECRET", "TOKEN": "SECRET"}, nil, "two ways"},
		"one and one as an option":             {map[string]string{"URL": url, "API_KEY": "SECRET"}, []Option{WithAuth(APIKey("b"))}, "two ways"},
		"one secret twice":                     {map[string]string{"URL": url, "API_KEY": "SECRET", "API_KEY_FILE": "SECRET"}, nil, "DOCSPACE_API_KEY_FILE"},
		"a user without a password":            {map[string]string{"URL": url, "USERNAME": "ann"}, nil, "DOCSPACE_PASSWORD"},
		"a user without a password, and a key": {map[string]string{"URL": url, "USERNAME": "ann", "API_KEY": "SECRET"}, nil, "DOCSPACE_PASSWORD"},
		"a password without a user":            {map[string]string{"URL": url, "PASSWORD": "SECRET"}, nil, "user name"},
		"no such file":                         {map[string]string{"URL": url, "API_KEY_FILE": "/does/not/exist"}, nil, "DOCSPACE_API_KEY_FILE"},
		"the secret instead of a file":         {map[string]string{"URL": url, "API_KEY_FILE": "mixed up"}, nil, "DOCSPACE_API_KEY_FILE"},
		"a folder":                             {map[string]string{"URL": url, "API_KEY_FILE": "/"}, nil, "DOCSPACE_API_KEY_FILE"},
		"an empty file":                        {map[string]string{"URL": url, "API_KEY_FILE": ""}, nil, "no credential"},
		"a file with a line break alone":       {map[string]string{"URL": url, "API_KEY_FILE": "\n"}, nil, "is empty"},
		"a file with two lines":                {map[string]string{"URL": url, "API_KEY_FILE": "SECRET\nSECRET-2\n"}, nil, "line break"},
		"a secret with a line break":           {map[string]string{"URL": url, "TOKEN": "SECRET\n"}, nil, "line break"},
		"a nil option":                         {map[string]string{"URL": url, "TOKEN": "SECRET"}, []Option{nil}, "nil"},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, test.env)
			if name == "the secret instead of a file" {
				t.Setenv("DOCSPACE_API_KEY_FILE", "sk-SECRET")
			}
			if name == "an empty file" {
				path := filepath.Join(t.TempDir(), "secret")
				require.NoError(t, os.WriteFile(path, nil, 0o600))
				t.Setenv("DOCSPACE_API_KEY_FILE", path)
				test.say = "is empty"
			}
			client, err := NewFromEnv(test.opts...)
			require.Error(t, err)
			assert.Nil(t, client)
			assert.Contains(t, err.Error(), test.say)
			assert.NotContains(t, err.Error(), "SECRET")
			assert.True(t, strings.HasPrefix(err.Error(), "docspace: "))
		})
	}
}

func TestNewFromEnvLeavesTheCallersOptionsAlone(t *testing.T) {
	setenv(t, map[string]string{"URL": "https://portal.test", "API_KEY": "sk-1"})
	opts := make([]Option, 1, 5)
	opts[0] = WithTimeout(1)
	_, err := NewFromEnv(opts...)
	require.NoError(t, err)
	assert.Nil(t, opts[:2][1])
}
