package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/docspacetest"
)

// contextFor is a context that is canceled after a while, as an interrupt does it.
func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(d, cancel)
	return ctx, cancel
}

func configured(t *testing.T, args ...string) ran {
	t.Helper()
	return runIn(t.Context(), &http.Client{Transport: nothing{t}}, append([]string{"config"}, args...)...)
}

func TestProfilesAreAddedListedUsedAndRemoved(t *testing.T) {
	environment(t)
	assert.Contains(t, configured(t, "list").out, "no profiles yet")
	got := configured(t, "add", "prod", "--url", "https://prod.example.com", "--api-key-command", "pass show x")
	assert.Zero(t, got.code, got.err)
	got = configured(t, "add", "test", "--url", "https://test.example.com", "--username", "ada@example.com", "--password-env", "ADA")
	assert.Zero(t, got.code, got.err)
	assert.Equal(t, ""+
		"   name  url                       signs in with\n"+
		"*  prod  https://prod.example.com  api-key from pass show x\n"+
		"   test  https://test.example.com  ada@example.com, password in $ADA\n", configured(t, "list").out)
	assert.Zero(t, configured(t, "use", "test").code)
	var document configDocument
	require.NoError(t, json.Unmarshal([]byte(configured(t, "list", "--json").out), &document))
	assert.Equal(t, "test", document.InUse)
	assert.Equal(t, "ADA", document.Profiles["test"].Env)
	assert.Zero(t, configured(t, "remove", "test").code)
	got = configured(t, "use", "test")
	assert.Equal(t, exitUsage, got.code)
	assert.Contains(t, got.err, `"test"`)
	path := configured(t, "path").out
	assert.Equal(t, filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "docspace-userdata", "config.json")+"\n", path)
	info, err := os.Stat(path[:len(path)-1])
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestAProfileThatCannotBeRightIsNotKept(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		says string
	}{
		{"no address", []string{"prod"}, "--url"},
		{"a bad address", []string{"prod", "--url", "ftp://x"}, "https://"},
		{"an address with a secret", []string{"prod", "--url", "https://ada:secret@x"}, "URL"},
		{"two secrets", []string{"prod", "--url", "https://x", "--api-key-env", "A", "--token-env", "B"}, "keep one"},
		{"a password of nobody", []string{"prod", "--url", "https://x", "--password-env", "A"}, "--username"},
		{"a key of somebody", []string{"prod", "--url", "https://x", "--username", "a@x", "--api-key-env", "A"}, "--username"},
		{"a variable that is put out of use", []string{"prod", "--url", "https://x", "--api-key-env", "DOCSPACE_API_KEY"}, "another name"},
		{"a name that is none", []string{"../prod", "--url", "https://x"}, "no name"},
		{"a secret in a flag", []string{"prod", "--url", "https://x", "--api-key", "sk-1"}, "unknown flag"},
	} {
		t.Run(c.name, func(t *testing.T) {
			environment(t)
			got := configured(t, append([]string{"add"}, c.args...)...)
			assert.Equal(t, exitUsage, got.code)
			assert.Contains(t, got.err, c.says)
			assert.NotContains(t, got.err, "secret@")
			assert.Contains(t, configured(t, "list").out, "no profiles yet")
		})
	}
}

func TestAProfileSignsInWithWhatItRefersTo(t *testing.T) {
	for _, c := range []struct{ name, flag, value string }{
		{"a file", "--api-key-file", "key"},
		{"a variable", "--api-key-env", "THE_KEY"},
		{"a command", "--api-key-command", "cat key && echo more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.flag == "--api-key-command" && runtime.GOOS == "windows" {
				t.Skip("the command is for a POSIX shell")
			}
			environment(t)
			p := docspacetest.NewPortal() // a command takes real time
			defer p.Close()
			user := p.AddUser(docspacetest.User{})
			t.Chdir(t.TempDir())
			require.NoError(t, os.WriteFile("key", []byte(p.Owner().APIKey+"\n"), 0o600))
			t.Setenv("THE_KEY", p.Owner().APIKey)
			require.Zero(t, configured(t, "add", "prod", "--url", p.URL, c.flag, c.value).code)
			got := runIn(t.Context(), p.HTTPClient(), "check", user.ID.String())
			assert.Zero(t, got.code, got.err)
			assert.NotContains(t, got.err, "warning")

			t.Setenv("DOCSPACE_URL", "https://elsewhere.invalid")
			t.Setenv("DOCSPACE_API_KEY", "sk-of-another-portal")
			got = runIn(t.Context(), p.HTTPClient(), "check", user.ID.String(), "--profile", "prod")
			assert.Zero(t, got.code, "a flag counts more than the environment: %s", got.err)
		})
	}
}

