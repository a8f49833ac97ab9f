package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// profile is a portal, and where the secret for it is found. The secret itself is not in it.
type profile struct {
	URL      string `json:"url"`
	Scheme   string `json:"scheme,omitempty"` // api-key, token, password or auth-key; empty to be asked
	Username string `json:"username,omitempty"`
	File     string `json:"file,omitempty"`
	Env      string `json:"env,omitempty"`
	Command  string `json:"command,omitempty"`
}

// profiles is the profile file.
type profiles struct {
	InUse    string              `json:"inUse,omitempty"`
	Profiles map[string]*profile `json:"profiles"`
}

// schemes are the kinds of secret, by their names in flags and profiles.
var schemes = map[string]string{
	"api-key": "DOCSPACE_API_KEY", "token": "DOCSPACE_TOKEN", "password": "DOCSPACE_PASSWORD", "auth-key": "DOCSPACE_AUTH_KEY",
}

// profilePath is where the profile file is: below $XDG_CONFIG_HOME, or where the system keeps such files.
func profilePath() (string, error) {
	folder := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(folder) {
		var err error
		if folder, err = os.UserConfigDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(folder, "docspace-userdata", "config.json"), nil
}

// readProfiles reads the profile file. One that is not there is empty. One that others can write to is refused, since it
// says which command to run and whom to give a secret to.
func readProfiles() (*profiles, error) {
	file := &profiles{Profiles: map[string]*profile{}}
	path, err := profilePath()
	if err != nil {
		return file, nil //nolint:nilerr // nothing says where it would be: HOME is not set, as for many a job at night
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the profile file: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("others on this machine can write to %s, so that it is not used; look at it, then chmod 600 %s", path, path)
	}
	data, err := os.ReadFile(path) //nolint:gosec // the user's own configuration
	if err != nil {
		return nil, fmt.Errorf("the profile file: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(file); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w; mend or remove it", path, err)
	}
	for name, p := range file.Profiles {
		if p == nil || p.URL == "" || p.Scheme != "" && schemes[p.Scheme] == "" {
			return nil, fmt.Errorf("%s: profile %s has no url, or a scheme that is not api-key, token, password or auth-key", path, name)
		}
	}
	return file, nil
}

// write replaces the profile file as a whole.
func (f *profiles) write() error {
	path, err := profilePath()
	if err != nil {
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // where somebody keeps it under another name
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replaceFile(path, append(data, '\n'))
}

// replaceFile writes a file that only its owner can read, so that there is the old one or the new one, and never half.
// What is no regular file is not replaced.
func replaceFile(path string, data []byte) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".docspace-userdata-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(part.Name()) }() // gone if all went well
	_, err = part.Write(data)
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

// export puts a profile where the environment says nothing.
func (p *profile) export(ctx context.Context, t *tool) error {
	if err := os.Setenv("DOCSPACE_URL", p.URL); err != nil {
		return err
	}
	if hasSecret() || os.Getenv("DOCSPACE_USERNAME") != "" {
		return nil
	}
	if p.Username != "" {
		if err := os.Setenv("DOCSPACE_USERNAME", p.Username); err != nil {
			return err
		}
	}
	variable := schemes[p.Scheme]
	switch {
	case p.File != "":
		return os.Setenv(variable+"_FILE", p.File)
	case p.Env != "":
		secret := os.Getenv(p.Env)
		if secret == "" {
			return fmt.Errorf("the profile takes its secret from $%s, which is not set", p.Env)
		}
		return os.Setenv(variable, secret)
	case p.Command != "":
		secret, err := secretOf(ctx, t, p.Command)
		if err != nil {
			return err
		}
		return os.Setenv(variable, secret)
	}
	return nil
}

// secretOf runs a command, such as a password manager, that prints the secret on the first line. It may ask for a
// passphrase at the terminal.
func secretOf(ctx context.Context, t *tool, command string) (string, error) {
	shell, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/c"
	}
	cmd := exec.CommandContext(ctx, shell, flag, command) //nolint:gosec // the user's own configuration says so
	cmd.Stderr = t.err
	if t.attended {
		cmd.Stdin = t.in
	}
	out, err := cmd.Output()
	secret, _, _ := strings.Cut(string(out), "\n")
	secret = strings.TrimSuffix(secret, "\r")
	switch {
	case err != nil:
		return "", fmt.Errorf("the command for the secret, %s: %w", command, err)
	case secret == "":
		return "", fmt.Errorf("the command for the secret, %s, printed nothing", command)
	}
	return secret, nil
}
