//go:build unix

// Command memory runs the tool as an administrator would, for a list of 1,000 users on a portal on this machine, and
// measures how much memory it takes. It exits with 1 if that is more than we promise. The tool keeps to the limits of a
// portal here too, so this takes some minutes.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const most = 64 << 20 // bytes resident

func main() {
	users := flag.Int("users", 1000, "how many users leave")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, flag.Arg(0), *users)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "memory: FAIL:", err)
		os.Exit(1)
	}
}

// person is a user as the portal's first line has it.
type person struct {
	ID, APIKey, Status string
}

func run(ctx context.Context, tool string, users int) error {
	dir, err := os.MkdirTemp("", "memory")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	scenario := filepath.Join(dir, "scenario.json")
	if err := os.WriteFile(scenario, scene(users), 0o600); err != nil {
		return err
	}
	portal := exec.CommandContext(ctx, tool, "mock", "--scenario", scenario, "--job-length", "10ms", "--limits", "off")
	portal.Cancel = func() error { return portal.Process.Signal(os.Interrupt) }
	portal.Stderr = os.Stderr
	out, err := portal.StdoutPipe()
	if err != nil {
		return err
	}
	if err := portal.Start(); err != nil {
		return err
	}
	defer func() {
		_ = portal.Process.Signal(os.Interrupt)
		_ = portal.Wait()
	}()
	var there struct {
		URL   string
		Users []person
	}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&there); err != nil {
		return fmt.Errorf("the portal: %w", err)
	}
	list := filepath.Join(dir, "leavers.csv")
	owner, leaving, err := write(list, there.Users)
	if err != nil {
		return err
	}
	if leaving != users {
		return fmt.Errorf("the portal has %d who leave, want %d", leaving, users)
	}

	report := filepath.Join(dir, "report.json")
	offboard := exec.CommandContext(ctx, tool, "offboard", "--csv", list, "--report", report, "--yes")
	offboard.Env = append(os.Environ(), "DOCSPACE_URL="+there.URL, "DOCSPACE_API_KEY="+owner)
	offboard.Cancel = func() error { return offboard.Process.Signal(os.Interrupt) }
	began := time.Now()
	if said, err := offboard.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		return fmt.Errorf("the tool: %w: %s", err, lines[len(lines)-1])
	}
	// What a process had before it became the tool counts as well: the little that this one has.
	usage, ok := offboard.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("this system does not tell how much memory a process had")
	}
	resident := usage.Maxrss // KiB
	if runtime.GOOS == "darwin" {
		resident /= 1024 // bytes there
	}
	fmt.Printf("memory: %d users in %v: %.1f MiB resident at most, %d allowed\n", users, time.Since(began).Round(time.Second), float64(resident)/1024, most>>20)
	if resident > most>>10 {
		return fmt.Errorf("the tool took %.1f MiB for %d users, %d is the most", float64(resident)/1024, users, most>>20)
	}
	return nil
}

// scene is a portal's users: a successor, and those who leave, every other one with something to hand over.
func scene(users int) []byte {
	type user struct {
		Type   string `json:"type"`
		Status string `json:"status"`
		Rooms  int    `json:"rooms"`
	}
	all := []user{{Type: "RoomAdmin", Status: "Active"}}
	for i := range users {
		all = append(all, user{"RoomAdmin", "Terminated", i % 2})
	}
	text, err := json.Marshal(map[string]any{"users": all})
	if err != nil {
		panic(err) // there is nothing in it that JSON has not
	}
	return text
}

// write makes the list of those who leave, and returns the owner's key.
func write(list string, there []person) (owner string, leaving int, _ error) {
	if len(there) < 2 {
		return "", 0, errors.New("the portal has no owner and no successor")
	}
	text := "from,to\n"
	for _, p := range there[1:] {
		if p.Status == "Terminated" {
			text += p.ID + "," + there[1].ID + "\n"
			leaving++
		}
	}
	return there[0].APIKey, leaving, os.WriteFile(list, []byte(text), 0o600)
}
