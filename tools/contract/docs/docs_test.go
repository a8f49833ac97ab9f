// Package docs checks that what the project's pages say is true: links, paths, names, tables and commands, which are run.
package docs

import (
	"slices"
	"strings"
	"testing"
)

// check returns a line for all that is wrong, "where: what".
type check func(t *testing.T, docs []page) []string

var checks = map[string]check{
	"every block is in a language that somebody reads": checkBlocks,
	"the Go is compiled here":                          checkGo,
	"the links lead somewhere":                         checkLinks,
	"the paths are there":                              checkPaths,
	"the targets are those of the Makefile":            checkTargets,
	"the operations are those of the contract":         checkOperations,
	"the schemes are those of the contract":            checkSchemes,
	"the statuses are those of the errors":             checkStatuses,
	"the variables are those that are read":            checkVariables,
	"the exit codes are those of the tool":             checkExitCodes,
	"the names are those of the packages":              checkNames,
	"the Go version is that of go.mod":                 checkGoVersion,
	"the dependencies are those of the modules":        checkDependencies,
	"the figures are those of the code":                checkFigures,
}

func TestTheDocumentationIsTrue(t *testing.T) {
	docs := documentation(t)
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			for _, finding := range check(t, docs) {
				t.Error(finding)
			}
		})
	}
}

