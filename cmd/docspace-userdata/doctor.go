package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/screen"
	"github.com/docspace-go/userdata/wrapper"
)

// verdict says what to make of something that was found.
type verdict string

const (
	verdictOK   verdict = "ok"
	verdictWarn verdict = "warn"
	verdictFail verdict = "fail"
)

// finding is a line of the doctor's table.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Found   string  `json:"found"`
	Hint    string  `json:"hint,omitempty"`
}

// doctorDocument is what doctor says.
type doctorDocument struct {
	head
	Portal string    `json:"portal"`
	Checks []finding `json:"checks"`
	seen   *recorder
}

func (d *doctorDocument) text() string {
	rows := [][]string{{"check", "verdict", "found"}}
	for _, f := range d.Checks {
		found := f.Found
		if f.Hint != "" {
			found += ". " + f.Hint
		}
		rows = append(rows, []string{f.Check, string(f.Verdict), found})
	}
	return columns(rows)
}

func (d *doctorDocument) add(check string, v verdict, found, hint string) {
	found = screen.Clean(found)
	for _, secret := range d.seen.secrets() { // which a server may repeat in a header, or as the name of a field
		found = strings.ReplaceAll(found, secret, "[hidden]")
	}
	d.Checks = append(d.Checks, finding{check, v, found, hint})
}

func doctorCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at a portal, and at what the account may do there",
		Long: `Look at a portal with a handful of reads that are about nobody: whether it can be reached, its certificate and clock,
what kind of credential was recognised, what the account may read, whether the answers are what the contract says, and
what the headers tell of limits and version. Nothing is changed. What the account may write cannot be told by reading.

The exit code is 0 if nothing fails; otherwise it is that of the first failure: 3 not allowed, 1 anything else.`,
		Example: `  docspace-userdata doctor --url https://docspace.example.com --api-key-file ~/.docspace-key
  docspace-userdata doctor --profile prod --json`,
	}
	connect := connectionFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		seen := &recorder{base: t.http.Transport}
		if seen.base == nil {
			seen.base = http.DefaultTransport
		}
		watched := *t.http
		watched.Transport = seen
		connect.http = &watched
		client, err := connect.client(cmd.Context(), t, wrapper.WithRetry(wrapper.RetryPolicy{MaxAttempts: 1}))
		if err != nil {
			return err
		}
		d := &doctorDocument{Portal: connect.portal(), seen: seen}
		return t.answer(cmd, d, d.examine(cmd.Context(), client, seen))
	}
	return cmd
}

// examine looks at everything. The error is that of the first thing that fails.
func (d *doctorDocument) examine(ctx context.Context, client *wrapper.Client, seen *recorder) error {
	nobody := uuid.New()
	var first error
	for i, operation := range []struct {
		name, may string
		kind      shape
		ask       func() error
	}{
		{"necessaryReassign", "check users", shapeBool, func() error {
			_, err := client.NecessaryReassign(ctx, nobody, "")
			return err
		}},
		{"getReassignProgress", "watch reassignments", shapeTask, func() error {
			_, err := client.ReassignTask(nobody).Progress(ctx)
			return err
		}},
		{"getRemoveProgress", "watch removals", shapeTask, func() error {
			_, err := client.RemoveTask(nobody).Progress(ctx)
			return err
		}},
		{"getDeletePersonalFolderProgress", "watch its own folder", shapeTask, func() error {
			_, err := client.DeletePersonalFolderTask().Progress(ctx)
			return err
		}},
	} {
		err := operation.ask()
		if ctx.Err() != nil {
			return errors.Join(first, ctx.Err())
		}
		e := seen.last()
		if i == 0 {
			if failure := d.portal(e, err); failure != nil {
				return failure
			}
		}
		if failure := d.operation(operation.name, operation.may, operation.kind, e, err); first == nil {
			first = failure
		}
		if errors.Is(err, wrapper.ErrUnauthorized) {
			break // the others would say the same
		}
	}
	d.limits(seen)
	d.version(seen)
	if first == nil && slices.ContainsFunc(d.Checks, func(f finding) bool { return f.Verdict == verdictFail }) {
		first = errors.New("something fails; see the table")
	}
	return first
}

// portal is about the first answer, or its absence: what is there at the address at all.
func (d *doctorDocument) portal(e *exchange, err error) error {
	if e == nil {
		d.add("url", verdictFail, err.Error(), "")
		return err
	}
	if e.err != nil {
		d.add("url", verdictFail, "no answer: "+e.err.Error(), "Check the address, and whether this machine gets there")
		return err
	}
	d.add("url", verdictOK, fmt.Sprintf("answers after %v", e.took.Round(time.Millisecond)), "")
	d.tls(e)
	d.clock(e)
	d.credential(e, err)
	return nil
}

