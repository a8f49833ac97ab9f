package docs

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

// offboards runs the line on a machine where the portal of the documentation is to be found, with the two users on it, the
// one who leaves first, and the owner's key in the file.
func (c command) offboards(t *testing.T, bin string) error {
	if runtime.GOOS == "darwin" {
		t.Skip("only the system's own authorities count here, and the portal of the documentation is not theirs")
	}
	ids := userID.FindAllString(c.line, -1)
	if len(ids) != 2 {
		return errors.New("it does not name two users")
	}
	portal := docspacetest.NewPortal(docspacetest.WithJobLength(time.Millisecond))
	defer portal.Close()
	leaving := portal.AddUser(docspacetest.User{ID: uuid.MustParse(ids[0]), Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 3})
	successor := portal.AddUser(docspacetest.User{ID: uuid.MustParse(ids[1]), Type: api.EmployeeTypeRoomAdmin})

	home := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(home, ".docspace-key"), []byte(portal.Owner().APIKey+"\n"), 0o600))
	environment := append(elsewhere(t, portal), "HOME="+home, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if _, err := c.shell(t, environment); err != nil {
		return err
	}
	if _, there := portal.User(leaving.ID); there {
		return fmt.Errorf("user %s is still there", leaving.ID)
	}
	if now, _ := portal.User(successor.ID); now.Rooms != 3 {
		return fmt.Errorf("user %s has %d rooms, not 3", successor.ID, now.Rooms)
	}
	return nil
}

// elsewhere has the portal serve https://docspace.example.com, and returns the environment in which it is found: a proxy
// knows the way there and nowhere else, and the authority that has signed the portal's certificate is trusted.
func elsewhere(t *testing.T, portal http.Handler) []string {
	server := httptest.NewTLSServer(portal) // its certificate is for *.example.com
	t.Cleanup(server.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "docspace.example.com:443" {
			http.Error(w, "there is no way to "+r.Host, http.StatusBadGateway)
			return
		}
		there, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer there.Close()
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); there.Close() }()
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(proxy.Close)
	authority := filepath.Join(t.TempDir(), "authority.pem")
	require.NoError(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	return []string{"HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + authority}
}

var fixedPort = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// serves runs the line until the portal that it prints has answered, and interrupts it. The port is not the one of the
// line but a free one, since somebody else may have that. The shell gives way to the program, which is then interrupted
// itself, as it is from a terminal.
func (c command) serves(t *testing.T, bin string) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sh := exec.CommandContext(ctx, "sh", "-c", c.setup+"exec "+fixedPort.ReplaceAllString(c.line, "127.0.0.1:0"))
	var said bytes.Buffer
	sh.Env, sh.Stderr = []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")}, &said
	out, err := sh.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, sh.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		return because(cmp.Or(sh.Wait(), err), &said)
	}
	err = ask(ctx, line)
	interrupted := sh.Process.Signal(os.Interrupt)
	return cmp.Or(err, interrupted, because(sh.Wait(), &said))
}

// ask has the owner ask the portal that the line describes about everybody.
func ask(ctx context.Context, line []byte) error {
	var portal struct {
		URL   string
		Users []docspacetest.User
	}
	if err := json.Unmarshal(line, &portal); err != nil {
		return err
	}
	if len(portal.Users) == 0 {
		return errors.New("there are no users")
	}
	client, err := wrapper.New(portal.URL, wrapper.WithAuth(wrapper.APIKey(portal.Users[0].APIKey)))
	if err != nil {
		return err
	}
	for _, user := range portal.Users {
		needed, err := client.NecessaryReassign(ctx, user.ID, "")
		if err != nil {
			return err
		}
		if needed != (user.Rooms > 0) {
			return fmt.Errorf("%s has %d rooms, but to hand them over is necessary: %t", user.Email, user.Rooms, needed)
		}
	}
	return nil
}
