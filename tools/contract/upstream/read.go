package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// maxBytes is plenty: published contracts have a few megabytes.
const maxBytes = 64 << 20

// open reads an OpenAPI document from a file or a URL. Its errors are sentences for whoever named it.
func open(ctx context.Context, spec string) (*document, error) {
	var root map[string]any
	data, err := fetch(ctx, spec)
	if err == nil {
		root, err = parse(data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(spec), err)
	}
	return &document{root: root}, nil
}

func fetch(ctx context.Context, spec string) ([]byte, error) {
	body, err := stream(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read to the end (%w): get the file by other means, and name that", cause(err))
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("has more than %d MiB, which no contract has: look at what is there", maxBytes>>20)
	}
	return data, nil
}

func stream(ctx context.Context, spec string) (io.ReadCloser, error) {
	scheme, _, isURL := strings.Cut(strings.ToLower(spec), "://")
	if !isURL {
		file, err := os.Open(spec)
		if err != nil {
			return nil, fmt.Errorf("cannot be opened (%w): name a file, seen from the project's root, or a URL", cause(err))
		}
		return file, nil
	}
	if scheme != "http" && scheme != "https" {
		return nil, errors.New("only files and addresses with http or https are read: get the file by other means, and name that")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, spec, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("is no address (%w): look at how it is spelt", cause(err))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cannot be reached (%w): look at the address, or get the file by other means and name that", cause(err))
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("the answer is %s: look up where the contract is published now", resp.Status)
	}
	return resp.Body, nil
}

// parse reads JSON or YAML and makes sure that it is an OpenAPI document.
func parse(data []byte) (map[string]any, error) {
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
	if bytes.HasPrefix(data, []byte("<")) {
		return nil, errors.New("is a web page: name the JSON or YAML file itself, not the page that shows it")
	}
	var root any
	var err error
	if bytes.HasPrefix(data, []byte("{")) {
		err = json.Unmarshal(data, &root)
	}
	if root == nil { // YAML can begin with a brace, too. If it is neither, what JSON says of it is the better clue.
		if yamlErr := yaml.Unmarshal(data, &root); err == nil || yamlErr == nil {
			err = yamlErr
		}
	}
	if err != nil {
		return nil, fmt.Errorf("is neither JSON nor YAML (%w): get the file again", err)
	}
	doc, _ := stringKeys(root).(map[string]any)
	if version := text(doc["openapi"]); !strings.HasPrefix(version, "3") {
		return nil, fmt.Errorf("is no OpenAPI 3 document (openapi is %q, swagger is %q): name one that is", version, text(doc["swagger"]))
	}
	return doc, nil
}

// stringKeys turns keys that YAML takes for numbers and the like, such as statuses, into what JSON has there.
func stringKeys(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = stringKeys(item)
		}
	case map[any]any:
		m := make(map[string]any, len(v))
		for key, item := range v {
			m[text(key)] = stringKeys(item)
		}
		return m
	case []any:
		for i, item := range v {
			v[i] = stringKeys(item)
		}
	}
	return value
}

// shown is what messages call a file or URL: without password and query, which may hold secrets.
func shown(spec string) string {
	if u, err := url.Parse(spec); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host + u.Path
	}
	return spec
}

// cause leaves out the address or path that the errors of net/http and os repeat.
func cause(err error) error {
	if urlError := (*url.Error)(nil); errors.As(err, &urlError) {
		return urlError.Err
	}
	if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// printable keeps a message on one line, whatever others have put into it.
func printable(message string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, message)
}
