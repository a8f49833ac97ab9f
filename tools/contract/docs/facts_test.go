package docs

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/docspace-go/userdata"
	"github.com/docspace-go/userdata/wrapper"
)

// contract is what of openapi.yaml the README repeats.
type contract struct {
	Paths map[string]map[string]struct {
		OperationID string `yaml:"operationId"`
	}
	Components struct {
		SecuritySchemes map[string]any `yaml:"securitySchemes"`
	}
}

func readContract(t *testing.T) (c contract) {
	require.NoError(t, yaml.Unmarshal([]byte(userdata.Contract()), &c))
	require.NotEmpty(t, c.Paths)
	require.NotEmpty(t, c.Components.SecuritySchemes)
	return c
}

var progressOrEnd = regexp.MustCompile(`^(?:get(\w+)Progress|terminate(\w+))$`)

// checkOperations wants the README's table to have each operation once, where the contract has it, with methods that the
// client has.
func checkOperations(t *testing.T, docs []page) (found []string) {
	readme := named(t, docs, "README.md")
	rows := readme.table("operation")
	if len(rows) == 0 || len(rows[0].cells) != 3 {
		return []string{readme.name + ": there is no table of operations, methods and endpoints"}
	}
	_, base, _ := strings.Cut(strings.ReplaceAll(rows[0].cells[2], "`", ""), "below ")
	endpoints := map[string]string{}
	for path, methods := range readContract(t).Paths {
		for method, operation := range methods {
			endpoints[operation.OperationID] = strings.ToUpper(method) + " " + strings.TrimPrefix(path, base+"/")
		}
	}
	times := map[string]int{}
	for _, r := range rows[1:] {
		operation := r.cells[0]
		times[operation]++
		add := func(what string) { found = append(found, r.where+": "+what) }
		switch endpoint := endpoints[operation]; {
		case endpoint == "":
			add(operation + " is no operation of the contract")
		case len(r.cells) != 3 || r.cells[2] != "`"+endpoint+"`":
			add(operation + " is " + endpoint + " in the contract")
		}

		want := []string{"Client." + strings.ToUpper(operation[:1]) + operation[1:]}
		also := []string{"Client." + strings.TrimPrefix(operation, "start")} // which waits as well
		if job := progressOrEnd.FindStringSubmatch(operation); job != nil && job[1] != "" {
			want, also = []string{"Client." + job[1] + "Task", "Task.Progress"}, []string{"Task.Wait", "Task.Watch"}
		} else if job != nil {
			want, also = []string{"Client." + job[2] + "Task", "Task.Terminate"}, nil
		}
		also = append(also, want...)
		receiver := ""
		for _, span := range codeSpan.FindAllStringSubmatch(r.cells[1], -1) {
			name := span[1]
			if before, _, ok := strings.Cut(name, "."); ok {
				receiver = before
			} else {
				name = receiver + "." + name
			}
			switch {
			case !isMethod(name):
				add(name + ": no such method")
			case !slices.Contains(also, name):
				add(name + " is for another operation than " + operation)
			}
			want = slices.DeleteFunc(want, func(w string) bool { return w == name })
		}
		for _, missing := range want {
			add(missing + " is missing")
		}
	}
	for _, operation := range slices.Sorted(maps.Keys(endpoints)) {
		if times[operation] != 1 {
			found = append(found, rows[0].where+": "+operation+" stands "+strconv.Itoa(times[operation])+" times in the table")
		}
	}
	return found
}

func isMethod(name string) bool {
	receiver, method, _ := strings.Cut(name, ".")
	for _, of := range []any{(*wrapper.Client)(nil), (*wrapper.Task)(nil)} {
		if kind := reflect.TypeOf(of); kind.Elem().Name() == receiver {
			_, ok := kind.MethodByName(method)
			return ok
		}
	}
	return false
}

var (
	editorOf  = regexp.MustCompile(`(?m)^// (\w+) signs requests .* the contract's (\w+)`)
	editorFor = regexp.MustCompile(`\{"(DOCSPACE_\w+)", (.+)\},`)
)

// checkSchemes wants the table of the page on credentials to have the contract's ways to sign a request, each with its editor
// and variables.
func checkSchemes(t *testing.T, docs []page) (found []string) {
	guide := named(t, docs, "docs/authentication.md")
	schemes := readContract(t).Components.SecuritySchemes
	editors := map[string]string{}
	for _, e := range editorOf.FindAllStringSubmatch(read(t, "wrapper/auth.go"), -1) {
		editors[e[2]] = e[1]
	}
	variables := editorFor.FindAllStringSubmatch(read(t, "wrapper/env.go"), -1)
	require.NotEmpty(t, variables)
	for _, r := range guide.table("scheme")[1:] {
		scheme := r.cells[0]
		if _, ok := schemes[scheme]; !ok {
			found = append(found, r.where+": "+scheme+" is no scheme of the contract")
			continue
		}
		delete(schemes, scheme)
		if editor := "wrapper." + editors[scheme]; len(r.cells) != 3 || !strings.HasPrefix(r.cells[1], "`"+editor+"(") {
			found = append(found, r.where+": the editor for "+scheme+" is "+editor)
			continue
		}
		for _, v := range variables {
			takes, named := strings.Contains(v[2], editors[scheme]), strings.Contains(r.cells[2], "`"+v[1]+"`")
			if takes != named {
				found = append(found, fmt.Sprintf("%s: that %s is for %s is %t", r.where, v[1], scheme, takes))
			}
		}
	}
	for _, scheme := range slices.Sorted(maps.Keys(schemes)) {
		found = append(found, guide.name+": "+scheme+" is missing in the table of schemes")
	}
	return found
}

