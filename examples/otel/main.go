// Command otel hands the data of one user over to another, or waits until somebody else has, and writes down the spans of
// OpenTelemetry that this takes: the example of docs/observability.md.
//
//	DOCSPACE_URL=https://docspace.example.com DOCSPACE_API_KEY=sk-… otel LEAVING [SUCCESSOR]
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/docspace-go/userdata/wrapper"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 2 && len(os.Args) != 3 {
		log.Fatal("usage: otel LEAVING [SUCCESSOR]")
	}
	var users []uuid.UUID
	for _, text := range os.Args[1:] {
		id, err := uuid.Parse(text)
		if err != nil {
			log.Fatal("the id of a user: ", err)
		}
		users = append(users, id)
	}
	if err := run(ctx, users); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, users []uuid.UUID) (err error) {
	exporter, err := stdouttrace.New(stdouttrace.WithWriter(os.Stderr), stdouttrace.WithPrettyPrint())
	if err != nil {
		return err
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	defer func() { err = errors.Join(err, provider.Shutdown(context.WithoutCancel(ctx))) }()

	base := http.DefaultTransport.(*http.Transport).Clone()
	base.Protocols = new(http.Protocols) // over HTTP/2, net/http may send a start twice by itself
	base.Protocols.SetHTTP1(true)
	client, err := wrapper.NewFromEnv(wrapper.WithHTTPClient(&http.Client{Transport: traced(base, provider)}))
	if err != nil {
		return err
	}

	tracer := provider.Tracer("example.com/hr-sync")
	var progress wrapper.Progress
	if len(users) == 2 {
		progress, err = inSpan(ctx, tracer, "reassign", func(ctx context.Context) (wrapper.Progress, error) {
			return client.Reassign(ctx, users[0], users[1], progressEvents(ctx))
		})
	} else {
		progress, err = inSpan(ctx, tracer, "wait reassign", func(ctx context.Context) (wrapper.Progress, error) {
			return client.ReassignTask(users[0]).Wait(ctx, progressEvents(ctx))
		})
	}
	fmt.Println(progress)
	return err
}
