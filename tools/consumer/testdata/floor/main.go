// Command floor looks at a job once, with the standard library alone: what a program would be without the client.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"
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
	address := os.Getenv("DOCSPACE_URL") + "/api/2.0/people/reassign/progress/" + url.PathEscape(os.Args[1])
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("DOCSPACE_API_KEY"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the portal answered %s", resp.Status)
	}
	var answer struct {
		Response struct {
			Percentage  int
			IsCompleted bool
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	fmt.Println(answer.Response.Percentage, answer.Response.IsCompleted)
	return nil
}
