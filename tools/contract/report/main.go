// Report reads the output of `go test -json` and says what was checked, and in one line each what does not agree. Lines
// that begin with "contract: " are findings even in tests that pass: the checks of the traffic write them.
//
//	go test -json ./... | go run ./report 'openapi.yaml and the documentation'
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	title := strings.Join(os.Args[1:], " ")
	fmt.Printf("contract: %s\n", title)
	began := time.Now()
	tests, findings := read(os.Stdin)
	for _, f := range findings {
		fmt.Printf("contract: FAIL: %s\n", f)
	}
	if len(findings) > 0 {
		os.Exit(1)
	}
	fmt.Printf("contract: ok, %d tests, %d s\n", tests, int(time.Since(began).Seconds()))
}

// event is what test2json documents.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// read returns how many tests have passed, and what there is to say of the others. No test at all is a finding.
func read(in io.Reader) (passed int, findings []string) {
	said := map[[2]string][]string{} // by package and test
	add := func(line string) {
		if !slices.Contains(findings, line) {
			findings = append(findings, line)
		}
	}
	var failed [][2]string
	open := map[[2]string]bool{} // packages and tests of which no end is told
	lines := bufio.NewReader(in)
	for {
		text, err := lines.ReadString('\n')
		var e event
		if json.Unmarshal([]byte(text), &e) != nil {
			if text = strings.TrimSpace(text); text != "" {
				add(text) // the go command itself, before it could run anything
			}
		}
		key := [2]string{e.Package, e.Test}
		switch e.Action {
		case "start", "run":
			open[key] = true
		case "pass", "fail", "skip":
			delete(open, key)
		}
		switch line := strings.TrimRight(e.Output, "\n"); {
		case e.Action == "build-output" && !strings.HasPrefix(line, "# "):
			add(strings.TrimSpace(line))
		case e.Action == "output" && strings.HasPrefix(line, "contract: "):
			add(strings.TrimPrefix(line, "contract: ") + " (" + e.Test + ")")
		case e.Action == "output" && !noise.MatchString(line):
			said[key] = append(said[key], place.ReplaceAllString(line, ""))
		case e.Action == "pass" && e.Test != "":
			passed++
		case e.Action == "fail":
			failed = append(failed, key)
		}
		if err != nil {
			break
		}
	}
	unended := slices.SortedFunc(maps.Keys(open), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, key := range unended { // Where a test panics, nothing more is told of it.
		if key[1] == "" {
			add(key[0] + " was not tested to the end")
		}
		failed = append(failed, key)
	}
	for _, key := range failed {
		for _, line := range said[key] {
			if stack.MatchString(line) {
				break
			}
			add(line)
		}
	}
	switch {
	case len(findings) > 0:
	case len(failed) > 0:
		add(fmt.Sprintf("%s %s failed without a word", failed[0][0], failed[0][1]))
	case passed == 0:
		add("no test was run")
	}
	return passed, findings
}

var (
	noise = regexp.MustCompile(`^\s*(===|---|PASS|FAIL|ok |exit status|$)`)
	stack = regexp.MustCompile(`^goroutine \d+ `)
	place = regexp.MustCompile(`^\s*(\w+\.go:\d+: )?`)
)
