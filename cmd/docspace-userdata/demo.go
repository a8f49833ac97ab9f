package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/screen"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

// demoJob is how long a job takes in the demo: long enough to watch, short enough not to wait for.
const demoJob = 2 * time.Second

func demoCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:     "demo",
		Short:   "Let three users leave a portal in memory, before your eyes",
		Long:    `Hand over or erase three users on a portal in memory, before your eyes. Nothing leaves this machine.`,
		Example: `  docspace-userdata demo`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &demoDocument{head: head{Next: "docspace-userdata doctor --help"}}
			return t.answer(cmd, d, d.play(cmd.Context(), t))
		},
	}
}

// demoDocument is what demo says at the end.
type demoDocument struct {
	head
	UsersGone int `json:"usersGone"`
	Rooms     int `json:"rooms"`
	RoomsLost int `json:"roomsLost"`
}

func (d *demoDocument) text() string {
	return fmt.Sprintf("\n%d users gone, %d of %d rooms lost. On a portal of yours, begin with the doctor.", d.UsersGone, d.RoomsLost, d.Rooms)
}

func (d *demoDocument) play(ctx context.Context, t *tool) error {
	portal := docspacetest.NewPortal(docspacetest.WithJobLength(demoJob))
	defer portal.Close()
	people := seed(portal)
	client, err := wrapper.New(portal.URL,
		wrapper.WithHTTPClient(portal.HTTPClient()), wrapper.WithAuth(wrapper.APIKey(people.admin.APIKey)))
	if err != nil {
		return err
	}
	var failures []error
	story := t.out
	if t.json {
		story = t.err
		if t.quiet {
			story = io.Discard
		}
	}
	say := func(format string, args ...any) {
		if _, err := fmt.Fprintln(story, filled(story, fmt.Sprintf(format, args...))); err != nil {
			failures = append(failures, err)
		}
	}
	say("A portal in memory. %s offboards three users.\nWhat they own goes to %s.\n", people.admin.Email, people.successor.Email)
	users, rooms := table(portal, say)

	for _, leaving := range []docspacetest.User{people.crowded, people.empty, people.busy} {
		say("\n%s leaves.", leaving.Email)
		display := screen.New(t.err, t.quiet)
		show := display.Job(leaving.Email)
		result, err := offboard.User(ctx, client, offboard.Request{From: leaving.ID, To: people.successor.ID},
			wrapper.OnProgress(show.Progress), wrapper.PollBetween(100*time.Millisecond, time.Second))
		show.End()
		display.Close()
		if err != nil {
			return err
		}
		if result.Action == offboard.Remove {
			say("  nothing to hand over: erased, in %v", result.Took.Round(100*time.Millisecond))
		} else {
			say("  handed over and erased, in %v", result.Took.Round(100*time.Millisecond))
		}
	}

	say("\nA mistake, to see how one looks: %s is still active.", people.successor.Email)
	_, err = client.Remove(ctx, people.successor.ID)
	if err == nil {
		return errors.New("the portal in memory let an active user be removed")
	}
	say("  %v\n", err)
	usersLeft, roomsLeft := table(portal, say)
	d.UsersGone, d.Rooms, d.RoomsLost = users-usersLeft, rooms, rooms-roomsLeft
	return errors.Join(failures...)
}

// table shows who is on the portal, and counts users and rooms.
func table(portal *docspacetest.Portal, say func(string, ...any)) (users, rooms int) {
	say("  %-28s %-14s %-11s %s", "user", "type", "status", "rooms")
	owner := portal.Owner().ID
	for _, u := range portal.Users() {
		kind := string(u.Type)
		if u.ID == owner {
			kind = "owner"
		}
		say("  %-28s %-14s %-11s %5d", u.Email, kind, u.Status, u.Rooms)
		users++
		rooms += u.Rooms
	}
	return users, rooms
}
