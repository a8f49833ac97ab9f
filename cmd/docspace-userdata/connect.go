package main

import (
	"context"
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
func (c connection) client(ctx context.Context, t outside) (*wrapper.Client, error) {
	if err := c.export(); err != nil {
		return nil, usageError{err}
	}
	if os.Getenv("DOCSPACE_URL") == "" {
		return nil, usageError{errors.New("no portal: give --url, or set DOCSPACE_URL")}
	}
	if err := askForSecret(ctx, t); err != nil {
		return nil, usageError{err}
	}
	client, err := wrapper.NewFromEnv(wrapper.WithUserAgent("docspace-userdata/"+wrapper.Version), wrapper.WithHTTPClient(t.http))
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// export puts what the flags say in place of what the environment says: a credential that is named by a flag is the one.
func (c connection) export() error {
	given := map[string]string{}
	for variable, value := range c {
		if *value != "" {
			given[variable] = *value
		}
	}
	if len(given) > 1 || len(given) == 1 && given["DOCSPACE_URL"] == "" {
		for _, name := range append(secrets, "DOCSPACE_USERNAME") {
			if err := errors.Join(os.Unsetenv(name), os.Unsetenv(name+"_FILE")); err != nil {
				return err
			}
		}
	}
	for variable, value := range given {
		if err := os.Setenv(variable, value); err != nil {
			return err
		}
	}
	return nil
}

// secrets are the variables that wrapper.NewFromEnv reads a secret from, or from the file that NAME_FILE names.
var secrets = []string{"DOCSPACE_API_KEY", "DOCSPACE_TOKEN", "DOCSPACE_PASSWORD", "DOCSPACE_AUTH_KEY"}

// askForSecret prompts, without an echo, where somebody is there to answer and no secret is set: for the password of the
// user who is named, or for an API key.
func askForSecret(ctx context.Context, t outside) error {
	for _, name := range secrets {
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
	secret, err := readSecret(ctx, int(in.Fd()))
	_, _ = io.WriteString(t.err, "\n")
	switch {
	case err != nil:
		return err
	case len(secret) == 0:
		return errors.New("nothing was entered")
	}
	return os.Setenv(variable, string(secret))
}

// readSecret reads a line without an echo. An interrupt ends that at once, and gives the terminal its echo back; the read
// itself cannot be ended, but the program does.
func readSecret(ctx context.Context, terminal int) ([]byte, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	type line struct {
		text []byte
		err  error
	}
	entered := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(terminal)
		entered <- line{text, err}
	}()
	select {
	case l := <-entered:
		return l.text, l.err
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(terminal, before))
	}
}
