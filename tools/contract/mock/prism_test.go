package mock

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/docspace-go/userdata/tools/contract"
)

const (
	openapi   = "../../../openapi.yaml"
	prism     = "../../npm/node_modules/@stoplight/prism-cli/dist/index.js"
	endsAlone = "../../npm/end-with-stdin.js"
)

var listening = regexp.MustCompile(`listening on (http://127\.0\.0\.1:[0-9]+)`)

func TestMain(m *testing.M) {
	if _, err := os.Stat(prism); err != nil {
		fmt.Println("Prism is not installed: run `make tools/npm/node_modules/.package-lock.json`")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func load(t *testing.T) *openapi3.T {
	t.Helper()
	data, err := os.ReadFile(openapi)
	if err != nil {
		t.Fatal(err)
	}
	doc, found := contract.Load(data)
	if doc != nil {
		found = append(found, contract.Rules(doc)...)
	}
	if len(found) > 0 {
		t.Fatal(found[0])
	}
	return doc
}

// only writes a contract in which one security scheme is all that every operation has, and returns the file's name. It
// also demands whatever may be sent: otherwise Prism would not mind something optional that goes by another name.
func only(t *testing.T, scheme string) string {
	t.Helper()
	doc := load(t)
	for _, op := range contract.Operations(doc) {
		op.Security = &openapi3.SecurityRequirements{openapi3.NewSecurityRequirement().Authenticate(scheme)}
		for _, parameter := range op.Parameters {
			parameter.Value.Required = true
		}
		if op.RequestBody != nil {
			op.RequestBody.Value.Required = true
			for _, content := range op.RequestBody.Value.Content {
				schema := content.Schema.Value
				schema.Required = slices.Sorted(maps.Keys(schema.Properties))
			}
		}
	}
	data, err := doc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// start has Prism serve a contract until the test ends, and returns its address.
func start(t *testing.T, file string) string {
	t.Helper()
	// Port 0 lets the system choose.
	cmd := exec.Command("node", "--require", endsAlone, prism, "mock", "--host", "127.0.0.1", "--port", "0", file)
	cmd.Env = append(os.Environ(), "FORCE_COLOR=0")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatalf("Prism does not start: %v", err)
	}
	up := false
	const patience = 5 * time.Minute // with a machine that has much else to do
	hung := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		hung.Reset(10 * time.Second)
		defer hung.Stop()
		_ = stdin.Close() // As the system does if this process is killed.
		if err := cmd.Wait(); err != nil && up {
			t.Errorf("Prism did not end with its standard input: %v", err)
		}
	})

	var said []string
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if address := listening.FindStringSubmatch(lines.Text()); address != nil {
			up = hung.Stop()
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return address[1]
		}
		if line := strings.TrimSpace(lines.Text()); line != "" {
			said = append(said, line)
		}
	}
	t.Fatalf("Prism does not start within %s: it says %q", patience, said[:min(len(said), 6)])
	return ""
}
