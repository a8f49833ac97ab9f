// Command look looks at a job once.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/wrapper"
)

func main() {
	if err := look(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func look() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := wrapper.New(os.Getenv("DOCSPACE_URL"), wrapper.WithAuth(wrapper.APIKey(os.Getenv("DOCSPACE_API_KEY"))))
	if err != nil {
		return err
	}
	user, err := uuid.Parse(os.Args[1])
	if err != nil {
		return err
	}
	progress, err := client.ReassignTask(user).Progress(ctx)
	if err != nil {
		return err
	}
	fmt.Println(progress.Percentage, progress.IsCompleted)
	return nil
}
