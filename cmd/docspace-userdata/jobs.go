package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/docspace-go/userdata/cmd/docspace-userdata/internal/screen"
	"github.com/docspace-go/userdata/wrapper"
)

// jobKind is what sets the three kinds of job apart at the command line.
type jobKind struct {
	name, begin  string // of the command, and of the one that starts a job
	noun         string
	short, long  string
	what         string // what starting it does
	done         string
	stops        string // what stopping it means; empty if it cannot be stopped
	ofUser       bool   // otherwise it is the caller's own
	hasSuccessor bool
	task         func(*wrapper.Client, uuid.UUID) *wrapper.Task
	start        func(context.Context, *wrapper.Client, request) (*wrapper.Task, error)
	run          func(context.Context, *wrapper.Client, request, []wrapper.WaitOption) (wrapper.Progress, error)
}

// request is what a start is asked for.
type request struct {
	user, successor uuid.UUID
	deleteProfile   bool
}

var (
	reassignKind = &jobKind{
		name: "reassign", begin: "start", noun: "reassignment", ofUser: true, hasSuccessor: true,
		short: "Hand a user's rooms and shared files over to somebody else",
		long:  "The user has to be disabled, the successor an active RoomAdmin or DocSpaceAdmin. With --delete-profile the user's personal files and profile are erased at the end.",
		what:  "The rooms and shared files of user %s become those of user %s, and there is no way to undo that at once.",
		done:  "everything was handed over",
		stops: "it ends at its next milestone, and what was handed over by then stays so",
		task:  (*wrapper.Client).ReassignTask,
		start: func(ctx context.Context, c *wrapper.Client, r request) (*wrapper.Task, error) {
			return c.StartReassign(ctx, r.user, r.successor, r.options()...)
		},
		run: func(ctx context.Context, c *wrapper.Client, r request, opts []wrapper.WaitOption) (wrapper.Progress, error) {
			var all []wrapper.JobOption
			for _, o := range r.options() {
				all = append(all, o)
			}
			for _, o := range opts {
				all = append(all, o)
			}
			return c.Reassign(ctx, r.user, r.successor, all...)
		},
	}
	removeKind = &jobKind{
		name: "remove", begin: "start", noun: "removal", ofUser: true,
		short: "Erase a user's data and profile",
		long:  "The user has to be disabled. Rooms and shared files that were not handed over become your own.",
		what:  "The personal files and the profile of user %s are erased, and nobody can undo that. Rooms and shared files become your own.",
		done:  "the user's data is erased",
		stops: "a removal that is at work may go on until all is erased, and what is erased is gone",
		task:  (*wrapper.Client).RemoveTask,
		start: func(ctx context.Context, c *wrapper.Client, r request) (*wrapper.Task, error) {
			return c.StartRemove(ctx, r.user)
		},
		run: func(ctx context.Context, c *wrapper.Client, r request, opts []wrapper.WaitOption) (wrapper.Progress, error) {
			return c.Remove(ctx, r.user, opts...)
		},
	}
	folderKind = &jobKind{
		name: "folder", begin: "delete", noun: "deletion of your personal folder",
		short: "Empty your own personal folder, as a guest",
		long:  "Only a guest can do this, and only with the guest's own folder. It cannot be stopped.",
		what:  "Everything in your own personal folder is erased, and nobody can undo that.",
		done:  "the folder is empty",
		task:  func(c *wrapper.Client, _ uuid.UUID) *wrapper.Task { return c.DeletePersonalFolderTask() },
		start: func(ctx context.Context, c *wrapper.Client, _ request) (*wrapper.Task, error) {
			return c.StartDeletePersonalFolder(ctx)
		},
		run: func(ctx context.Context, c *wrapper.Client, _ request, opts []wrapper.WaitOption) (wrapper.Progress, error) {
			return c.DeletePersonalFolder(ctx, opts...)
		},
	}
	jobKinds = []*jobKind{reassignKind, removeKind, folderKind}
)

func (r request) options() (opts []wrapper.ReassignOption) {
	if r.deleteProfile {
		opts = append(opts, wrapper.DeleteProfile())
	}
	return opts
}

