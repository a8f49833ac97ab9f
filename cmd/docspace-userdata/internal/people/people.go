// Package people reads who leaves and who takes over, from CSV.
package people

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/offboard"
)

// Row is one user who leaves, and the line that says so.
type Row struct {
	Line int
	offboard.Request
}

// LineError is something wrong with one line.
type LineError struct {
	Name string // of the file
	Line int
	Text string
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %s", e.Name, e.Line, e.Text) }

// mostBytes is more than any list of people needs.
const mostBytes = 64 << 20

// Read reads CSV with the columns from and to, each an id. A header may name them, in any case and order, among others
// that are ignored; without one they are the first two. Commas, semicolons or tabs separate, whichever comes first in the
// first line, or what a line such as sep=; before it says. Blank lines, and those that begin with #, are passed over. The
// name is for errors.
//
// All that is wrong is reported at once: the error joins a *LineError for each, in the order of the lines. There are no
// rows then.
func Read(name string, r io.Reader) ([]Row, error) {
	data, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(data) > mostBytes:
		return nil, &LineError{name, 1, fmt.Sprintf("more than %d MiB is no list of people", mostBytes>>20)}
	}
	l := &list{name: name, users: map[uuid.UUID]int{}}
	if text, ok := l.decode(string(data)); ok {
		l.parse(text)
		l.compare()
	}
	if len(l.wrong) > 0 {
		slices.SortStableFunc(l.wrong, func(a, b *LineError) int { return cmp.Compare(a.Line, b.Line) })
		all := make([]error, len(l.wrong))
		for i, e := range l.wrong {
			all[i] = e
		}
		return nil, errors.Join(all...)
	}
	return l.rows, nil
}

// list is what has been read so far.
type list struct {
	name  string
	rows  []Row
	wrong []*LineError
	users map[uuid.UUID]int // the line in which each leaves

	begun    bool // the first line that counts has been read
	from, to int  // columns
}

func (l *list) reject(line int, format string, args ...any) {
	l.wrong = append(l.wrong, &LineError{l.name, line, fmt.Sprintf(format, args...)})
}

const saveAs = `save it as "CSV UTF-8"`

// decode makes text with plain line ends of what a program on any system may have saved.
func (l *list) decode(data string) (text string, ok bool) {
	text = strings.TrimPrefix(data, "\ufeff")
	switch {
	case strings.HasPrefix(data, "\xff\xfe"), strings.HasPrefix(data, "\xfe\xff"), strings.Contains(data, "\x00"):
		l.reject(1, `this is UTF-16, such as Excel's "Unicode Text", or no text at all: %s`, saveAs)
		return "", false
	case strings.TrimSpace(text) == "":
		l.reject(1, "the file is empty: nobody is to leave")
		return "", false
	case !utf8.ValidString(text):
		before, _, _ := strings.Cut(strings.ToValidUTF8(text, "\x00"), "\x00")
		l.reject(1+strings.Count(before, "\n"), "this is not UTF-8: %s", saveAs)
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	return text, true
}

// mostOpenQuotes bounds how often the rest of the list is read anew.
const mostOpenQuotes = 20

// parse reads line after line. One with bad quotes is reported, and the next one read all the same.
func (l *list) parse(text string) {
	comma, before, rest := separator(text)
	open := 0
	for {
		reader := csv.NewReader(strings.NewReader(rest))
		reader.Comma, reader.Comment = comma, '#'
		reader.FieldsPerRecord = -1
		reader.TrimLeadingSpace = comma != '\t'
		bad := l.records(reader, before)
		if bad == nil {
			break
		}
		l.reject(before+bad.StartLine, "%s", quotes(bad, before))
		open++
		if !l.begun {
			return // It may have been the header, without which the rest means nothing.
		}
		if open == mostOpenQuotes {
			l.reject(before+bad.StartLine, "the lines from here on were not looked at: quotes are wrong in too many")
			return
		}
		for range bad.StartLine {
			_, rest, _ = strings.Cut(rest, "\n")
		}
		before += bad.StartLine
	}
	if len(l.rows) == 0 && len(l.wrong) == 0 {
		l.reject(1, "nobody is to leave: there are no lines but comments and a header")
	}
}

// records reads until the list ends, or until an error that has taken in more than its own line.
func (l *list) records(reader *csv.Reader, before int) *csv.ParseError {
	for {
		fields, err := reader.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad) && (bad.Line > bad.StartLine || !l.begun):
			return bad
		case errors.As(err, &bad):
			l.reject(before+bad.StartLine, "%s", quotes(bad, before))
			continue
		}
		line, _ := reader.FieldPos(0)
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if strings.Join(fields, "") == "" || strings.HasPrefix(fields[0], "#") {
			continue
		}
		l.record(before+line, fields)
	}
}

