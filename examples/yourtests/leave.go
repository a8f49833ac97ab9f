// Package yourtests shows how a program that uses the client is tested against a portal in memory.
package yourtests

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/wrapper"
)

// Leave is a piece of somebody's program: it hands a user over and says so.
func Leave(ctx context.Context, client *wrapper.Client, user, successor uuid.UUID) (string, error) {
	progress, err := client.Reassign(ctx, user, successor)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is handed over (%s)", user, progress), nil
}