func (d *doctorDocument) tls(e *exchange) {
	if e.tls == nil {
		d.add("tls", verdictWarn, "none: the connection is not encrypted", "Fine on this machine only")
		return
	}
	found, v, hint := tls.VersionName(e.tls.Version), verdictOK, ""
	if len(e.tls.PeerCertificates) > 0 {
		days := int(e.tls.PeerCertificates[0].NotAfter.Sub(e.at).Hours() / 24)
		found += fmt.Sprintf(", the certificate is good for %d days", days)
		if days < 14 {
			v, hint = verdictWarn, "Have it renewed"
		}
	}
	d.add("tls", v, found, hint)
}

func (d *doctorDocument) clock(e *exchange) {
	theirs, err := http.ParseTime(e.header.Get("Date"))
	if err != nil {
		d.add("clock", verdictWarn, "the portal does not say what time it is", "")
		return
	}
	off := e.at.Add(e.took / 2).Sub(theirs).Round(time.Second)
	switch {
	case off.Abs() <= time.Minute:
		d.add("clock", verdictOK, "the same here and there, within a minute", "")
	case off > 0:
		d.add("clock", verdictWarn, fmt.Sprintf("this machine is %v ahead of the portal", off), "Tokens may count as expired; set the clock")
	default:
		d.add("clock", verdictWarn, fmt.Sprintf("this machine is %v behind the portal", -off), "Tokens may count as not valid yet; set the clock")
	}
}

// credential names the kind that a portal takes it for, which is found by its looks.
func (d *doctorDocument) credential(e *exchange, err error) {
	switch {
	case errors.Is(err, wrapper.ErrUnauthorized):
		d.add("credential", verdictFail, e.credential+", which the portal does not accept", "It is wrong, has expired, or belongs to a disabled account")
	case err == nil, errors.Is(err, wrapper.ErrBadRequest), errors.Is(err, wrapper.ErrForbidden):
		d.add("credential", verdictOK, e.credential, "")
	default:
		d.add("credential", verdictWarn, e.credential+" by its looks; the portal does not say", "")
	}
}

func credentialOf(h http.Header) string {
	value := h.Get("Authorization")
	word, token, _ := strings.Cut(value, " ")
	switch {
	case value == "":
		return "the key of a session, as a cookie"
	case strings.EqualFold(word, "Basic"):
		return "e-mail and password"
	case strings.HasPrefix(token, "sk-"):
		return "an API key"
	case strings.Count(token, ".") == 2:
		return "an access token (JWT)"
	}
	return "neither an API key (sk-…) nor a JWT, which portals take for the key of a session"
}

// operation is about one of the reads: what the account may do, and whether the answer is one of the contract.
func (d *doctorDocument) operation(name, may string, kind shape, e *exchange, err error) error {
	if e.err != nil {
		d.add(name, verdictFail, "no answer: "+e.err.Error(), "")
		return err
	}
	found := fmt.Sprintf("%d %s", e.status, http.StatusText(e.status))
	var refusal *wrapper.Error
	if errors.As(err, &refusal) && refusal.Message != "" {
		found += ": " + refusal.Message
	}
	hint := ""
	switch {
	case errors.Is(err, wrapper.ErrUnauthorized):
		hint = "The account may not " + may + ": check the credential"
	case errors.Is(err, wrapper.ErrForbidden):
		hint = "The account may not " + may + ": use one that may, an API key with the scope read, an address that is let in"
	case errors.Is(err, wrapper.ErrPaymentRequired):
		hint = "The portal has to be paid for"
	case errors.Is(err, wrapper.ErrRateLimited):
		hint = "Try again later"
	case errors.Is(err, wrapper.ErrServer):
		hint = "The portal, or a proxy before it, is in trouble: try again later"
	case errors.Is(err, wrapper.ErrNotFound) && refusal.Message == "":
		hint = "There is no portal at this address, or it is suspended"
	case e.status/100 == 3:
		hint = "It leads elsewhere: if the portal is there, use that address" // which the error has
	}
	if hint != "" {
		d.add(name, verdictFail, found, hint)
		return err
	}
	problems, news := validate(kind, e.status, e.body)
	unknownUser := errors.Is(err, wrapper.ErrBadRequest) || errors.Is(err, wrapper.ErrNotFound)
	switch {
	case len(problems) > 0:
		d.add(name, verdictFail, fmt.Sprintf("%d, not what the contract says: %s", e.status, strings.Join(problems, "; ")), "Is this the address of a portal?")
		if err == nil || errors.Is(err, wrapper.ErrNoTask) || unknownUser {
			err = fmt.Errorf("%s: the answer is not what the contract says: %s", name, problems[0])
		}
		return err
	case err != nil && !errors.Is(err, wrapper.ErrNoTask) && !unknownUser:
		d.add(name, verdictFail, found, "")
		return err
	case len(news) > 0:
		d.add(name, verdictWarn, fmt.Sprintf("may %s; %d, not in the contract: %s", may, e.status, strings.Join(news, ", ")), "Newer portals say more; it does no harm")
	default:
		d.add(name, verdictOK, fmt.Sprintf("may %s; %d as the contract says", may, e.status), "")
	}
	return nil
}

