package people

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/offboard"
)

const (
	a = "aaaaaaaa-0000-4000-8000-000000000001"
	b = "bbbbbbbb-0000-4000-8000-000000000002"
	c = "cccccccc-0000-4000-8000-000000000003"
	d = "dddddddd-0000-4000-8000-000000000004"
)

func row(line int, from, to string) Row {
	return Row{line, offboard.Request{From: uuid.MustParse(from), To: uuid.MustParse(to)}}
}

func TestListsOfManyFormsAreRead(t *testing.T) {
	one := []Row{row(1, a, b)}
	below := []Row{row(2, a, b)}
	for name, test := range map[string]struct {
		text string
		want []Row
	}{
		"no header":                    {a + "," + b + "\n", one},
		"no end of the last line":      {a + "," + b, one},
		"a header":                     {"from,to\n" + a + "," + b + "\n", below},
		"a header in capitals":         {"From,TO\n" + a + "," + b + "\n", below},
		"a header in the other order":  {"to,from\n" + b + "," + a + "\n", below},
		"columns that are not needed":  {"name,to,mail,from,note\nCarla," + b + ",c@x," + a + ",\n", below},
		"further columns, no header":   {a + "," + b + ",Carla,\"Miller, Ann\"\n", one},
		"a line that is longer":        {"from,to\n" + a + "," + b + ",x,y,z\n", below},
		"quotes":                       {`"from","to"` + "\n" + `"` + a + `","` + b + `"` + "\n", below},
		"quotes and spaces":            {a + `, "` + b + `"` + "\n", one},
		"spaces":                       {"  " + a + " ,  " + b + "  \n", one},
		"comments":                     {"# who leaves\n" + a + "," + b + "\n#" + c + "," + d + "\n", below},
		"an indented comment":          {"  # who leaves, and why\n" + a + "," + b + "\n", below},
		"a comment before the header":  {"# from HR\nfrom,to\n" + a + "," + b + "\n", []Row{row(3, a, b)}},
		"a comment with a quote":       {"# \"HR\n" + a + "," + b + "\n", below},
		"a comment with a semicolon":   {"# HR; as of today\n" + a + "," + b + "\n", below},
		"blank lines":                  {"\n  \n" + a + "," + b + "\n\n", []Row{row(3, a, b)}},
		"rows of commas from Excel":    {"from,to\n" + a + "," + b + "\n,\n,,,\n", below},
		"a UTF-8 mark":                 {"\ufeff" + a + "," + b + "\n", one},
		"a UTF-8 mark and a header":    {"\ufefffrom,to\n" + a + "," + b + "\n", below},
		"CRLF":                         {"from,to\r\n" + a + "," + b + "\r\n", below},
		"CR alone":                     {"from,to\r" + a + "," + b + "\r", below},
		"semicolons":                   {"from;to\n" + a + ";" + b + "\n", below},
		"semicolons without a header":  {a + ";" + b + ";\"Miller, Ann\"\n", one},
		"semicolons after a comment":   {"# a,b\nfrom;to\n" + a + ";" + b + "\n", []Row{row(3, a, b)}},
		"tabs":                         {"from\tto\n" + a + "\t" + b + "\n", below},
		"tabs and an empty column":     {"from\tname\tto\n" + a + "\t\t" + b + "\n", below},
		"a line that says so":          {"sep=;\r\nfrom;to\r\n" + a + ";" + b + "\r\n", []Row{row(3, a, b)}},
		"capital letters":              {strings.ToUpper(a) + "," + b + "\n", one},
		"braces":                       {"{" + a + "},urn:uuid:" + b + "\n", one},
		"no dashes":                    {strings.ReplaceAll(a, "-", "") + "," + b + "\n", one},
		"a note of several lines":      {"from,to,note\n" + a + "," + b + ",\"one\ntwo\"\n" + c + "," + d + ",\n", []Row{row(2, a, b), row(4, c, d)}},
		"a note with quotes":           {a + "," + b + `,"the ""good"" one"` + "\n", one},
		"one successor of two":         {a + "," + d + "\n" + b + "," + d + "\n", []Row{row(1, a, d), row(2, b, d)}},
		"names of other alphabets":     {"from,to,имя\n" + a + "," + b + ",Ивánka 漢字 🙂\n", below},
		"a quoted comma in the header": {"\"name, given\";from;to\nx;" + a + ";" + b + "\n", below},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := Read("people.csv", strings.NewReader(test.text))
			require.NoError(t, err)
			assert.Equal(t, test.want, rows)
		})
	}
}

