package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/docspace-go/userdata/wrapper"
)

// connection is where to and as whom. Every flag but --profile is another spelling of an environment variable, and none
// takes a secret: a command line can be read by everybody on the machine.
type connection struct {
	cmd     *cobra.Command     // that has the flags
	given   map[string]*string // by environment variable
	profile string
	http    *http.Client // in place of that of outside, if it is set
}

type connectionName struct{ variable, name, usage string }

var connectionNames = []connectionName{
	{"DOCSPACE_URL", "url", "the portal's `URL`, such as https://docspace.example.com"},
	{"DOCSPACE_API_KEY_FILE", "api-key-file", "a `FILE` with an API key"},
	{"DOCSPACE_TOKEN_FILE", "token-file", "a `FILE` with a JWT access token"},
	{"DOCSPACE_AUTH_KEY_FILE", "auth-key-file", "a `FILE` with the key of a session, asc_auth_key"},
	{"DOCSPACE_USERNAME", "username", "the `EMAIL` of an account; the password is asked for where it is not set"},
	{"DOCSPACE_PASSWORD_FILE", "password-file", "a `FILE` with the password"},
}

func connectionFlags(cmd *cobra.Command) *connection {
	flags := cmd.PersistentFlags()
	c := &connection{cmd: cmd, given: map[string]*string{}}
	for _, n := range connectionNames {
		c.given[n.variable] = flags.String(n.name, "", n.usage+" [$"+n.variable+"]")
	}
	flags.StringVar(&c.profile, "profile", "", "a `NAME` that config add has made, in place of the environment [$DOCSPACE_PROFILE]")
	return c
}

// client makes the client that flags, environment and profile describe, and asks a person for the secret that is missing.
func (c *connection) client(ctx context.Context, t *tool, opts ...wrapper.Option) (*wrapper.Client, error) {
	client, err := c.connect(ctx, t, opts)
	if err != nil && !errors.Is(err, context.Canceled) {
		err = usageError{err}
	}
	return client, err
}

func (c *connection) connect(ctx context.Context, t *tool, opts []wrapper.Option) (*wrapper.Client, error) {
	p, err := c.chosen()
	if err != nil {
		return nil, err
	}
	if err := c.export(); err != nil {
		return nil, err
	}
	if p != nil {
		if err := p.export(ctx, t); err != nil {
			return nil, err
		}
	}
	if c.portal() == "" {
		return nil, errors.New("no portal: give --url, set DOCSPACE_URL, or make a profile with docspace-userdata config add")
	}
	if err := askForSecret(ctx, t); err != nil {
		return nil, err
	}
	for _, name := range secrets {
		warnIfReadable(t, os.Getenv(name+"_FILE"))
	}
	client := t.http
	if c.http != nil {
		client = c.http
	}
	return wrapper.NewFromEnv(append(opts,
		wrapper.WithUserAgent("docspace-userdata/"+wrapper.Version), wrapper.WithHTTPClient(client))...)
}

// portal is the address of the portal, once there is a client.
func (c *connection) portal() string { return strings.TrimSuffix(os.Getenv("DOCSPACE_URL"), "/") }

// chosen is the profile that counts, nil if none does. A profile is an address and who signs in there: the credential of
// one never goes to another address.
func (c *connection) chosen() (*profile, error) {
	url, named, inUse := *c.given["DOCSPACE_URL"], c.profile, os.Getenv("DOCSPACE_PROFILE")
	switch {
	case named != "":
		if err := unset(append([]string{"DOCSPACE_URL"}, credentials...)...); err != nil {
			return nil, err
		}
	case url != "":
		return nil, nil
	case os.Getenv("DOCSPACE_URL") != "":
		if inUse != "" {
			return nil, errors.New("DOCSPACE_URL and DOCSPACE_PROFILE are both set; keep one, or give --profile")
		}
		return nil, nil
	}
	file, err := readProfiles()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{inUse, file.InUse} {
		if named == "" {
			named = name
		}
	}
	if named == "" {
		return nil, nil
	}
	p := file.Profiles[named]
	switch {
	case p == nil:
		return nil, fmt.Errorf("there is no profile %q; see docspace-userdata config list", named)
	case url != "" && url != p.URL:
		return nil, fmt.Errorf("--url is %s, but profile %s is for %s; give one of the two", url, named, p.URL)
	}
	return p, nil
}