func (d *doctorDocument) limits(seen *recorder) {
	h := seen.last().header
	limit, left := h.Get("X-RateLimit-Limit"), h.Get("X-RateLimit-Remaining")
	n, err := strconv.Atoi(left)
	all, _ := strconv.Atoi(limit)
	switch {
	case h.Get("Retry-After") != "":
		d.add("limits", verdictWarn, "come back after "+h.Get("Retry-After")+" s", "Somebody has used the account's limit up")
	case limit == "" && left == "":
		d.add("limits", verdictOK, "the headers name none", "")
	case err == nil && n*10 < all:
		d.add("limits", verdictWarn, left+" of "+limit+" requests are left", "Somebody else uses the account's limit")
	default:
		d.add("limits", verdictOK, strings.TrimSpace(left+" of "+limit+" requests are left"), "")
	}
}

// version is about what sets portals apart: what they say of themselves, and how they say that there is nothing.
func (d *doctorDocument) version(seen *recorder) {
	var said []string
	for _, name := range []string{"Server", "X-Powered-By", "X-DocSpace-Version", "Via"} {
		if value := seen.last().header.Get(name); value != "" {
			said = append(said, name+": "+value)
		}
	}
	if len(said) == 0 {
		said = []string{"the headers name none"}
	}
	v, hint := verdictOK, ""
	for _, e := range seen.all() {
		if e.status == http.StatusOK && e.err == nil && olderNothing(e.body) {
			v, hint = verdictWarn, "It says that there is no job as portals before 3.7 do; that is understood"
		}
	}
	d.add("version", v, strings.Join(said, ", "), hint)
}

// exchange is a request and what came back.
type exchange struct {
	at         time.Time
	took       time.Duration
	credential string // what kind
	secrets    []string
	status     int
	header     http.Header
	body       []byte
	tls        *tls.ConnectionState
	err        error
}

// recorder keeps what came back, as it came.
type recorder struct {
	base http.RoundTripper
	mu   sync.Mutex
	seen []*exchange
}

const mostKept = 1 << 20

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	e := &exchange{at: time.Now(), credential: credentialOf(req.Header), secrets: secretsIn(req)}
	resp, err := r.base.RoundTrip(req)
	e.took = time.Since(e.at)
	if e.err = hideURL(err); err == nil {
		e.status, e.header, e.tls = resp.StatusCode, resp.Header, resp.TLS
		e.body, err = io.ReadAll(io.LimitReader(resp.Body, mostKept))
		rest := resp.Body
		if err != nil {
			rest = io.NopCloser(&broken{err})
		}
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(e.body), rest), resp.Body}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, e)
	if e.err != nil {
		return nil, err
	}
	return resp, nil
}

// broken goes on where a body broke off.
type broken struct{ err error }

func (b *broken) Read([]byte) (int, error) { return 0, b.err }

// hideURL takes the address off an error, which may be long.
func hideURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// secretsIn are what a request is signed with.
func secretsIn(req *http.Request) (secrets []string) {
	_, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	_, password, _ := req.BasicAuth()
	secrets = append(secrets, token, password)
	for _, cookie := range req.Cookies() {
		secrets = append(secrets, cookie.Value)
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return len(s) < 4 })
}

// secrets are those of all requests.
func (r *recorder) secrets() (secrets []string) {
	for _, e := range r.all() {
		secrets = append(secrets, e.secrets...)
	}
	return secrets
}

func (r *recorder) all() []*exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

func (r *recorder) last() *exchange {
	if all := r.all(); len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}
