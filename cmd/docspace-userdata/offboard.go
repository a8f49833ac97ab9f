package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/screen"
	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

func offboardCommand(t *tool) *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "offboard (--from ID --to ID | --csv FILE)",
		Short: "Hand leaving users' rooms and files over, and erase the users",
		Long: `Hand the rooms and shared files of a user who leaves over to a successor, and erase the user's
personal files and profile. Where there is nothing to hand over, the user is just erased. Nobody can undo this.

The user has to be disabled, the successor an active RoomAdmin or DocSpaceAdmin.

With --csv, many users from a file with the columns from and to, or from standard input if FILE is "-". A journal beside
the file makes the run resumable: the same command picks up where the last one ended, however that was.

The exit code says how it ended: 0 done, 1 failed, 2 usage, 3 not allowed, 4 not found, 5 not known, 6 interrupted. For
many users, it is 6 after an interrupt; 5 if one of them is not known; the kind of failure if all failures are of one
kind; and 1 otherwise.`,
		Example: `  export DOCSPACE_URL=https://docspace.example.com DOCSPACE_API_KEY_FILE=$HOME/.docspace-key
  docspace-userdata offboard --from aae1e103-bca5-9fa1-ba8c-42058b4abf28 --to 5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9
  docspace-userdata offboard --csv leavers.csv --dry-run
  docspace-userdata offboard --csv leavers.csv --report report.csv --stop-after 5 --yes`,
	}
	cmd.Flags().StringVar(&from, "from", "", "who leaves (`ID`, a UUID)")
	cmd.Flags().StringVar(&to, "to", "", "who takes over (`ID`, a UUID)")
	many := bulkFlags(cmd)
	consent, watch, connect := consentFlags(cmd), watchingFlags(cmd), connectionFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if many.csv != "" {
			if from != "" || to != "" {
				return usagef("--csv names the users; --from and --to are for one")
			}
			return many.run(cmd, t, connect, consent, watch)
		}
		if many.given(cmd) {
			return usagef("--journal, --report and --stop-after are for many users, with --csv")
		}
		leaving, successor, err := parsePair(from, to)
		if err == nil {
			err = consent.possible(t)
		}
		if err != nil {
			return err
		}
		client, err := connect.client(cmd.Context(), t)
		if err != nil {
			return err
		}
		d := &offboardDocument{Portal: connect.portal(), DryRun: consent.dry, deed: deed{User: leaving, Successor: successor}}
		err = d.offboard(cmd.Context(), t, client, consent, watch)
		return t.answer(cmd, d, connect.advise(err, leaving))
	}
	return cmd
}

// deed is what was done to a user.
type deed struct {
	User       uuid.UUID       `json:"user"`
	Successor  uuid.UUID       `json:"successor"`
	Action     offboard.Action `json:"action"`     // reassign or remove; empty if neither was begun
	Percentage int             `json:"percentage"` // of the job, as last seen
	Seconds    float64         `json:"seconds"`    // how long it took
}

func deedOf(r offboard.Result) deed {
	return deed{r.Request.From, r.Request.To, r.Action, r.Progress.Percentage, r.Took.Round(time.Millisecond).Seconds()}
}

// offboardDocument is what offboard says of one user.
type offboardDocument struct {
	head
	Portal string `json:"portal"`
	DryRun bool   `json:"dryRun,omitempty"`
	deed
	said string
}

func (d *offboardDocument) text() string { return d.said }

func (d *offboardDocument) offboard(ctx context.Context, t *tool, client *wrapper.Client, c *consent, watch *watching) error {
	necessary, found, err := look(ctx, client, d.User)
	if err != nil {
		return err
	}
	if err := reassignKind.idle(ctx, client, d.User); err != nil {
		return err
	}
	what, action := plan(d.User, d.Successor, necessary)
	about := d.Portal + ": " + what + " " + found
	if c.dry {
		d.Action = action
		d.said = about + " Nothing was done."
		return nil
	}
	if err := c.ask(ctx, t, about); err != nil {
		return err
	}
	display := screen.New(t.err, t.quiet)
	defer watch.heard(ctx, display)()
	show := display.Job("user " + d.User.String())
	result, err := offboard.User(ctx, client, offboard.Request{From: d.User, To: d.Successor}, watch.options(show)...)
	show.End()
	display.Close()
	d.deed = deedOf(result)
	if err == nil {
		d.said = summary(result)
	}
	return err
}

// plan says what offboarding will do to a user.
func plan(user, successor uuid.UUID, necessary bool) (string, offboard.Action) {
	if necessary {
		return fmt.Sprintf("The rooms and shared files of user %s go to user %s; the user's personal files and profile are erased, and nobody can undo that.", user, successor), offboard.Reassign
	}
	return fmt.Sprintf("All data and the profile of user %s are erased, and nobody can undo that.", user), offboard.Remove
}

// summary says in a line what was done.
func summary(r offboard.Result) string {
	took := r.Took.Round(100 * time.Millisecond)
	if r.Action == offboard.Remove {
		return fmt.Sprintf("user %s had nothing to hand over and was erased, in %v", r.Request.From, took)
	}
	return fmt.Sprintf("user %s was handed over to %s and erased, in %v", r.Request.From, r.Request.To, took)
}
