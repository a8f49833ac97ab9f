// Command consumer looks at the library as a stranger gets it. It makes the module's zip of the tree as it would be
// published, serves it as a proxy would, and has programs outside the tree use it: one is built and tested with this Go
// and with older releases, others are measured for what the import costs. It exits with 1, and a line that says why, if
// a stranger would be worse off than we promise.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "consumer: FAIL:", err)
		os.Exit(1)
	}
	fmt.Println("consumer: ok")
}

func run(ctx context.Context) error {
	scratch, err := os.MkdirTemp("", "consumer")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	lib, err := publish(ctx, "../..", filepath.Join(scratch, "proxy"))
	if err != nil {
		return err
	}
	fmt.Printf("consumer: %s %s: %d files, a zip of %d KiB\n", lib.path, lib.version, len(lib.files), lib.zipped/1024)
	outside, err := newOutside(ctx, lib, scratch)
	if err != nil {
		return err
	}
	if err := outside.use(ctx, "testdata/hrsync"); err != nil {
		return err
	}
	return outside.cost(ctx, "testdata/floor", "testdata/importer", "look", "everything")
}
