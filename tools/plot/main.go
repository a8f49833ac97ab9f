// Command plot draws the growth of bulk runs: it reads the tables of a page, and writes an SVG that suits light and dark
// pages alike.
//
//	plot ../../docs/bulk-figures.md >../../docs/bulk-growth.svg
package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"text/template"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: plot PAGE")
	}
	page, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	picture, err := draw(string(page))
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	_, err = out.Write(picture)
	return err
}

// series is what the table has of jobs of one length: for so many users, so much.
type series struct {
	Name   string
	users  []float64
	values map[string][]float64 // by column
}

// read finds the table that has a column of users.
func read(page string) (all []*series, _ error) {
	var columns []string
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case len(cells) > 1 && cells[1] == "users":
			columns = cells
		case len(cells) != len(columns) || strings.HasPrefix(cells[0], "-"):
		default:
			if len(all) == 0 || all[len(all)-1].Name != cells[0] {
				all = append(all, &series{Name: cells[0], values: map[string][]float64{}})
			}
			last := all[len(all)-1]
			users, err := strconv.ParseFloat(cells[1], 64)
			if err != nil || users < 1 {
				return nil, fmt.Errorf("%q users", cells[1])
			}
			last.users = append(last.users, users)
			for i, cell := range cells {
				if n, err := strconv.ParseFloat(cell, 64); err == nil {
					last.values[columns[i]] = append(last.values[columns[i]], n)
				}
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no table with a column of users")
	}
	return all, nil
}

// The picture: panels side by side, each with a plot of this size in it.
const (
	width, height = 290.0, 170.0
	top, left     = 76.0, 44.0
	gap           = 80.0
)

type panel struct {
	Title         string
	X             float64
	Lines         []line
	Across, Along []tick
}

type line struct {
	Class, Points string
	Dots          []dot
}

type dot struct{ X, Y float64 }

type tick struct {
	At    float64
	Label string
}

func draw(page string) ([]byte, error) {
	all, err := read(page)
	if err != nil {
		return nil, err
	}
	var panels []panel
	for i, column := range []struct {
		name, title string
	}{{"requests of a user", "Requests of a user"}, {"ratio", "Makespan over lower bound"}} {
		p := panel{Title: column.title, X: left + float64(i)*(width+gap)}
		most, users := 0.0, 0.0
		for _, s := range all {
			if len(s.values[column.name]) != len(s.users) {
				return nil, fmt.Errorf("column %q: not a number in every row", column.name)
			}
			for j, v := range s.values[column.name] {
				most, users = max(most, v), max(users, s.users[j])
			}
		}
		step := math.Pow(10, math.Floor(math.Log10(most)))
		if most/step < 4 {
			step /= 2
		}
		if most/step > 6 {
			step *= 2
		}
		highest := step * math.Ceil(most/step)
		decades := max(math.Ceil(math.Log10(users))-1, 1) // from 10 on
		x := func(users float64) float64 { return round(width * (math.Log10(users) - 1) / decades) }
		y := func(v float64) float64 { return round(height * (1 - v/highest)) }
		for n, s := range all {
			l := line{Class: fmt.Sprint("s", n)}
			for j, v := range s.values[column.name] {
				d := dot{x(s.users[j]), y(v)}
				l.Dots = append(l.Dots, d)
				l.Points += fmt.Sprintf("%g,%g ", d.X, d.Y)
			}
			l.Points = strings.TrimSpace(l.Points)
			p.Lines = append(p.Lines, l)
		}
		for v := 0.0; v <= highest*1.0001; v += step {
			p.Across = append(p.Across, tick{y(v), strconv.FormatFloat(round(v), 'f', -1, 64)})
		}
		for d := 0.0; d <= decades; d++ {
			p.Along = append(p.Along, tick{x(math.Pow(10, d+1)), thousands(int(math.Pow(10, d+1)))})
		}
		panels = append(panels, p)
	}
	var out bytes.Buffer
	err = picture.Execute(&out, map[string]any{
		"Panels": panels, "Series": all, "Width": left + 2*width + gap + 34, "Height": top + height + 50,
		"PlotWidth": width, "PlotHeight": height, "Top": top, "Left": left,
	})
	return out.Bytes(), err
}

func round(v float64) float64 { return math.Round(v*100) / 100 }

func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

var picture = template.Must(template.New("").Funcs(template.FuncMap{
	"times": func(n int, d float64) float64 { return float64(n) * d },
	"plus":  func(a, b float64) float64 { return a + b },
}).Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" role="img" aria-label="Requests of a user, and makespan over lower bound, by the number of users">
<style>
  svg { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; }
  text { fill: #3d444d; }
  .title { font-weight: 600; fill: #1f2328; }
  .grid { stroke: #d1d9e0; }
  .s0 { color: #0969da; } .s1 { color: #bc4c00; } .s2 { color: #1a7f37; }
  polyline { fill: none; stroke: currentColor; stroke-width: 2.5; stroke-linejoin: round; }
  circle { fill: currentColor; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1; }
    .title { fill: #f0f6fc; }
    .grid { stroke: #3d444d; }
    .s0 { color: #4493f8; } .s1 { color: #f0883e; } .s2 { color: #3fb950; }
  }
</style>
{{range $i, $s := .Series}}<g class="s{{$i}}" transform="translate({{plus $.Left (times $i 190)}} 20)"><circle cx="6" cy="-4" r="5"/><text x="18">jobs {{$s.Name}}</text></g>
{{end}}{{range .Panels}}<g transform="translate({{.X}} {{$.Top}})">
<text class="title" y="-18">{{.Title}}</text>
{{range .Across}}<line class="grid" x2="{{$.PlotWidth}}" y1="{{.At}}" y2="{{.At}}"/><text x="-10" y="{{plus .At 4}}" text-anchor="end">{{.Label}}</text>
{{end}}{{range .Along}}<text x="{{.At}}" y="{{plus $.PlotHeight 20}}" text-anchor="middle">{{.Label}}</text>
{{end}}<text x="{{$.PlotWidth}}" y="{{plus $.PlotHeight 40}}" text-anchor="end">users</text>
{{range .Lines}}<g class="{{.Class}}"><polyline points="{{.Points}}"/>{{range .Dots}}<circle cx="{{.X}}" cy="{{.Y}}" r="4"/>{{end}}</g>
{{end}}</g>
{{end}}</svg>
`))
