package main

import (
	"encoding/json"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/docspacetest"
)

func mockCommand(t outside) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mock",
		Short: "Serve a portal in memory, for clients in any language",
		Long: `Serve a portal in memory until interrupted, with the ten operations on people's data and a handful of users.

One line of JSON on standard output says where it is and who is there: "url", and "users", each with "id", "email",
"password", "apiKey", "authKey", "accessToken", "type", "status" and the number of "rooms". The first one is the owner. It keeps the limits of a
real portal: 1,500 requests a minute, 50 reads and 15 writes at once, 5 mails in 15 minutes.`,
		Example: `  docspace-userdata mock --addr 127.0.0.1:8092`,
	}
	addr := cmd.Flags().String("addr", "127.0.0.1:0", "where to listen (`HOST:PORT`; port 0 takes a free one)")
	length := cmd.Flags().Duration("job-length", 3*time.Second, "how long a job takes")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *length < 0 {
			return usageError{fmt.Errorf("--job-length: %v is less than no time", *length)}
		}
		var config net.ListenConfig
		listener, err := config.Listen(cmd.Context(), "tcp", *addr)
		if err != nil {
			return usageError{fmt.Errorf("--addr: %w", err)}
		}
		portal := docspacetest.NewPortal(docspacetest.WithListener(listener), docspacetest.WithJobLength(*length))
		defer portal.Close()
		seed(portal)
		if err := json.NewEncoder(t.out).Encode(map[string]any{"url": portal.URL, "users": portal.Users()}); err != nil {
			return err
		}
		<-cmd.Context().Done()
		return nil
	}
	return cmd
}