// export puts what the flags say in place of what the environment says: a credential that is named by a flag is the one.
func (c *connection) export() error {
	for variable, value := range c.given {
		if *value != "" && variable != "DOCSPACE_URL" {
			if err := unset(credentials...); err != nil {
				return err
			}
			break
		}
	}
	for variable, value := range c.given {
		if *value != "" {
			if err := os.Setenv(variable, *value); err != nil {
				return err
			}
		}
	}
	return nil
}

// again is the command line of another command that speaks to the same portal as the same account.
func (c *connection) again(command ...string) string {
	words := append([]string{"docspace-userdata"}, command...)
	for _, n := range append(connectionNames[:len(connectionNames):len(connectionNames)], connectionName{name: "profile"}) {
		if f := c.cmd.PersistentFlags().Lookup(n.name); f.Changed {
			words = append(words, "--"+f.Name, f.Value.String())
		}
	}
	for i, word := range words {
		if strings.ContainsAny(word, " \t\n'\"\\$`&|;<>()*?[]#~!{}") {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// secrets are the variables that wrapper.NewFromEnv reads a secret from, or from the file that NAME_FILE names.
var secrets = []string{"DOCSPACE_API_KEY", "DOCSPACE_TOKEN", "DOCSPACE_PASSWORD", "DOCSPACE_AUTH_KEY"}

// credentials are all variables that say as whom.
var credentials = []string{
	"DOCSPACE_API_KEY", "DOCSPACE_API_KEY_FILE", "DOCSPACE_TOKEN", "DOCSPACE_TOKEN_FILE", "DOCSPACE_USERNAME",
	"DOCSPACE_PASSWORD", "DOCSPACE_PASSWORD_FILE", "DOCSPACE_AUTH_KEY", "DOCSPACE_AUTH_KEY_FILE",
}

func unset(names ...string) (err error) {
	for _, name := range names {
		err = errors.Join(err, os.Unsetenv(name))
	}
	return err
}

func hasSecret() bool {
	for _, name := range secrets {
		if os.Getenv(name) != "" || os.Getenv(name+"_FILE") != "" {
			return true
		}
	}
	return false
}

// askForSecret prompts, without an echo, where somebody is there to answer and no secret is set: for the password of the
// user who is named, or for an API key.
func askForSecret(ctx context.Context, t *tool) error {
	if hasSecret() {
		return nil
	}
	variable, prompt := "DOCSPACE_API_KEY", "API key: "
	user := os.Getenv("DOCSPACE_USERNAME")
	if user != "" {
		variable, prompt = "DOCSPACE_PASSWORD", "Password of "+user+": "
	}
	in, ok := t.in.(*os.File)
	switch attended := ok && term.IsTerminal(int(in.Fd())); {
	case !attended && user == "":
		return errors.New("no credential: give --api-key-file, set DOCSPACE_API_KEY, or make a profile with docspace-userdata config add; --help has the other ways")
	case !attended:
		return errors.New("no password of " + user + ": give --password-file, set DOCSPACE_PASSWORD, or make a profile with docspace-userdata config add")
	}
	secret, err := readSecret(ctx, t, in, prompt)
	switch {
	case err != nil:
		return err
	case secret == "":
		return errors.New("nothing was entered")
	}
	return os.Setenv(variable, secret)
}

// warnIfReadable says that others can read a file with a secret. One that cannot be looked at is for the reader of it.
func warnIfReadable(t *tool, path string) {
	if info, err := os.Stat(path); path != "" && err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		t.note("warning: others on this machine can read %s; chmod 600 %s", path, path)
	}
}
