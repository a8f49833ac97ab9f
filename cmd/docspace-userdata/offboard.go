package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

func offboardCommand(t outside) *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "offboard --from ID --to ID",
		Short: "Hand a leaving user's rooms and files over, and erase the user",
		Long: `Hand the rooms and shared files of a user who leaves over to a successor, and erase the user's
personal files and profile. Where there is nothing to hand over, the user is just erased. Nobody can undo this.

The user has to be disabled, the successor an active RoomAdmin or DocSpaceAdmin.

The exit code says how it ended: 0 done, 1 failed, 2 usage, 3 not allowed, 4 not found, 5 not known, 6 interrupted.`,
		Example: `  export DOCSPACE_URL=https://docspace.example.com DOCSPACE_API_KEY_FILE=$HOME/.docspace-key
  docspace-userdata offboard --from aae1e103-bca5-9fa1-ba8c-42058b4abf28 --to 5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9`,
	}
	cmd.Flags().StringVar(&from, "from", "", "who leaves (`ID`, a UUID)")
	cmd.Flags().StringVar(&to, "to", "", "who takes over (`ID`, a UUID)")
	connect := connectionFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		request, err := parseRequest(from, to)
		if err != nil {
			return usageError{err}
		}
		client, err := connect.client(cmd.Context(), t)
		if err != nil {
			return err
		}
		show := newDisplay(t.err, "user "+request.From.String())
		result, err := offboard.User(cmd.Context(), client, request, wrapper.OnProgress(show.progress))
		if result.Progress != (wrapper.Progress{}) {
			show.done()
		}
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintln(t.out, summary(result)); err != nil {
			err = fmt.Errorf("%s; but that could not be written: %w", summary(result), err)
		}
		return err
	}
	return cmd
}

func parseRequest(from, to string) (r offboard.Request, err error) {
	if from == "" || to == "" {
		return r, errors.New("say who leaves with --from and who takes over with --to")
	}
	if r.From, err = uuid.Parse(from); err != nil {
		return r, fmt.Errorf("--from: %q is not the id of a user, a UUID", from)
	}
	if r.To, err = uuid.Parse(to); err != nil {
		return r, fmt.Errorf("--to: %q is not the id of a user, a UUID", to)
	}
	switch {
	case r.From == uuid.Nil || r.To == uuid.Nil:
		return r, errors.New("--from or --to is the zero UUID, which is nobody")
	case r.From == r.To:
		return r, errors.New("--from and --to name the same user")
	}
	return r, nil
}

// summary says in a line what was done.
func summary(r offboard.Result) string {
	took := r.Took.Round(100 * time.Millisecond)
	if r.Action == offboard.Remove {
		return fmt.Sprintf("user %s had nothing to hand over and was erased, in %v", r.Request.From, took)
	}
	return fmt.Sprintf("user %s was handed over to %s and erased, in %v", r.Request.From, r.Request.To, took)
}