// kindOf is the kind of job that an operation of the contract is about.
func kindOf(operation string) *jobKind {
	switch {
	case strings.Contains(operation, "Reassign"):
		return reassignKind
	case strings.Contains(operation, "PersonalFolder"):
		return folderKind
	}
	return removeKind
}

// words are those of a command about a job.
func (k *jobKind) words(verb string, user uuid.UUID) []string {
	if k.ofUser {
		return []string{k.name, verb, user.String()}
	}
	return []string{k.name, verb}
}

// about names the job.
func (k *jobKind) about(user uuid.UUID) string {
	if k.ofUser {
		return k.noun + " of user " + user.String()
	}
	return k.noun
}

// jobDocument is what the commands about a job say.
type jobDocument struct {
	head
	Portal      string `json:"portal"`
	Job         string `json:"job"` // reassign, remove or folder
	User        string `json:"user,omitempty"`
	Successor   string `json:"successor,omitempty"`
	DryRun      bool   `json:"dryRun,omitempty"`
	Necessary   *bool  `json:"reassignNecessary,omitempty"`
	State       string `json:"state"`      // none, created, running, completed, canceled, failed, unknown
	Percentage  int    `json:"percentage"` // 0 to 100
	PortalError string `json:"portalError,omitempty"`
	said        string
	kind        *jobKind
	user        uuid.UUID
}

func (d *jobDocument) text() string { return d.said }

func (k *jobKind) document(c *connection, r request) *jobDocument {
	d := &jobDocument{Portal: c.portal(), Job: k.name, State: "none", kind: k, user: r.user}
	if k.ofUser {
		d.User = r.user.String()
	}
	if k.hasSuccessor && r.successor != uuid.Nil {
		d.Successor = r.successor.String()
	}
	return d
}

// see takes in how the job stands.
func (d *jobDocument) see(task *wrapper.Task, p wrapper.Progress) {
	d.Percentage, d.PortalError = p.Percentage, p.Error
	err := task.Outcome(p)
	switch {
	case p == (wrapper.Progress{}):
		d.State = "none"
	case errors.Is(err, wrapper.ErrTaskFailed):
		d.State = "failed"
	case errors.Is(err, wrapper.ErrTaskCanceled):
		d.State = "canceled"
	case p.IsCompleted:
		d.State = "completed"
	default:
		d.State = p.Status.String()
	}
}

// command makes the commands of a kind of job.
func (k *jobKind) command(t *tool) *cobra.Command {
	verbs := []string{k.begin, "status", "wait"}
	if k.stops != "" {
		verbs = append(verbs, "stop")
	}
	cmd := &cobra.Command{
		Use: k.name, Short: k.short,
		Long:    k.short + ": " + strings.Join(verbs, ", ") + ".\n\n" + k.long,
		Example: "  docspace-userdata " + strings.Join(k.words("status", exampleUser), " "),
	}
	connect := connectionFlags(cmd)
	cmd.AddCommand(k.startCommand(t, connect),
		k.verb(t, connect, "status", "Look once how it stands",
			"Look once how it stands. A portal forgets a job about a minute after it last moved, and hides one that waits for longer.", k.status),
		k.waitCommand(t, connect))
	if k.stops != "" {
		cmd.AddCommand(k.verb(t, connect, "stop", "Ask the portal to stop it", "Ask the portal to stop it: "+k.stops+".", k.stop))
	}
	return cmd
}

var (
	exampleUser      = uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28")
	exampleSuccessor = uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9")
)

// verb makes a command about a job that there may be.
func (k *jobKind) verb(t *tool, connect *connection, name, short, long string, do func(context.Context, *tool, *wrapper.Task, *jobDocument) error) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, Long: long, Example: "  docspace-userdata " + strings.Join(k.words(name, exampleUser), " ")}
	if k.ofUser {
		cmd.Use += " USER"
		cmd.Args = cobra.ExactArgs(1)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		var r request
		if k.ofUser {
			if r.user, err = parseUser("USER", args[0]); err != nil {
				return err
			}
		}
		client, err := connect.client(cmd.Context(), t)
		if err != nil {
			return err
		}
		d := k.document(connect, r)
		err = do(cmd.Context(), t, k.task(client, r.user), d)
		return t.answer(cmd, d, connect.advise(err, r.user))
	}
	return cmd
}