func TestAllThatIsWrongIsSaidWithItsLine(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"nothing":           {"", []string{`1: the file is empty: nobody is to leave`}},
		"nothing but space": {"\ufeff \r\n\n", []string{`1: the file is empty: nobody is to leave`}},
		"only comments":     {"# nobody\n", []string{`1: nobody is to leave: there are no lines but comments and a header`}},
		"only a header":     {"from,to\n", []string{`1: nobody is to leave: there are no lines but comments and a header`}},
		"only separators":   {",,,\n;;\n", []string{`2: 1 of at least 2 columns: who leaves and who takes over have to be named`}},
		"no UUIDs": {a + "," + b + "\ncarla,sam\n", []string{
			`2: from: "carla" is not the id of a user, a UUID`, `2: to: "sam" is not the id of a user, a UUID`}},
		"another header": {"user;successor\n" + a + ";" + b + "\n", []string{
			`1: from: "user" is not the id of a user, a UUID; if this line is a header, call the columns from and to`,
			`1: to: "successor" is not the id of a user, a UUID; if this line is a header, call the columns from and to`}},
		"half a header":         {"from,successor\n" + a + "," + b + "\n", []string{`1: the header has to name one column from and one column to; it names 1 and 0`}},
		"a header twice":        {"from,to,to\n" + a + "," + b + ",\n", []string{`1: the header has to name one column from and one column to; it names 1 and 2`}},
		"quotes of a shell":     {"'" + a + "','" + b + "'\n", []string{`1: from: "'` + a + `'" is not the id of a user, a UUID; if this line is a header, call the columns from and to`, `1: to: "'` + b + `'" is not the id of a user, a UUID; if this line is a header, call the columns from and to`}},
		"an escape sequence":    {"from,to\n\x1b[2J," + b + "\n", []string{`2: from: "\x1b[2J" is not the id of a user, a UUID`}},
		"a long value":          {"from,to\n" + strings.Repeat("x", 900) + "," + b + "\n", []string{`2: from: "` + strings.Repeat("x", 50) + `…" is not the id of a user, a UUID`}},
		"nobody's id":           {"00000000-0000-0000-0000-000000000000," + b + "\n", []string{`1: from is the zero UUID, which is nobody`}},
		"nobody takes over":     {a + ",00000000-0000-0000-0000-000000000000\n", []string{`1: to is the zero UUID, which is nobody`}},
		"an empty value":        {"from,to\n" + a + ",\n," + b + "\n", []string{`2: to is empty`, `3: from is empty`}},
		"one column":            {"from,to\n" + a + "\n", []string{`2: 1 of at least 2 columns: who leaves and who takes over have to be named`}},
		"the same user":         {a + "," + a + "\n", []string{`1: user ` + a + ` cannot leave and take over at once`}},
		"twice":                 {a + "," + b + "\n" + c + "," + b + "\n" + a + "," + b + "\n", []string{`3: user ` + a + ` leaves already in line 1: strike one of the two`}},
		"twice, spelt apart":    {a + "," + b + "\n{" + strings.ToUpper(a) + "}," + d + "\n", []string{`2: user ` + a + ` leaves already in line 1: strike one of the two`}},
		"thrice":                {a + "," + b + "\n" + a + "," + b + "\n" + a + ",x\n", []string{`2: user ` + a + ` leaves already in line 1: strike one of the two`, `3: to: "x" is not the id of a user, a UUID`, `3: user ` + a + ` leaves already in line 1: strike one of the two`}},
		"a successor leaves":    {a + "," + b + "\n" + b + "," + c + "\n", []string{`1: user ` + b + ` is to take over, but leaves in line 2`}},
		"they swap":             {a + "," + b + "\n" + b + "," + a + "\n", []string{`1: user ` + b + ` is to take over, but leaves in line 2`, `2: user ` + a + ` is to take over, but leaves in line 1`}},
		"another separator":     {"from,to\n" + a + ";" + b + "\n", []string{`2: 1 of at least 2 columns: who leaves and who takes over have to be named`}},
		"a quote in a value":    {c + "," + b + "\n" + a + "," + b + ",5\" disk\nx," + b + "\n", []string{`2: a quote stands in the middle of a value: put the value in quotes, and write "" for the one in it`, `3: from: "x" is not the id of a user, a UUID`}},
		"more after a quote":    {`"` + a + `"x,` + b + "\n", []string{`1: a quote is not closed, or something follows it before the next separator`}},
		"a quote left open":     {"from,to\n\"" + a + "," + b + "\nx," + b + "\n", []string{`2: a quote is opened here that is not closed as it should be, up to line 3`, `3: from: "x" is not the id of a user, a UUID`}},
		"a header with a quote": {"to,\"na\"me,from\nx,y,z\n", []string{`1: a quote is not closed, or something follows it before the next separator`}},
		"the last quote":        {a + "," + b + "\n" + c + `,"` + d, []string{`2: a quote is not closed, or something follows it before the next separator`}},
		"Latin-1":               {"from,to,name\n" + a + "," + b + ",M\xfcller\nx,\n", []string{`2: this is not UTF-8: save it as "CSV UTF-8"`, `3: from: "x" is not the id of a user, a UUID`, `3: to is empty`}},
		"UTF-16, little end":    {"\xff\xfef\x00r\x00o\x00m\x00", []string{`1: this is UTF-16, such as Excel's "Unicode Text", or no text at all: save it as "CSV UTF-8"`}},
		"UTF-16, big end":       {"\xfe\xff\x00f\x00r\x00o\x00m", []string{`1: this is UTF-16, such as Excel's "Unicode Text", or no text at all: save it as "CSV UTF-8"`}},
		"UTF-16 without mark":   {"f\x00r\x00o\x00m\x00", []string{`1: this is UTF-16, such as Excel's "Unicode Text", or no text at all: save it as "CSV UTF-8"`}},
		"a workbook":            {"PK\x03\x04\x14\x00\x06\x00", []string{`1: this is UTF-16, such as Excel's "Unicode Text", or no text at all: save it as "CSV UTF-8"`}},
		"in order of lines":     {a + "," + b + "\nx," + c + "\n" + b + "," + c + "\n", []string{`1: user ` + b + ` is to take over, but leaves in line 3`, `2: from: "x" is not the id of a user, a UUID`}},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := Read("people.csv", strings.NewReader(test.text))
			assert.Empty(t, rows)
			require.Error(t, err)
			assert.Equal(t, "people.csv:"+strings.Join(test.want, "\npeople.csv:"), err.Error())
			var first *LineError
			require.ErrorAs(t, err, &first)
			assert.Equal(t, "people.csv", first.Name)
			assert.Positive(t, first.Line)
		})
	}
}

