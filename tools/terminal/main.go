// Command terminal records a picture of the tool at work: many users leave a portal in memory, at a pseudo-terminal, and
// what that shows becomes an SVG. The tests of this module look at the tool in the same way.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: terminal FILE.svg")
		os.Exit(2)
	}
	if err := record(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "terminal:", err)
		os.Exit(1)
	}
}

// record runs the tool and writes the picture.
func record(path string) (err error) {
	folder, err := os.MkdirTemp("", "picture-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	tool, err := build(folder)
	if err != nil {
		return err
	}
	portal := docspacetest.NewPortal(docspacetest.WithJobLength(3*time.Second), docspacetest.WithWorkers(2))
	defer portal.Close()
	if err := os.WriteFile(filepath.Join(folder, "leavers.csv"), []byte(leavers(portal)), 0o600); err != nil {
		return err
	}
	t, err := open(tool, folder, pictureColumns, []string{
		"HOME=" + folder, "DOCSPACE_URL=" + portal.URL, "DOCSPACE_API_KEY=" + portal.Owner().APIKey,
	}, "offboard", "--csv", "leavers.csv")
	if err != nil {
		return err
	}
	film := &film{command: "docspace-userdata offboard --csv leavers.csv"}
	filming := make(chan struct{})
	go func() {
		defer close(filming)
		film.roll(t)
	}()
	if err := t.until(func(text string) bool { return len(text) > 0 && text[len(text)-1] == ']' }); err != nil {
		return fmt.Errorf("%w: %s", err, t.text())
	}
	time.Sleep(2 * time.Second) // for the question to be read
	if err := t.enter("y\r"); err != nil {
		return err
	}
	code, err := t.close()
	<-filming
	if err == nil && code != 1 {
		err = fmt.Errorf("exit code %d, where one of the users is to fail", code)
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, t.text())
	}
	picture, err := film.svg()
	if err != nil {
		return err
	}
	return os.WriteFile(path, picture, 0o644)
}

// leavers adds people to a portal, and lists those who leave. The job of one of them fails.
func leavers(portal *docspacetest.Portal) string {
	id := func(n int) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceURL, []byte{byte(n)}) }
	successor := portal.AddUser(docspacetest.User{ID: id(0), Type: api.EmployeeTypeRoomAdmin})
	list := "from,to\n"
	for n, u := range []docspacetest.User{
		{Rooms: 4},
		{Rooms: 1},
		{},
		{Rooms: 2, Job: docspacetest.Job{Error: "the storage is read-only"}},
		{},
		{Rooms: 7},
		{Rooms: 3},
		{},
	} {
		u.ID, u.Type, u.Status = id(n+1), api.EmployeeTypeRoomAdmin, docspacetest.Terminated
		u.Job.Length = time.Duration(2500+400*(n%3)) * time.Millisecond
		list += portal.AddUser(u).ID.String() + "," + successor.ID.String() + "\n"
	}
	return list
}
