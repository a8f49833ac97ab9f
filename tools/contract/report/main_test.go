package main

import (
	"slices"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for _, test := range []struct {
		name   string
		in     string
		passed int
		want   []string
	}{
		{"all is well", `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`, 1, nil},
		{"a finding is a line", `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: startReassign: status 400: missing\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA (0.00s)\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}`, 0, []string{"startReassign: status 400: missing"}},
		{"the same finding twice is one", `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: x\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:9: x\n"}
{"Action":"fail","Package":"p","Test":"TestA"}`, 0, []string{"x"}},
		{"what a test says that passes is no finding", `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: for information\n"}
{"Action":"pass","Package":"p","Test":"TestA"}`, 1, nil},
		{"but for traffic", `{"Action":"output","Package":"p","Test":"TestA","Output":"contract: startRemove: answer 200: x\n"}
{"Action":"pass","Package":"p","Test":"TestA"}`, 1, []string{"startRemove: answer 200: x (TestA)"}},
		{"a panic", `{"Action":"output","Package":"p","Test":"TestA","Output":"panic: nil map\n"}
{"Action":"fail","Package":"p","Test":"TestA"}`, 0, []string{"panic: nil map"}},
		{"a panic, of which go test tells no more", `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: nil map\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"goroutine 7 [running]:\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"p.a()\n"}
{"Action":"fail","Package":"p"}`, 0, []string{"panic: nil map"}},
		{"what does not compile", `{"Action":"build-output","ImportPath":"p","Output":"# p\n"}
{"Action":"build-output","ImportPath":"p","Output":"./a.go:1:2: undefined: x\n"}
{"Action":"build-fail","ImportPath":"p"}
{"Action":"fail","Package":"p"}`, 0, []string{"./a.go:1:2: undefined: x"}},
		{"what the go command says", "go: cannot find module\n", 0, []string{"go: cannot find module"}},
		{"nothing was run", "", 0, []string{"no test was run"}},
		{"a package without tests", `{"Action":"skip","Package":"p"}`, 0, []string{"no test was run"}},
		{"an end that is missing", `{"Action":"start","Package":"p"}
{"Action":"pass","Package":"p","Test":"TestA"}`, 1, []string{"p was not tested to the end"}},
		{"a failure without a word", `{"Action":"fail","Package":"p","Test":"TestA"}`, 0, []string{"p TestA failed without a word"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			passed, found := read(strings.NewReader(test.in))
			if passed != test.passed || !slices.Equal(found, test.want) {
				t.Errorf("got %d passed and %q, want %d and %q", passed, found, test.passed, test.want)
			}
		})
	}
}
