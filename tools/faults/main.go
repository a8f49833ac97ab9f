// Command faults runs the matrix of faults and prints it as a table: what comes out of each of the ten operations when
// the way to the portal, or the portal, does this or that. It exits with 1 if a cell is wrong.
//
// The matrix itself is a test, since much of it runs in virtual time, which only tests have.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	table := filepath.Join(dir, "table.md")
	test := exec.CommandContext(ctx, "go", "test", "-count=1", "-run=^TestMatrix$", ".")
	test.Env = append(os.Environ(), "FAULTS_TABLE="+table)
	said, failure := test.CombinedOutput()
	text, err := os.ReadFile(table)
	if err != nil {
		return fmt.Errorf("the matrix has not come to its end: %w\n%s", failure, said)
	}
	if _, err := os.Stdout.Write(text); err != nil {
		return err
	}
	if failure != nil {
		return fmt.Errorf("the matrix fails: %w; go test has the details", failure)
	}
	return nil
}
