package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/screen"
)

// report is the file that says for each user of a run what was done, and what is not known. It takes the place of an
// earlier one at the end only; that it can be written is found out before anything starts. What is no regular file, such
// as a device, is never replaced: it is written to as it is.
type report struct {
	path   string
	json   bool
	device *os.File // if it is one
}

func newReport(path string) (*report, error) {
	switch suffix := strings.ToLower(filepath.Ext(path)); {
	case path == "", suffix == ".csv", suffix == ".json":
		return &report{path: path, json: suffix == ".json"}, nil
	}
	return nil, fmt.Errorf("--report: %s ends neither in .csv nor in .json, which says how it is written", path)
}

func (r *report) open() (err error) {
	if r.path == "" {
		return nil
	}
	if target, err := filepath.EvalSymlinks(r.path); err == nil {
		r.path = target
	}
	info, err := os.Lstat(r.path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder", r.path)
	case err == nil && !info.Mode().IsRegular():
		r.device, err = os.OpenFile(r.path, os.O_WRONLY, 0)
		return err
	}
	probe, err := os.CreateTemp(filepath.Dir(r.path), ".docspace-userdata-report-")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w; name another file", r.path, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// discard leaves an earlier report as it is.
func (r *report) discard() error {
	if r.device == nil {
		return nil
	}
	return r.device.Close()
}

// write writes the report, and returns the error of the run, joined by its own.
func (r *report) write(t *tool, cmd *cobra.Command, d bulkDocument, users []userResult, err error) error {
	if r.path == "" {
		return err
	}
	var data []byte
	if r.json {
		d.Users = users
		quiet := &tool{outside: outside{out: &bytes.Buffer{}}, json: true}
		_ = quiet.answer(cmd, &d, err) // fills the head
		data, _ = json.MarshalIndent(&d, "", "  ")
		data = append(data, '\n')
	} else {
		data = asCSV(users)
	}
	var failure error
	if r.device == nil {
		failure = replaceFile(r.path, data)
	} else {
		_, failure = r.device.Write(data)
		failure = errors.Join(failure, r.device.Close())
	}
	if failure != nil {
		return errors.Join(err, fmt.Errorf("the report could not be written: %w", failure))
	}
	t.note("the report is in %s", r.path)
	return err
}

// asCSV is the report as CSV.
func asCSV(users []userResult) []byte {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	_ = w.Write([]string{"line", "from", "to", "action", "outcome", "percentage", "resumed", "seconds", "error"})
	for _, u := range users {
		_ = w.Write([]string{
			strconv.Itoa(u.Line), u.User.String(), u.Successor.String(), string(u.Action), u.Outcome, strconv.Itoa(u.Percentage),
			strconv.FormatBool(u.Resumed), strconv.FormatFloat(u.Seconds, 'f', 3, 64), screen.Clean(u.Error),
		})
	}
	w.Flush()
	return text.Bytes()
}