// status looks once. That there is no job, or that it failed, is an answer like any other.
func (k *jobKind) status(ctx context.Context, _ *tool, task *wrapper.Task, d *jobDocument) error {
	p, err := task.Progress(ctx)
	if errors.Is(err, wrapper.ErrNoTask) {
		d.said = err.Error()
		return nil
	}
	if err == nil {
		d.see(task, p)
		d.said = k.about(d.user) + ": " + p.String()
		if p.Error != "" {
			d.said += ": " + screen.Clean(p.Error)
		}
	}
	return err
}

func (k *jobKind) stop(ctx context.Context, _ *tool, task *wrapper.Task, d *jobDocument) error {
	p, err := task.Progress(ctx)
	if err != nil && !errors.Is(err, wrapper.ErrNoTask) {
		return err
	}
	d.see(task, p)
	if p.IsCompleted {
		d.said = fmt.Sprintf("%s: nothing to stop, it has ended: %s", k.about(d.user), p)
		return nil
	}
	if err := task.Terminate(ctx); err != nil {
		return err
	}
	d.said = fmt.Sprintf("%s was asked to stop at %d%%: %s", k.about(d.user), p.Percentage, k.stops)
	if d.State == "none" {
		d.said = k.about(d.user) + ": the portal shows none, and was asked to stop it all the same, since one that waits may be hidden"
	}
	return nil
}

// watching are the flags of what waits for a job.
type watching struct{ stopToo bool }

func watchingFlags(cmd *cobra.Command) *watching {
	w := &watching{}
	cmd.Flags().BoolVar(&w.stopToo, "stop-on-interrupt", false, "let Ctrl-C stop the job, and not only the watching")
	return w
}

// options are those of the library, for a job that is shown.
func (w *watching) options(show *screen.Job) []wrapper.WaitOption {
	opts := []wrapper.WaitOption{wrapper.OnProgress(show.Progress)}
	if w.stopToo {
		opts = append(opts, wrapper.TerminateOnCancel())
	}
	return opts
}

// heard has an interrupt answered at once, where it takes a while until the portal has been asked to stop. What is returned
// ends that.
func (w *watching) heard(ctx context.Context, display *screen.Screen) (end func()) {
	said := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(said)
		if w.stopToo {
			display.Say("asking the portal to stop; Ctrl-C once more leaves at once")
		}
	})
	return func() {
		if !cancel() {
			<-said
		}
	}
}

// watched shows a job while something waits for it.
func (d *jobDocument) watched(ctx context.Context, t *tool, watch *watching, task *wrapper.Task, wait func(*screen.Job) (wrapper.Progress, error)) error {
	display := screen.New(t.err, t.quiet)
	defer watch.heard(ctx, display)()
	label := d.kind.noun
	if d.kind.ofUser {
		label = "user " + d.user.String() // all of which a terminal of 80 columns has room for
	}
	show := display.Job(label)
	p, err := wait(show)
	d.see(task, p)
	show.End() // how it ended is for the answer, or the error, to say
	display.Close()
	if err == nil {
		d.said = d.kind.about(d.user) + ": " + d.kind.done
	} else if errors.Is(err, wrapper.ErrOutcomeUnknown) {
		d.State = "unknown"
	}
	return err
}

func (k *jobKind) waitCommand(t *tool, connect *connection) *cobra.Command {
	var watch *watching
	cmd := k.verb(t, connect, "wait", "Watch it until it ends",
		"Watch a job that runs, whoever started it, until it ends. Ctrl-C stops the watching, and the job goes on; once more leaves at once.",
		func(ctx context.Context, t *tool, task *wrapper.Task, d *jobDocument) error {
			return d.watched(ctx, t, watch, task, func(show *screen.Job) (wrapper.Progress, error) {
				return task.Wait(ctx, watch.options(show)...)
			})
		})
	watch = &watching{}
	if k.stops != "" {
		watch = watchingFlags(cmd)
	}
	return cmd
}