var (
	kindOfStatus = regexp.MustCompile("`(Err\\w+)` \\((\\d)(\\d\\d|xx)\\)")
	kinds        = map[string]error{
		"ErrBadRequest": wrapper.ErrBadRequest, "ErrUnauthorized": wrapper.ErrUnauthorized,
		"ErrPaymentRequired": wrapper.ErrPaymentRequired, "ErrForbidden": wrapper.ErrForbidden,
		"ErrNotFound": wrapper.ErrNotFound, "ErrRateLimited": wrapper.ErrRateLimited, "ErrServer": wrapper.ErrServer,
	}
)

// checkStatuses wants an error that stands with a status behind it to be what the wrapper makes of that status.
func checkStatuses(_ *testing.T, docs []page) (found []string) {
	for _, p := range docs {
		for _, at := range kindOfStatus.FindAllStringSubmatchIndex(p.prose, -1) {
			name, status := p.prose[at[2]:at[3]], p.prose[at[4]:at[5]]+strings.ReplaceAll(p.prose[at[6]:at[7]], "xx", "00")
			code, _ := strconv.Atoi(status)
			if kind := kinds[name]; kind == nil || !errors.Is(&wrapper.Error{StatusCode: code}, kind) {
				found = append(found, p.at(at[0])+": "+status+" is not "+name)
			}
		}
	}
	return found
}

var variable = regexp.MustCompile(`DOCSPACE(_[A-Z]+)+`)

// checkVariables wants the library, or the tool for its profiles, to read every variable that is named, and the page on
// credentials to name every one that it reads.
func checkVariables(t *testing.T, docs []page) (found []string) {
	for _, p := range docs {
		for _, at := range variable.FindAllStringIndex(p.text, -1) {
			if name := p.text[at[0]:at[1]]; name != "DOCSPACE_PROFILE" && !isRead(t, name) {
				found = append(found, p.at(at[0])+": "+name+" is not read by wrapper.NewFromEnv")
			}
		}
	}
	guide := named(t, docs, "docs/authentication.md")
	mentioned := variable.FindAllString(guide.text, -1)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(variable.FindAllString(read(t, "wrapper/env.go"), -1)))) {
		if !slices.Contains(mentioned, name) {
			found = append(found, guide.name+": "+name+" is missing")
		}
	}
	return found
}

// isRead tells whether a variable makes a difference to wrapper.NewFromEnv.
func isRead(t *testing.T, name string) bool {
	for _, pair := range os.Environ() {
		if set, _, _ := strings.Cut(pair, "="); strings.HasPrefix(set, "DOCSPACE_") {
			t.Setenv(set, "")
		}
	}
	t.Setenv("DOCSPACE_URL", "https://docspace.example.com")
	_, without := wrapper.NewFromEnv()
	t.Setenv(name, filepath.Join(t.TempDir(), "nothing")) // no secret, no address, no file
	_, with := wrapper.NewFromEnv()
	t.Setenv(name, "")
	return with == nil || with.Error() != without.Error()
}

var (
	exitConstant = regexp.MustCompile(`(?m)^\s+exit([A-Z]\w*)\s*=\s*(\d+)`)
	exitSentence = regexp.MustCompile(`exit\s+code\s+says\s+how\s+it\s+ended:([^.]*)\.`)
)

// checkExitCodes wants the README to list the tool's exit codes.
func checkExitCodes(t *testing.T, docs []page) (found []string) {
	readme := named(t, docs, "README.md")
	at := exitSentence.FindStringSubmatchIndex(readme.prose)
	if at == nil {
		return []string{readme.name + ": no sentence lists the exit codes"}
	}
	codes := map[string]string{} // the constants, without exit and in small letters
	for _, c := range exitConstant.FindAllStringSubmatch(read(t, "cmd/docspace-userdata/main.go"), -1) {
		codes[c[2]+" "+strings.ToLower(c[1])] = c[2] + " " + c[1]
	}
	for said := range strings.SplitSeq(readme.prose[at[2]:at[3]], ",") {
		said = strings.Join(strings.Fields(said), " ")
		number, meaning, _ := strings.Cut(strings.ReplaceAll(said, "not known", "unknown"), " ")
		key := number + " " + strings.ReplaceAll(meaning, " ", "")
		if codes[key] == "" {
			found = append(found, readme.at(at[0])+": "+said+" is no exit code of the tool")
		}
		delete(codes, key)
	}
	for _, missing := range slices.Sorted(maps.Values(codes)) {
		found = append(found, readme.at(at[0])+": exit code "+missing+" is missing")
	}
	return found
}

var goVersion = regexp.MustCompile(`Go (\d[\d.]*) or newer`)

// checkGoVersion wants the Go that the README asks for to be the one that go.mod asks for.
func checkGoVersion(t *testing.T, docs []page) (found []string) {
	gomod := read(t, "go.mod")
	for _, p := range docs {
		for _, at := range goVersion.FindAllStringSubmatchIndex(p.prose, -1) {
			if version := p.prose[at[2]:at[3]]; !regexp.MustCompile(`(?m)^go ` + regexp.QuoteMeta(version) + `(\.0)?$`).MatchString(gomod) {
				found = append(found, p.at(at[0])+": Go "+version+": go.mod says otherwise")
			}
		}
	}
	return found
}
