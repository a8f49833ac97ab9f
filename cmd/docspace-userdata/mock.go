package main

import (
	"encoding/json"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/docspacetest"
)

func mockCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mock",
		Short: "Serve a portal in memory, for clients in any language",
		Long: `Serve a portal in memory until interrupted, with the ten operations on people's data and a handful of users.

One line of JSON on standard output says where it is and who is there: "url", and "users", each with "id", "email",
"password", "apiKey", "authKey", "accessToken", "type", "status" and the number of "rooms". The first one is the owner. It keeps the limits of a
real portal: 1,500 requests a minute, 50 reads and 15 writes at once, 5 mails in 15 minutes.

To rehearse what goes wrong, say it with flags or in a scenario file. --fail takes an operation and what happens to its
next requests, one after the other: a status (503), one that names a wait in seconds (429:30), ok, lost (done, but not
answered), lost+502, hang, reset, or a delay (2s). docs/tool.md describes the file.`,
		Example: `  docspace-userdata mock --addr 127.0.0.1:8092
  docspace-userdata mock --job-length 30s --latency 200ms --fail startReassign=503,lost --restart-after 1m
  docspace-userdata mock --scenario monday.json`,
	}
	var given scenario
	addr := cmd.Flags().String("addr", "127.0.0.1:0", "where to listen (`HOST:PORT`; port 0 takes a free one)")
	file := cmd.Flags().String("scenario", "", "a JSON `FILE` with users and what goes wrong; flags count more")
	flags := cmd.Flags()
	flags.DurationVar((*time.Duration)(&given.JobLength), "job-length", 3*time.Second, "how long a job takes")
	flags.IntVar(&given.Workers, "workers", 1, "how many jobs of a kind run at once")
	flags.DurationVar((*time.Duration)(&given.Latency), "latency", 0, "how long each answer takes")
	flags.StringVar(&given.Limits, "limits", "default", "default, off, or so many requests a minute (`N/min`)")
	flags.DurationVar((*time.Duration)(&given.RestartAfter), "restart-after", 0, "restart once after this time, which forgets all jobs; 0 never")
	fails := flags.StringArray("fail", nil, "`OPERATION=WHAT,…`: what goes wrong; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := readScenario(*file)
		if err != nil {
			return usagef("--scenario: %w", err)
		}
		s.override(given, func(name string) bool { return *file == "" || flags.Changed(name) })
		faults, err := s.faults(*fails)
		if err != nil {
			return usageError{err}
		}
		options, err := s.options()
		if err != nil {
			return usageError{err}
		}
		var config net.ListenConfig
		listener, err := config.Listen(cmd.Context(), "tcp", *addr)
		if err != nil {
			return usagef("--addr: %w", err)
		}
		portal := docspacetest.NewPortal(append(options, docspacetest.WithListener(slow{listener, time.Duration(s.Latency)}))...)
		defer portal.Close()
		s.populate(portal)
		for operation, list := range faults {
			portal.Fail(operation, list...)
		}
		if s.RestartAfter > 0 {
			restart := time.AfterFunc(time.Duration(s.RestartAfter), func() {
				portal.Restart()
				t.note("the portal has restarted: its jobs are forgotten")
			})
			defer restart.Stop()
		}
		if err := json.NewEncoder(t.out).Encode(map[string]any{"url": portal.URL, "users": portal.Users()}); err != nil {
			return fmt.Errorf("where the portal is could not be written: %w", err)
		}
		<-cmd.Context().Done()
		return nil
	}
	return cmd
}

// slow is a listener whose connections take their time to answer.
type slow struct {
	net.Listener
	latency time.Duration
}

func (l slow) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil || l.latency == 0 {
		return conn, err
	}
	return &slowConn{Conn: conn, latency: l.latency}, nil
}

// slowConn waits before the first part of each answer.
type slowConn struct {
	net.Conn
	latency time.Duration
	asked   atomic.Bool
}

func (c *slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.asked.Store(true)
	}
	return n, err
}

func (c *slowConn) Write(b []byte) (int, error) {
	if c.asked.Swap(false) {
		time.Sleep(c.latency)
	}
	return c.Conn.Write(b)
}
