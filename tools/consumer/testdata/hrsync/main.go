// Command hrsync reads the list of leavers that a personnel system has exported, and hands those over whose last day is
// past. It may run every night: a journal keeps it from doing anybody twice.
//
//	DOCSPACE_URL=https://docspace.example.com DOCSPACE_API_KEY=sk-… hrsync leavers.csv hrsync.journal
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/docspace-go/userdata/wrapper"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	if len(os.Args) != 3 {
		return errors.New("usage: hrsync LEAVERS.csv JOURNAL")
	}
	export, err := os.Open(os.Args[1])
	if err != nil {
		return err
	}
	defer export.Close()
	people, err := leavers(export)
	if err != nil {
		return err
	}
	journal, err := os.OpenFile(os.Args[2], os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer journal.Close()
	client, err := wrapper.NewFromEnv()
	if err != nil {
		return err
	}
	return sync(ctx, client, people, time.Now(), journal, os.Stdout)
}