func TestAListThatCannotBeReadIsNotTakenForAShortOne(t *testing.T) {
	broken := errors.New("disk on fire")
	rows, err := Read("people.csv", iotest.ErrReader(broken))
	assert.Empty(t, rows)
	require.ErrorIs(t, err, broken)
	assert.Contains(t, err.Error(), "people.csv")
}

func TestAListWithoutAnEndIsRefused(t *testing.T) {
	_, err := Read("people.csv", endless{})
	assert.EqualError(t, err, "people.csv:1: more than 64 MiB is no list of people")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
	}
	return len(p), nil
}

func TestQuotesThatAreWrongEverywhereEndTheReading(t *testing.T) {
	_, err := Read("people.csv", strings.NewReader("from,to\n"+strings.Repeat("\"x,y\nz\n\n", 501)))
	var all interface{ Unwrap() []error }
	require.ErrorAs(t, err, &all)
	errs := all.Unwrap()
	assert.Contains(t, errs[len(errs)-1].Error(), "quotes are wrong in too many")
	assert.Less(t, len(errs), 100)
}

func TestALongListIsRead(t *testing.T) {
	var text bytes.Buffer
	for range 20_000 {
		fmt.Fprintf(&text, "%s,%s\n", uuid.New(), b)
	}
	rows, err := Read("people.csv", &text)
	require.NoError(t, err)
	assert.Len(t, rows, 20_000)
	assert.Equal(t, 20_000, rows[19_999].Line)
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "from,to\n" + a + "," + b, "sep=;\n" + a + ";" + b, "\ufeff" + a + "\t" + b + "\r\n", "\"" + a + "\"," + b + ",\"x\ny\"\n",
		"\xff\xfe", "#\n\"\n\"\n", a + "," + b + "\n" + b + "," + c, "to,from,x\n" + b + "," + a + ",\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := Read("f", strings.NewReader(text))
		if err != nil {
			if rows != nil {
				t.Fatal("rows beside an error")
			}
			lines := 1 + strings.Count(text, "\n") + strings.Count(text, "\r")
			all, ok := err.(interface{ Unwrap() []error })
			if !ok {
				t.Fatalf("%T", err)
			}
			before := 1
			for _, err := range all.Unwrap() {
				at := err.(*LineError)
				if at.Line < before || at.Line > lines || strings.ContainsAny(at.Text, "\n\r\x1b\x00") {
					t.Fatalf("%q of %d lines, after %d", at, lines, before)
				}
				before = at.Line
			}
			return
		}
		if len(rows) == 0 {
			t.Fatal("neither rows nor an error")
		}
		var again bytes.Buffer
		w := csv.NewWriter(&again)
		for _, row := range rows {
			if !strings.Contains(strings.ToLower(strings.ReplaceAll(text, "-", "")), strings.ReplaceAll(row.From.String(), "-", "")) {
				t.Fatalf("%s is not in %q", row.From, text)
			}
			_ = w.Write([]string{row.From.String(), row.To.String()})
		}
		w.Flush()
		second, err := Read("f", &again)
		if err != nil || len(second) != len(rows) {
			t.Fatalf("%v: %d and %d rows", err, len(rows), len(second))
		}
		for i := range rows {
			if rows[i].Request != second[i].Request || second[i].Line != i+1 {
				t.Fatalf("%v and %v", rows[i], second[i])
			}
		}
	})
}