func TestASecretNeverGoesToAnotherAddress(t *testing.T) {
	environment(t)
	t.Setenv("THE_KEY", "sk-secret")
	require.Zero(t, configured(t, "add", "prod", "--url", "https://prod.example.com", "--api-key-env", "THE_KEY").code)
	user := uuid.NewString()
	for _, args := range [][]string{
		{"check", user, "--url", "https://elsewhere.example.com"},
		{"check", user, "--url", "https://elsewhere.example.com", "--profile", "prod"},
	} {
		got := runIn(t.Context(), &http.Client{Transport: nothing{t}}, args...)
		assert.Equal(t, exitUsage, got.code, got.err)
	}
	t.Setenv("DOCSPACE_URL", "https://elsewhere.example.com")
	got := runIn(t.Context(), &http.Client{Transport: nothing{t}}, "check", user)
	assert.Contains(t, got.err, "no credential")
	t.Setenv("DOCSPACE_PROFILE", "prod")
	got = runIn(t.Context(), &http.Client{Transport: nothing{t}}, "check", user)
	assert.Contains(t, got.err, "keep one")
}

func TestSecretsThatAreNotThereAreNamed(t *testing.T) {
	for _, c := range []struct{ flag, value, says string }{
		{"--api-key-env", "NOT_SET_ANYWHERE", "$NOT_SET_ANYWHERE"},
		{"--api-key-command", "exit 3", "exit status 3"},
		{"--api-key-command", "echo", "printed nothing"},
		{"--api-key-file", "/nowhere/key", "names a file that cannot be read: no such file or directory"},
	} {
		environment(t)
		require.Zero(t, configured(t, "add", "prod", "--url", "https://prod.example.com", c.flag, c.value).code)
		got := runIn(t.Context(), &http.Client{Transport: nothing{t}}, "check", uuid.NewString())
		assert.Equal(t, exitUsage, got.code)
		assert.Contains(t, got.err, c.says)
	}
}

func TestFilesThatOthersCanWriteOrReadAreNoticed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are those of POSIX")
	}
	withPortal(t, func(t *testing.T, p *docspacetest.Portal, leaving, _ docspacetest.User) {
		environment(t)
		key := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(key, []byte(p.Owner().APIKey), 0o600))
		require.NoError(t, os.Chmod(key, 0o644))
		require.Zero(t, configured(t, "add", "prod", "--url", p.URL, "--api-key-file", key).code)
		got := runIn(t.Context(), p.HTTPClient(), "check", leaving.ID.String())
		assert.Zero(t, got.code)
		assert.Contains(t, got.err, "warning: others on this machine can read "+key)

		path, err := profilePath()
		require.NoError(t, err)
		require.NoError(t, errors.Join(os.Chmod(path, 0o620), unset(append(credentials, "DOCSPACE_URL")...))) // as another process has it
		got = runIn(t.Context(), p.HTTPClient(), "check", leaving.ID.String())
		assert.Equal(t, exitUsage, got.code)
		assert.Contains(t, got.err, "can write to "+path)
		require.NoError(t, os.Chmod(path, 0o600))
		require.NoError(t, os.WriteFile(path, []byte(`{"profiles":{"prod":{"url":"https://x","secret":"sk-1"}}}`), 0o600))
		got = runIn(t.Context(), p.HTTPClient(), "check", leaving.ID.String())
		assert.Equal(t, exitUsage, got.code)
		assert.Contains(t, got.err, "cannot be read")
		assert.NotContains(t, got.err, "sk-1")
	})
}
