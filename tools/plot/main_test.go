package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

const table = `
| other | table |
|---|---|
| 1 | 2 |

| jobs | users | ratio | requests of a user |
|---|---:|---:|---:|
| short | 10 | 1.00 | 5.00 |
| short | 1000 | 2.00 | 10.00 |
| long | 10 | 1.50 | 8.00 |
`

func TestThePictureIsThatOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/bulk-figures.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := draw(string(page))
	if err != nil {
		t.Fatal(err)
	}
	if is, err := os.ReadFile("../../docs/bulk-growth.svg"); err != nil || string(is) != string(want) {
		t.Errorf("docs/bulk-growth.svg is not what docs/bulk-figures.md gives; `make figures` draws it: %v", err)
	}
}

func TestEveryRowIsADotInBothPanels(t *testing.T) {
	svg, err := draw(table)
	if err != nil {
		t.Fatal(err)
	}
	decoder, dots := xml.NewDecoder(strings.NewReader(string(svg))), 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "circle" {
			dots++
		}
	}
	if want := 2 /* the legend */ + 2*3; dots != want {
		t.Errorf("%d circles, want %d", dots, want)
	}
	if line := `<polyline points="0,85 290,0"/>`; strings.Count(string(svg), line) != 2 {
		t.Errorf("%s is to be there in both panels: twice as high at the end\n%s", line, svg)
	}
}

func TestATableThatCannotBeDrawnIsAnError(t *testing.T) {
	for _, page := range []string{"", strings.Replace(table, "1.50", "?", 1), strings.Replace(table, "| 1000 |", "| many |", 1)} {
		if _, err := draw(page); err == nil {
			t.Errorf("no error for %s", page)
		}
	}
}
