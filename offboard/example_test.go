package offboard_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/offboard"
	"github.com/docspace-go/userdata/wrapper"
)

func ExampleUser() {
	client, err := wrapper.NewFromEnv()
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := offboard.User(context.Background(), client, offboard.Request{
		From: uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28"),
		To:   uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9"),
	})
	if errors.Is(err, wrapper.ErrOutcomeUnknown) {
		fmt.Println("look at the portal:", err)
		return
	}
	fmt.Println(result.Action, err)
}

func ExampleUsers() {
	client, err := wrapper.NewFromEnv()
	if err != nil {
		fmt.Println(err)
		return
	}
	journal, err := os.OpenFile("leavers.journal", os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer journal.Close()
	requests := []offboard.Request{{
		From: uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28"),
		To:   uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9"),
	}}
	options := offboard.Options{Journal: journal, StopAfter: 10}
	for result := range offboard.Users(context.Background(), client, slices.Values(requests), options) {
		fmt.Println(result.Request.From, result.Action, result.Err)
	}
}
