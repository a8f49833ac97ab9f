package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the project's folder, seen from here.
const root = "../../.."

// page is a file of the documentation. Its prose is the text with the fenced blocks blanked out, so that an offset means
// the same in both.
type page struct {
	name, text, prose string
	blocks            []block
}

// block is what stands between two fences. Line is where its text begins.
type block struct {
	language, text string
	line           int
	open           bool // there is no second fence
}

// documentation reads every page of the project.
func documentation(t *testing.T) []page {
	var docs []page
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		name, err := filepath.Rel(root, path)
		docs = append(docs, parse(filepath.ToSlash(name), read(t, name)))
		return err
	}))
	return docs
}

// named returns the page of a name.
func named(t *testing.T, docs []page, name string) page {
	i := slices.IndexFunc(docs, func(p page) bool { return p.name == name })
	require.GreaterOrEqual(t, i, 0, "%s is missing", name)
	return docs[i]
}

// read returns a file of the project.
func read(t *testing.T, name string) string {
	data, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return strings.ReplaceAll(string(data), "\r\n", "\n")
}

var fence = regexp.MustCompile("^\\s*(```+|~~~+)\\s*(\\S*)")

func parse(name, text string) page {
	p := page{name: name, text: text}
	var prose strings.Builder
	var current *block
	var opened string // the first fence of the current block
	number := 0
	for line := range strings.Lines(text) {
		number++
		found := fence.FindStringSubmatch(line)
		switch {
		case current == nil && found == nil:
			prose.WriteString(line)
			continue
		case current == nil:
			p.blocks = append(p.blocks, block{language: found[2], line: number + 1, open: true})
			current, opened = &p.blocks[len(p.blocks)-1], found[1]
		case found != nil && strings.HasPrefix(found[1], opened) && found[2] == "":
			current.open = false
			current = nil
		default:
			current.text += line
		}
		prose.WriteString(blank(line))
	}
	p.prose = prose.String()
	return p
}

// blank puts spaces in place of everything but the ends of lines.
func blank(text string) string { return regexp.MustCompile(`[^\n]`).ReplaceAllStringFunc(text, spaces) }

func spaces(s string) string { return strings.Repeat(" ", len(s)) }

// at says where in the project an offset of the page is.
func (p page) at(offset int) string { return p.line(1 + strings.Count(p.text[:offset], "\n")) }

func (p page) line(number int) string { return fmt.Sprintf("%s:%d", p.name, number) }

// code is a piece of `code` in a page's prose.
type code struct{ where, text string }

var codeSpan = regexp.MustCompile("`([^`\n]+(?:\n[^`\n]+)*)`") // within a paragraph

func (p page) code() []code {
	var all []code
	for _, at := range codeSpan.FindAllStringSubmatchIndex(p.prose, -1) {
		all = append(all, code{p.at(at[0]), strings.Join(strings.Fields(p.prose[at[2]:at[3]]), " ")})
	}
	return all
}

// row is a line of a table, cell by cell.
type row struct {
	where string
	cells []string
}

// table returns the rows of the table whose first column has that title, the title's own row first.
func (p page) table(title string) []row {
	var rows []row
	number := 0
	for line := range strings.Lines(p.prose) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "| "+title+" |"), len(rows) > 0 && strings.HasPrefix(line, "| "):
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i, cell := range cells {
				cells[i] = strings.TrimSpace(cell)
			}
			rows = append(rows, row{p.line(number), cells})
		case len(rows) > 0 && !strings.HasPrefix(line, "|"):
			return rows
		}
	}
	return rows
}
