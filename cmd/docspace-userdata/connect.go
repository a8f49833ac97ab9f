package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/docspace-go/userdata/wrapper"
)

// connection is where to and as whom, as flags have it. Every flag is another spelling of an environment variable, and
// none takes a secret: a command line can be read by everybody on the machine.
type connection map[string]*string

func connectionFlags(cmd *cobra.Command) connection {
	c := connection{}
	for _, flag := range []struct{ variable, name, usage string }{
		{"DOCSPACE_URL", "url", "the portal's `URL`, such as https://docspace.example.com"},
		{"DOCSPACE_API_KEY_FILE", "api-key-file", "a `FILE` with an API key"},
		{"DOCSPACE_TOKEN_FILE", "token-file", "a `FILE` with a JWT access token"},
		{"DOCSPACE_AUTH_KEY_FILE", "auth-key-file", "a `FILE` with the key of a session, asc_auth_key"},
		{"DOCSPACE_USERNAME", "username", "the `EMAIL` of an account; the password is asked for where it is not set"},
		{"DOCSPACE_PASSWORD_FILE", "password-file", "a `FILE` with the password"},
	} {
		c[flag.variable] = cmd.Flags().String(flag.name, "", flag.usage+" [$"+flag.variable+"]")
	}
	return c
}

// client makes the client that flags and environment describe, and asks a person for the secret that is missing.
func (c connection) client(t outside) (*wrapper.Client, error) {
	for variable, value := range c {
		if *value != "" {
			if err := os.Setenv(variable, *value); err != nil {
				return nil, usageError{err}
			}
		}
	}
	if os.Getenv("DOCSPACE_URL") == "" {
		return nil, usageError{errors.New("no portal: give --url, or set DOCSPACE_URL")}
	}
	if err := askForSecret(t); err != nil {
		return nil, usageError{err}
	}
	client, err := wrapper.NewFromEnv(wrapper.WithUserAgent("docspace-userdata/"+wrapper.Version), wrapper.WithHTTPClient(t.http))
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// askForSecret prompts, without an echo, where somebody is there to answer and no secret is set: for the password of the
// user who is named, or for an API key.
func askForSecret(t outside) error {
	for _, name := range []string{"DOCSPACE_API_KEY", "DOCSPACE_TOKEN", "DOCSPACE_PASSWORD", "DOCSPACE_AUTH_KEY"} {
		if os.Getenv(name) != "" || os.Getenv(name+"_FILE") != "" {
			return nil
		}
	}
	in, ok := t.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil // the library says what is missing
	}
	variable, prompt := "DOCSPACE_API_KEY", "API key: "
	if user := os.Getenv("DOCSPACE_USERNAME"); user != "" {
		variable, prompt = "DOCSPACE_PASSWORD", "Password of "+user+": "
	}
	if _, err := io.WriteString(t.err, prompt); err != nil {
		return err
	}
	secret, err := term.ReadPassword(int(in.Fd()))
	if err != nil {
		return err
	}
	_, _ = io.WriteString(t.err, "\n")
	return os.Setenv(variable, string(secret))
}
