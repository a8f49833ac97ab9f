package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/wrapper"
)

// configDocument is what config list, add, use, remove and path say.
type configDocument struct {
	head
	Path     string              `json:"path"`
	InUse    string              `json:"inUse"`
	Profiles map[string]*profile `json:"profiles"`
	said     string
}

func (d *configDocument) text() string { return d.said }

func configCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Keep portals by name, with a reference to the secret for each",
		Long: `Keep portals by name. A profile is an address and where the secret for it is found: in a file, in an environment
variable, or in what a command prints, such as a password manager. The secret itself is never in it, and never goes to
another address.

The profiles are in docspace-userdata/config.json below $XDG_CONFIG_HOME, or where the system keeps such files. A file
that others can write to is refused.

A profile is used if --profile or DOCSPACE_PROFILE names it. The one that "config use" has chosen is used where neither
--url nor DOCSPACE_URL is set.`,
		Example: `  docspace-userdata config add prod --url https://docspace.example.com --api-key-command 'pass show docspace'
  docspace-userdata config use prod`,
	}
	cmd.AddCommand(configAdd(t),
		change(t, "list", "List the profiles", nil, func(f *profiles, _ string) (string, error) { return f.table(), nil }),
		change(t, "use", "Use a profile where nothing else is said", cobra.ExactArgs(1), func(f *profiles, name string) (string, error) {
			f.InUse = name
			return "profile " + name + " is in use", nil
		}),
		change(t, "remove", "Remove a profile; the secret stays where it is", cobra.ExactArgs(1), func(f *profiles, name string) (string, error) {
			delete(f.Profiles, name)
			if f.InUse == name {
				f.InUse = ""
			}
			return "profile " + name + " is removed", nil
		}),
		change(t, "path", "Say where the profiles are", nil, nil))
	return cmd
}

// change makes a command that does something with the profiles: with the one that is named, if it takes an argument.
func change(t *tool, name, short string, takes cobra.PositionalArgs, do func(*profiles, string) (string, error)) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, Args: takes, Example: "  docspace-userdata config " + name}
	if takes != nil {
		cmd.Use += " NAME"
		cmd.Example += " prod"
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := profilePath()
		if err != nil {
			return usageError{err}
		}
		if do == nil {
			return t.answer(cmd, &configDocument{Path: path, said: path}, nil)
		}
		file, err := readProfiles()
		if err != nil {
			return usageError{err}
		}
		d := &configDocument{Path: path, Profiles: file.Profiles}
		named := ""
		if takes != nil {
			if named = args[0]; file.Profiles[named] == nil {
				return usagef("there is no profile %q; see docspace-userdata config list", named)
			}
		}
		if d.said, err = do(file, named); err == nil && takes != nil {
			err = file.write()
		}
		d.InUse = file.InUse
		return t.answer(cmd, d, err)
	}
	return cmd
}

var profileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func configAdd(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add NAME --url URL",
		Short: "Add a profile, or replace it",
		Long: `Add a profile, or replace the one of that name. The first one is in use from then on.

Name where one secret is found. Without any, a terminal is asked each time. A command runs in a shell, and the first line
that it prints is the secret.`,
		Example: `  docspace-userdata config add prod --url https://docspace.example.com --api-key-file ~/.docspace-key
  docspace-userdata config add test --url https://test.example.com --username ada@example.com --password-command 'pass show test'`,
		Args: cobra.ExactArgs(1),
	}
	p := &profile{}
	cmd.Flags().StringVar(&p.URL, "url", "", "the portal's `URL`")
	cmd.Flags().StringVar(&p.Username, "username", "", "the `EMAIL` of an account")
	given := map[[2]string]*string{}
	for scheme := range schemes {
		for source, usage := range map[string]string{
			"file": "a `FILE` with the %s", "env": "the `VARIABLE` that holds the %s", "command": "a `COMMAND` that prints the %s",
		} {
			what := map[string]string{"api-key": "API key", "token": "access token", "password": "password", "auth-key": "session's key"}[scheme]
			given[[2]string{scheme, source}] = cmd.Flags().String(scheme+"-"+source, "", fmt.Sprintf(usage, what))
		}
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := args[0]
		if !profileName.MatchString(name) {
			return usagef("%q is no name for a profile: letters, digits, dots, dashes and underscores are", name)
		}
		for which, value := range given {
			if *value == "" {
				continue
			}
			if p.Scheme != "" {
				return usagef("two places for a secret are given; keep one")
			}
			p.Scheme = which[0]
			*map[string]*string{"file": &p.File, "env": &p.Env, "command": &p.Command}[which[1]] = *value
		}
		if err := p.check(t); err != nil {
			return usageError{err}
		}
		file, err := readProfiles()
		if err != nil {
			return usageError{err}
		}
		file.Profiles[name] = p
		if len(file.Profiles) == 1 {
			file.InUse = name
		}
		path, err := profilePath()
		if err == nil {
			err = file.write()
		}
		return t.answer(cmd, &configDocument{
			head: head{Next: "docspace-userdata doctor --profile " + name},
			Path: path, InUse: file.InUse, Profiles: file.Profiles, said: "profile " + name + " is kept in " + path,
		}, err)
	}
	return cmd
}

// check looks at a profile before it is kept.
func (p *profile) check(t *tool) error {
	if p.URL == "" {
		return errors.New("say where the portal is, with --url")
	}
	if _, err := wrapper.New(p.URL); err != nil {
		return err
	}
	if (p.Username != "") != (p.Scheme == "password") && p.Scheme != "" {
		return errors.New("--username and a password go together")
	}
	if slices.Contains(credentials, p.Env) {
		return fmt.Errorf("--profile puts %s out of use; keep the secret in a variable of another name", p.Env)
	}
	if p.File == "" {
		return nil
	}
	path, err := filepath.Abs(p.File)
	if err != nil {
		return err
	}
	p.File = path
	if _, err := os.Stat(path); err != nil {
		t.note("warning: %v", err)
	}
	warnIfReadable(t, path)
	return nil
}

// table lists the profiles for people.
func (f *profiles) table() string {
	if len(f.Profiles) == 0 {
		return "no profiles yet; make one with docspace-userdata config add"
	}
	rows := [][]string{{"", "name", "url", "signs in with"}}
	for _, name := range slices.Sorted(maps.Keys(f.Profiles)) {
		p, mark, how := f.Profiles[name], "", "what you enter"
		if name == f.InUse {
			mark = "*"
		}
		switch {
		case p.File != "":
			how = p.Scheme + " in " + p.File
		case p.Env != "":
			how = p.Scheme + " in $" + p.Env
		case p.Command != "":
			how = p.Scheme + " from " + p.Command
		}
		if p.Username != "" {
			how = p.Username + ", " + how
		}
		rows = append(rows, []string{mark, name, p.URL, how})
	}
	return columns(rows)
}

// columns lays a table out.
func columns(rows [][]string) string {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var lines []string
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", width[i]-len([]rune(cell))+2)
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n")
}
