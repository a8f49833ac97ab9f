// Command bulk offboards all users of a list, and can be started again after anything: the example of docs/bulk.md.
//
//	DOCSPACE_URL=https://docspace.example.com DOCSPACE_API_KEY=sk-… bulk LEAVING SUCCESSOR [LEAVING SUCCESSOR]…
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var requests []offboard.Request
	for pair := range slices.Chunk(os.Args[1:], 2) {
		if len(pair) != 2 {
			log.Fatal("usage: bulk LEAVING SUCCESSOR [LEAVING SUCCESSOR]…")
		}
		var users [2]uuid.UUID
		for i, text := range pair {
			id, err := uuid.Parse(text)
			if err != nil {
				log.Fatal("the id of a user: ", err)
			}
			users[i] = id
		}
		requests = append(requests, offboard.Request{From: users[0], To: users[1]})
	}
	client, err := wrapper.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	if err := bulk(ctx, client, requests); err != nil {
		log.Fatal(err)
	}
}

func bulk(ctx context.Context, client *wrapper.Client, requests []offboard.Request) error {
	file, err := os.OpenFile("leavers.journal", os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	for result := range offboard.Users(ctx, client, slices.Values(requests), offboard.Options{Journal: file}) {
		if result.Err != nil {
			fmt.Println(result.Err)
		}
	}
	return nil
}
