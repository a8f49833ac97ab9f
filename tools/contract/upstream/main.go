// Command upstream compares the operations of openapi.yaml with those of a contract that the vendor has published, and
// prints a line for each difference that testdata/upstream.yaml does not list as known.
//
//	upstream [-contract openapi.yaml] [-known testdata/upstream.yaml] FILE-OR-URL
//
// It exits with 0 if nothing is new, with 1 if something is, and with 2 if the two could not be compared.
// `make contract-upstream SPEC=…` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/docspace-go/userdata/tools/contract"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("contract-upstream", flag.ContinueOnError)
	flags.SetOutput(stderr)
	ours := flags.String("contract", "openapi.yaml", "our contract")
	known := flags.String("known", "testdata/upstream.yaml", "the differences that are known")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	found, summary, err := check(ctx, *ours, *known, flags.Args())
	if err != nil {
		fmt.Fprintln(stderr, "contract-upstream:", printable(err.Error()))
		return 2
	}
	for _, f := range contract.Join(found) {
		fmt.Fprintln(stdout, printable(f.String()))
	}
	fmt.Fprintln(stdout, printable(summary))
	return min(len(found), 1)
}

// check says what is new in the published contract, a file or a URL, and what was compared.
func check(ctx context.Context, ours, knownFile string, specs []string) (found []contract.Finding, summary string, err error) {
	if len(specs) != 1 || specs[0] == "" {
		return nil, "", errors.New("say what to compare with: SPEC=, and one file or URL behind it")
	}
	known, err := readKnown(knownFile)
	if err != nil {
		return nil, "", err
	}
	own, err := open(ctx, ours)
	if err != nil {
		return nil, "", err
	}
	published, err := open(ctx, specs[0])
	if err != nil {
		return nil, "", err
	}

	our, their, there := contract.Facts{}, contract.Facts{}, 0
	operations, candidates := own.operations(), published.operations()
	for _, op := range operations {
		own.describe(op, op, our, nil)
		if other, ok := find(op, operations, candidates); ok {
			there++
			published.describe(op, other, their, our)
		}
	}
	if there == 0 {
		return nil, "", fmt.Errorf("%s: has none of our operations among its %d: name the contract of the People service, or of all of DocSpace",
			shown(specs[0]), len(candidates))
	}
	found, count := compare(our, their, known)
	info := published.object(published.root["info"])
	return found, fmt.Sprintf("compared %d of %d operations with %q, version %q, OpenAPI %s: %d facts, %d known differences (%d of %d entries used), %d new",
		there, len(operations), text(info["title"]), text(info["version"]), text(published.root["openapi"]),
		count.facts, count.known, count.used, len(known), len(found)), nil
}
