// Command handover hands the data of one user over to another: the first example of the README.
//
//	DOCSPACE_URL=https://docspace.example.com DOCSPACE_API_KEY=sk-… handover LEAVING SUCCESSOR
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
	if len(os.Args) != 3 {
		log.Fatal("usage: handover LEAVING SUCCESSOR")
	}
	leaving, err := uuid.Parse(os.Args[1])
	if err != nil {
		log.Fatal("who leaves: ", err)
	}
	successor, err := uuid.Parse(os.Args[2])
	if err != nil {
		log.Fatal("who takes over: ", err)
	}
	if err := handover(ctx, leaving, successor); err != nil {
		log.Fatal(err)
	}
}

func handover(ctx context.Context, leaving, successor uuid.UUID) error {
	client, err := wrapper.NewFromEnv() // DOCSPACE_URL and DOCSPACE_API_KEY, for one
	if err != nil {
		return err
	}
	_, err = client.Reassign(ctx, leaving, successor, wrapper.DeleteProfile(),
		wrapper.OnProgress(func(p wrapper.Progress) { fmt.Println(p) }))
	if errors.Is(err, wrapper.ErrOutcomeUnknown) {
		return fmt.Errorf("look at the portal before you start this again: %w", err)
	}
	return err
}
