package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/screen"
	"github.com/docspace-go/userdata/wrapper"
)

// parseUser reads the id of a user.
func parseUser(where, text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, usagef("say who with %s", where)
	}
	id, err := uuid.Parse(text)
	switch {
	case err != nil:
		return id, usagef("%s: %q is not the id of a user, a UUID", where, text)
	case id == uuid.Nil:
		return id, usagef("%s: the zero UUID is nobody", where)
	}
	return id, nil
}

// parsePair reads who leaves and who takes over.
func parsePair(from, to string) (leaving, successor uuid.UUID, err error) {
	if from == "" || to == "" {
		return leaving, successor, usagef("say who leaves with --from and who takes over with --to")
	}
	if leaving, err = parseUser("--from", from); err != nil {
		return leaving, successor, err
	}
	if successor, err = parseUser("--to", to); err == nil && leaving == successor {
		err = usagef("--from and --to name the same user")
	}
	return leaving, successor, err
}

// checkDocument is what check says.
type checkDocument struct {
	head
	Portal    string    `json:"portal"`
	User      uuid.UUID `json:"user"`
	Necessary *bool     `json:"reassignNecessary"` // null if the portal did not say
}

func (d *checkDocument) text() string {
	switch {
	case d.Necessary == nil:
		return ""
	case *d.Necessary:
		return fmt.Sprintf("user %s owns rooms or shared files: hand them over before the user is removed", d.User)
	}
	return fmt.Sprintf("user %s owns nothing that has to be handed over", d.User)
}

func checkCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "check USER",
		Short:   "Is there something to hand over before a user is removed?",
		Long:    `Ask whether a user owns rooms or shared files that have to be handed over before the user is removed. Nothing is changed.`,
		Example: `  docspace-userdata check aae1e103-bca5-9fa1-ba8c-42058b4abf28`,
		Args:    cobra.ExactArgs(1),
	}
	as := cmd.Flags().String("type", "", "the `TYPE` that the user is expected to have: RoomAdmin, Guest, DocSpaceAdmin or User")
	connect := connectionFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		user, err := parseUser("USER", args[0])
		if err != nil {
			return err
		}
		if *as != "" && !api.EmployeeType(*as).Valid() {
			return usagef("--type: there is no %q; RoomAdmin, Guest, DocSpaceAdmin and User are", *as)
		}
		client, err := connect.client(cmd.Context(), t)
		if err != nil {
			return err
		}
		d := &checkDocument{Portal: connect.portal(), User: user}
		necessary, err := client.NecessaryReassign(cmd.Context(), user, api.EmployeeType(*as))
		if err == nil {
			d.Necessary = &necessary
		}
		return t.answer(cmd, d, connect.advise(err, uuid.Nil))
	}
	return cmd
}

// selfDocument is what self send-delete-mail says.
type selfDocument struct {
	head
	Portal string `json:"portal"`
	Said   string `json:"message"` // the portal's words
}

func (d *selfDocument) text() string { return screen.Clean(d.Said) }

func selfCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "self",
		Short:   "Your own profile",
		Example: `  docspace-userdata self send-delete-mail`,
	}
	send := &cobra.Command{
		Use:   "send-delete-mail",
		Short: "Have the portal mail you a link that deletes your own profile",
		Long: `Have the portal mail you a link that deletes your own profile. Nothing is deleted before you follow it.
Each call sends one more mail; portals allow five in 15 minutes. Owners and LDAP accounts cannot do this.`,
		Example: `  docspace-userdata self send-delete-mail --username gus@example.com`,
	}
	connect := connectionFlags(cmd)
	send.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := connect.client(cmd.Context(), t)
		if err != nil {
			return err
		}
		d := &selfDocument{Portal: connect.portal()}
		d.Said, err = client.SendInstructionsToDelete(cmd.Context())
		if err == nil && d.Said == "" {
			d.Said = "the mail is on its way"
		}
		return t.answer(cmd, d, connect.advise(err, uuid.Nil))
	}
	cmd.AddCommand(send)
	return cmd
}

// look asks what check asks, to be shown before a question.
func look(ctx context.Context, client *wrapper.Client, user uuid.UUID) (necessary bool, said string, err error) {
	necessary, err = client.NecessaryReassign(ctx, user, "")
	if necessary {
		return true, "The user owns rooms or shared files.", err
	}
	return false, "The user owns nothing that has to be handed over.", err
}

// advise adds the command to type next: about the job that the error is about, if there is one.
func (c *connection) advise(err error, user uuid.UUID) error {
	if err == nil || errors.As(err, &advised{}) {
		return err
	}
	var (
		task    *wrapper.TaskError
		refusal *wrapper.Error
		isTask  = errors.As(err, &task)
		isWeb   = errors.As(err, &refusal) && refusal.Attempts > 0
	)
	switch {
	case isTask && (errors.Is(err, wrapper.ErrTaskRunning) || errors.Is(err, context.Canceled)):
		return advised{err, c.again(kindOf(task.Operation).words("wait", user)...)}
	case isTask && errors.Is(err, wrapper.ErrOutcomeUnknown):
		return advised{err, c.again(kindOf(task.Operation).words("status", user)...)}
	case isWeb && errors.Is(err, wrapper.ErrOutcomeUnknown) && refusal.Operation != "sendInstructionsToDelete":
		return advised{err, c.again(kindOf(refusal.Operation).words("status", user)...)}
	case errors.Is(err, context.Canceled):
		return err
	case isWeb && (refusal.StatusCode == 0 || errors.Is(err, wrapper.ErrUnauthorized) || errors.Is(err, wrapper.ErrForbidden) ||
		errors.Is(err, wrapper.ErrUnexpectedResponse) || errors.Is(err, wrapper.ErrNotFound) && refusal.Message == ""):
		return advised{err, c.again("doctor")}
	}
	return err
}
