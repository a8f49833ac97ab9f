package wrapper

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/docspace-go/userdata/tools/contract/traffic"
)

// seen compares the requests of scripted clients with the contract, but for those that a test has led somewhere else or
// signed in a way of its own. `make contract` fails on every line that is written here.
func seen(r *http.Request, body []byte) {
	base := strings.LastIndex(r.URL.Path, "/api/2.0/")
	if base < 0 || r.Response != nil || !traffic.FromWrapper(r) {
		return
	}
	r = r.Clone(r.Context())
	r.URL.Path, r.URL.RawPath = r.URL.Path[base:], ""
	for _, f := range traffic.Request(r, body) {
		fmt.Fprintf(os.Stderr, "\ncontract: %s\n", f)
	}
}