func TestTheChecksNoticeWhatIsWrong(t *testing.T) {
	for _, fault := range []struct {
		check                check
		page, old, new, want string // without an old text, the new one goes to the end of the page
	}{
		{checkLinks, "README.md", "", "[a](docs/nothing.md)", "link to docs/nothing.md: no such file"},
		{checkLinks, "docs/jobs.md", "", "[a](docs/jobs.md)", "link to docs/jobs.md: no such file"},
		{checkLinks, "README.md", "", "[a](#nowhere)", "link to #nowhere: no such heading"},
		{checkLinks, "README.md", "", "[a](docs/jobs.md#nowhere)", "link to docs/jobs.md#nowhere: no such heading"},
		{checkLinks, "README.md", "", "[a](LICENSE#nowhere)", "LICENSE has no headings"},
		{checkLinks, "README.md", "", "[`a`\nb][c]", "link to [c]: not defined"},
		{checkLinks, "README.md", "", "[c]: docs/nothing.md", "link to docs/nothing.md: no such file"},
		{checkLinks, "README.md", "", "[![a](nothing.svg)](LICENSE)", "link to nothing.svg: no such file"},
		{checkLinks, "README.md", "", "[a](../elsewhere)", "leads out of the project"},
		{checkLinks, "README.md", "", "[a](/LICENSE)", "leads out of the project"},
		{checkLinks, "README.md", "", "see http://www.example.com", "is not https"},
		{checkLinks, "README.md", "", "[a](https://nowhere)", "is not the address of a host"},
		{checkPaths, "README.md", "", "it is in /home/somebody/portal", "/home/somebody/portal is a path of one machine"},
		{checkPaths, "README.md", "", "it is in `testdata/nothing.yaml`", "testdata/nothing.yaml: no such file"},
		{checkPaths, "README.md", "", "it is in `nothing.yaml`", "nothing.yaml: no such file"},
		{checkPaths, "README.md", "", "`github.com/docspace-go/userdata/nothing`", "no such file"},
		{checkBlocks, "README.md", "", "```bash\nls\n```", "nobody reads a block of bash"},
		{checkBlocks, "README.md", "", "```\nls\n```", "nobody reads a block of no language"},
		{checkBlocks, "README.md", "", "```sh\nls", "the block has no end"},
		{checkBlocks, "README.md", "", "```json\n{\"a\": 1,}\n```", "no JSON"},
		{checkBlocks, "README.md", "", "```yaml\na: b: c\n```", "no YAML"},
		{checkGo, "README.md", "", "```go\nnothing.Like(this)\n```", "stands in no program of examples/, word for word: nothing.Like(this)"},
		{checkBlocks, "README.md", "Access denied. No job", "Access denied. A job", "the library does not say this"},
		{checkTargets, "README.md", "", "run `make nothing`", "make nothing: no such target"},
		{checkTargets, "README.md", "", "```sh\nls # or make nothing\n```", "make nothing: no such target"},
		{checkTargets, "CONTRIBUTING.md", "`make tidy-check`", "that", "make tidy-check is missing"},
		{checkOperations, "README.md", "`POST remove/start`", "`POST remove/begin`", "startRemove is POST remove/start in the contract"},
		{checkOperations, "README.md", "| startRemove |", "| beginRemove |", "beginRemove is no operation of the contract"},
		{checkOperations, "README.md", "| startRemove |", "| beginRemove |", "startRemove stands 0 times in the table"},
		{checkOperations, "README.md", "`Client.NecessaryReassign`", "`Client.ReassignNecessary`", "Client.ReassignNecessary: no such method"},
		{checkOperations, "README.md", "`Client.RemoveTask` → `Task.Terminate`", "`Client.ReassignTask` → `Task.Terminate`", "Client.RemoveTask is missing"},
		{checkOperations, "README.md", "`Client.Reassign` to wait", "`Client.Remove` to wait", "Client.Remove is for another operation than startReassign"},
		{checkStatuses, "docs/errors.md", "`ErrNotFound` (404)", "`ErrNotFound` (403)", "403 is not ErrNotFound"},
		{checkStatuses, "docs/errors.md", "(5xx)", "(4xx)", "400 is not ErrServer"},
		{checkSchemes, "docs/authentication.md", "`wrapper.APIKey(\"sk-…\")`", "`wrapper.BearerToken(\"sk-…\")`", "the editor for ApiKeyBearer is wrapper.APIKey"},
		{checkSchemes, "docs/authentication.md", "`DOCSPACE_TOKEN`", "`DOCSPACE_AUTH_KEY`", "that DOCSPACE_TOKEN is for Bearer is true"},
		{checkSchemes, "docs/authentication.md", "`DOCSPACE_TOKEN`", "`DOCSPACE_AUTH_KEY`", "that DOCSPACE_AUTH_KEY is for Bearer is false"},
		{checkSchemes, "docs/authentication.md", "| asc_auth_key |", "| Cookie |", "Cookie is no scheme of the contract"},
		{checkSchemes, "docs/authentication.md", "| asc_auth_key |", "| Cookie |", "asc_auth_key is missing"},
		{checkVariables, "README.md", "", "set DOCSPACE_NOTHING", "DOCSPACE_NOTHING is not read"},
		{checkVariables, "README.md", "", "set DOCSPACE_URL_FILE", "DOCSPACE_URL_FILE is not read"},
		{checkVariables, "docs/authentication.md", "`DOCSPACE_AUTH_KEY`", "", "DOCSPACE_AUTH_KEY is missing"},
		{checkExitCodes, "README.md", "4 not found", "7 not found", "7 not found is no exit code"},
		{checkExitCodes, "README.md", "4 not found", "7 not found", "exit code 4 NotFound is missing"},
		{checkNames, "docs/jobs.md", "", "`ErrNothing`", "ErrNothing: no such name"},
		{checkNames, "docs/jobs.md", "", "`wrapper.Nothing`", "wrapper.Nothing: no such name"},
		{checkNames, "docs/jobs.md", "", "`wrapper.Task.Nothing(ctx)`", "Task.Nothing: no such name"},
		{checkNames, "docs/jobs.md", "", "`WithNothing`", "WithNothing: no such name"},
		{checkNames, "docs/errors.md", "`ErrPaymentRequired`", "", "ErrPaymentRequired is missing"},
		{checkDependencies, "CONTRIBUTING.md", "- `google/uuid`", "- `nothing/uuid`", "google/uuid of go.mod is missing"},
		{checkDependencies, "CONTRIBUTING.md", "- `golangci-lint` ", "- `nothing` ", "golangci-lint of tools/lint/go.mod is missing"},
		{checkDependencies, "CONTRIBUTING.md", "- `@stoplight/prism-cli` ", "- `nothing` ", "@stoplight/prism-cli of tools/npm/package.json is missing"},
		{checkGoVersion, "README.md", "", "Go 1.2 or newer", "Go 1.2: go.mod says otherwise"},
		{checkFigures, "docs/jobs.md", "15 minutes by default", "10 minutes by default", `"15 minutes by default" is gone, which comes from "absentFor: 15 * time.Minute" in wrapper/options.go`},
		{checkFigures, "docs/jobs.md", "", "It takes 7 seconds.", `"7 seconds" is a figure that testdata/figures.yaml does not have`},
		{checkFigures, "wrapper/client.go", "limit: 30 * time.Second", "limit: 40 * time.Second", `"limit: 30 * time.Second" is gone, which is repeated in README.md, docs/failures.md, wrapper/client.go`},
		{checkFigures, "wrapper/retry.go", "500 ms by default", "600 ms by default", `"500 ms by default" is gone`},
		{checkFigures, "wrapper/retry.go", "500 ms by default", "600 ms by default", `"600 ms" is a figure`},
	} {
		t.Run(fault.want, func(t *testing.T) {
			docs := documentation(t)
			i := slices.IndexFunc(docs, func(p page) bool { return p.name == fault.page })
			if i < 0 { // code
				i, docs = len(docs), append(docs, parse(fault.page, read(t, fault.page)))
			}
			text := docs[i].text + "\n" + fault.new + "\n"
			if fault.old != "" {
				text = strings.ReplaceAll(docs[i].text, fault.old, fault.new)
			}
			if text == docs[i].text {
				t.Fatalf("%s has no %q any more to break", fault.page, fault.old)
			}
			docs[i] = parse(fault.page, text)
			found := fault.check(t, docs)
			if !slices.ContainsFunc(found, func(finding string) bool {
				return strings.HasPrefix(finding, fault.page+":") && strings.Contains(finding, fault.want)
			}) {
				t.Errorf("not noticed; the findings are %q", found)
			}
		})
	}
}
