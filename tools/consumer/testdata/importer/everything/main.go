// Command everything does all that the client can, for the size of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/wrapper"
)

func main() {
	ctx := context.Background()
	client, err := wrapper.NewFromEnv(wrapper.WithLogger(slog.Default()), wrapper.WithTimeout(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	user, successor := uuid.MustParse(os.Args[1]), uuid.MustParse(os.Args[2])
	report(client.NecessaryReassign(ctx, user, api.EmployeeTypeUser))
	report(client.Reassign(ctx, user, successor, wrapper.DeleteProfile(), wrapper.OnProgress(func(p wrapper.Progress) { fmt.Println(p) })))
	report(client.StartReassign(ctx, user, successor))
	for progress, err := range client.ReassignTask(user).Watch(ctx) {
		report(progress, err)
	}
	report(nil, client.ReassignTask(user).Terminate(ctx))
	report(client.Remove(ctx, user))
	report(client.StartRemove(ctx, user))
	report(client.RemoveTask(user).Wait(ctx, wrapper.TerminateOnCancel()))
	report(nil, client.RemoveTask(user).Terminate(ctx))
	report(client.DeletePersonalFolder(ctx))
	report(client.StartDeletePersonalFolder(ctx))
	report(client.DeletePersonalFolderTask().Progress(ctx))
	report(client.SendInstructionsToDelete(ctx))
}

func report(answer any, err error) {
	var portal *wrapper.Error
	switch {
	case errors.As(err, &portal):
		fmt.Println(portal.StatusCode, portal)
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println(answer)
	}
}
