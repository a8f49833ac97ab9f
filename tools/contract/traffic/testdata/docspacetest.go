package docspacetest

import (
	"fmt"
	"net/http"
	"os"

	"github.com/docspace-go/userdata/tools/contract"
	check "github.com/docspace-go/userdata/tools/contract/traffic"
)

// seen compares requests of the wrapper, and all of the portal's own answers, with the contract. `make contract` fails
// on every line that is written here.
func seen(r *http.Request, body []byte, a *answer) {
	var found []contract.Finding
	switch {
	case a != nil:
		found = check.Answer(r, body, a.status, a.header, a.body.Bytes())
	case check.FromWrapper(r):
		found = check.Request(r, body)
	}
	for _, f := range found {
		fmt.Fprintf(os.Stderr, "\ncontract: %s\n", f)
	}
}