func (k *jobKind) startCommand(t *tool, connect *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use: k.begin, Short: k.short,
		Long: k.short + ". " + k.long + `

It says whose data this is about, and asks. A job of that user that runs already is an error, and nothing is started.`,
		Example: "  docspace-userdata " + k.name + " " + k.begin,
	}
	var (
		r             request
		from, to      string
		wait, consent = cmd.Flags().Bool("wait", false, "watch it until it ends"), consentFlags(cmd)
		watch         = &watching{}
	)
	switch {
	case k.hasSuccessor:
		cmd.Use += " --from ID --to ID"
		cmd.Example += " --from " + exampleUser.String() + " --to " + exampleSuccessor.String() + " --delete-profile --wait"
		cmd.Flags().StringVar(&from, "from", "", "who leaves (`ID`, a UUID)")
		cmd.Flags().StringVar(&to, "to", "", "who takes over (`ID`, a UUID)")
		cmd.Flags().BoolVar(&r.deleteProfile, "delete-profile", false, "erase the user's personal files and profile at the end")
	case k.ofUser:
		cmd.Use += " USER"
		cmd.Args = cobra.ExactArgs(1)
		cmd.Example += " " + exampleUser.String() + " --wait"
	default:
		cmd.Example += " --wait"
	}
	if k.stops != "" {
		watch = watchingFlags(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		switch {
		case k.hasSuccessor:
			r.user, r.successor, err = parsePair(from, to)
		case k.ofUser:
			r.user, err = parseUser("USER", args[0])
		}
		if err == nil && watch.stopToo && !*wait {
			err = usagef("--stop-on-interrupt is of use with --wait only")
		}
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
		d := k.document(connect, r)
		d.DryRun = consent.dry
		err = k.begun(cmd.Context(), t, client, r, d, consent, *wait, watch)
		err = connect.advise(err, r.user)
		if err == nil && d.State != "none" && !*wait {
			d.Next = connect.again(k.words("wait", r.user)...)
		}
		return t.answer(cmd, d, err)
	}
	return cmd
}

// begun starts a job, if somebody agrees.
func (k *jobKind) begun(ctx context.Context, t *tool, client *wrapper.Client, r request, d *jobDocument, c *consent, wait bool, watch *watching) error {
	about := fmt.Sprintf("%s: "+k.what, append([]any{d.Portal}, k.names(r)...)...)
	if r.deleteProfile {
		about += " The user's personal files and profile are erased for good."
	}
	if k.ofUser {
		necessary, said, err := look(ctx, client, r.user)
		if err != nil {
			return err
		}
		d.Necessary = &necessary
		about += " " + said
	}
	task := k.task(client, r.user)
	if err := k.idle(ctx, client, r.user); err != nil {
		return err
	}
	if c.dry {
		d.said = "would start the " + k.about(r.user) + ". " + about + " Nothing was done."
		return nil
	}
	if err := c.ask(ctx, t, about); err != nil {
		return err
	}
	if wait {
		return d.watched(ctx, t, watch, task, func(show *screen.Job) (wrapper.Progress, error) {
			return k.run(ctx, client, r, watch.options(show))
		})
	}
	task, err := k.start(ctx, client, r)
	if err != nil {
		if errors.Is(err, wrapper.ErrOutcomeUnknown) {
			d.State = "unknown"
		}
		return err
	}
	for p, err := range task.Watch(ctx) { // the answer to the start; nothing is sent for it
		d.see(task, p)
		if err != nil {
			return err
		}
		break
	}
	d.said = k.about(r.user) + " was started"
	return nil
}

// names are the users in what a job does.
func (k *jobKind) names(r request) []any {
	return []any{r.user, r.successor}[:strings.Count(k.what, "%s")]
}

// idle makes sure that no job of either kind runs for the user: a removal would erase what a reassignment is about to
// hand over.
func (k *jobKind) idle(ctx context.Context, client *wrapper.Client, user uuid.UUID) error {
	if !k.ofUser {
		_, err := k.task(client, user).EnsureIdle(ctx)
		return err
	}
	for _, task := range []*wrapper.Task{client.ReassignTask(user), client.RemoveTask(user)} {
		if _, err := task.EnsureIdle(ctx); err != nil {
			return err
		}
	}
	return nil
}