func quotes(bad *csv.ParseError, before int) string {
	switch {
	case bad.Line > bad.StartLine:
		return fmt.Sprintf("a quote is opened here that is not closed as it should be, up to line %d", before+bad.Line)
	case errors.Is(bad.Err, csv.ErrBareQuote):
		return `a quote stands in the middle of a value: put the value in quotes, and write "" for the one in it`
	}
	return `a quote is not closed, or something follows it before the next separator`
}

// separator finds out what stands between values, how many lines say so and nothing else, and what follows them.
func separator(text string) (comma rune, lines int, rest string) {
	if first, rest, _ := strings.Cut(text, "\n"); len(first) >= len("sep=x") && strings.EqualFold(first[:4], "sep=") {
		if said := strings.TrimRight(first[4:], "\r"); said == "," || said == ";" || said == "\t" {
			return rune(said[0]), 1, rest
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		quoted := false
		for _, r := range line {
			switch {
			case r == '"':
				quoted = !quoted
			case !quoted && strings.ContainsRune(",;\t", r):
				return r, 0, text
			}
		}
		break
	}
	return ',', 0, text
}

// record takes in one line.
func (l *list) record(line int, fields []string) {
	first := !l.begun
	if first {
		l.begun, l.to = true, 1
		if l.readHeader(line, fields) {
			return
		}
	}
	if need := max(l.from, l.to) + 1; len(fields) < need {
		l.reject(line, "%d of at least %d columns: who leaves and who takes over have to be named", len(fields), need)
		return
	}
	from, fromOK := l.id(line, "from", fields[l.from], first)
	to, toOK := l.id(line, "to", fields[l.to], first)
	if !fromOK {
		return
	}
	if before, again := l.users[from]; again {
		l.reject(line, "user %s leaves already in line %d: strike one of the two", from, before)
		return
	}
	l.users[from] = line
	if toOK && from == to {
		l.reject(line, "user %s cannot leave and take over at once", from)
		return
	}
	if toOK {
		l.rows = append(l.rows, Row{line, offboard.Request{From: from, To: to}})
	}
}

// readHeader tells whether a line is a header, and takes from it which column is which.
func (l *list) readHeader(line int, fields []string) bool {
	columns := map[string][]int{}
	for i, field := range fields {
		name := strings.ToLower(field)
		columns[name] = append(columns[name], i)
	}
	from, to := columns["from"], columns["to"]
	switch {
	case len(from) == 0 && len(to) == 0:
		return false
	case len(from) != 1 || len(to) != 1:
		l.reject(line, "the header has to name one column from and one column to; it names %d and %d", len(from), len(to))
	default:
		l.from, l.to = from[0], to[0]
	}
	return true
}

func (l *list) id(line int, column, value string, first bool) (uuid.UUID, bool) {
	if value == "" {
		l.reject(line, "%s is empty", column)
		return uuid.Nil, false
	}
	id, err := uuid.Parse(value)
	braced := strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}")
	switch {
	case err != nil || len(value) == 38 && !braced: // uuid.Parse takes any two characters for braces.
		hint := ""
		if first {
			hint = "; if this line is a header, call the columns from and to"
		}
		if runes := []rune(value); len(runes) > 50 {
			value = string(runes[:50]) + "…"
		}
		l.reject(line, "%s: %q is not the id of a user, a UUID%s", column, value, hint)
		return uuid.Nil, false
	case id == uuid.Nil:
		l.reject(line, "%s is the zero UUID, which is nobody", column)
		return uuid.Nil, false
	}
	return id, true
}

// compare finds successors who leave themselves. Who is first would decide whether anything is left for them to lose.
func (l *list) compare() {
	for _, row := range l.rows {
		if line, leaves := l.users[row.To]; leaves {
			l.reject(row.Line, "user %s is to take over, but leaves in line %d", row.To, line)
		}
	}
}
