// Command jobs attaches to a reassignment that somebody has started, watches it, and says how it ended.
//
//	DOCSPACE_URL=https://docspace.example.com DOCSPACE_API_KEY=sk-… jobs USER
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/wrapper"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 2 {
		log.Fatal("usage: jobs USER")
	}
	user, err := uuid.Parse(os.Args[1])
	if err != nil {
		log.Fatal("who leaves: ", err)
	}
	client, err := wrapper.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(watch(ctx, client.ReassignTask(user)))
}

func watch(ctx context.Context, task *wrapper.Task) string {
	for progress, err := range task.Watch(ctx) {
		switch {
		case errors.Is(err, wrapper.ErrNoTask):
			return "none is known: not started, or forgotten by now"
		case errors.Is(err, wrapper.ErrTaskFailed):
			return "failed: " + progress.Error
		case errors.Is(err, wrapper.ErrTaskCanceled):
			return "stopped; what was handed over by then stays so"
		case errors.Is(err, wrapper.ErrTaskLost):
			return "nobody can tell: look at the portal"
		case errors.Is(err, context.Canceled):
			return "no longer watched; it goes on"
		case err != nil:
			return err.Error()
		}
		fmt.Println(progress)
	}
	return "done"
}
