package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/docspace-go/userdata/wrapper"
)

// inSpan runs a call of the client, or a wait, in a span of that name. Its status has the error's text: who it was about
// and what the portal said, but no credential.
func inSpan[T any](ctx context.Context, tracer trace.Tracer, name string, call func(context.Context) (T, error)) (T, error) {
	ctx, span := tracer.Start(ctx, name)
	defer span.End()
	result, err := call(ctx)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		span.SetAttributes(attribute.Bool("docspace.outcome_unknown", errors.Is(err, wrapper.ErrOutcomeUnknown)))
	}
	return result, err
}

// progressEvents puts what is seen of a job on the context's span, an event for each change.
func progressEvents(ctx context.Context) wrapper.WaitOption {
	span := trace.SpanFromContext(ctx)
	return wrapper.OnProgress(func(p wrapper.Progress) {
		span.AddEvent("progress", trace.WithAttributes(
			attribute.Int("docspace.percentage", p.Percentage), attribute.String("docspace.status", p.Status.String())))
	})
}

// traced has a span for every attempt of a request, named by its operation, and an event on the call's own span for every
// attempt after the first. The trace's context goes where the requests go, and those go to the portal only.
func traced(base http.RoundTripper, provider trace.TracerProvider) http.RoundTripper {
	return attempts{otelhttp.NewTransport(quiet{base},
		otelhttp.WithTracerProvider(provider),
		otelhttp.WithPropagators(propagation.TraceContext{}), // without baggage, which may hold anything
		otelhttp.WithSpanNameFormatter(spanName))}
}

func spanName(_ string, req *http.Request) string {
	call, _ := wrapper.CallOf(req.Context())
	return cmp.Or(call.Operation, req.Method)
}

// attempts is outside of otelhttp, where the context's span is still that of the call.
type attempts struct{ traced http.RoundTripper }

func (a attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	if call, _ := wrapper.CallOf(req.Context()); call.Attempt > 1 {
		trace.SpanFromContext(req.Context()).AddEvent("retry", trace.WithAttributes(
			attribute.String("docspace.operation", call.Operation), attribute.Int("docspace.attempt", call.Attempt)))
	}
	resp, err := a.traced.RoundTrip(req)
	if h := (hushed{}); errors.As(err, &h) {
		err = h.cause
	}
	return resp, err
}

// quiet is inside of otelhttp, which writes the texts of errors down. Those of net/http quote what they cannot read, and a
// broken proxy may answer with what was sent, the credential included. The client gets the error as it was.
type quiet struct{ base http.RoundTripper }

func (q quiet) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := q.base.RoundTrip(req)
	if err != nil {
		err = hushed{err}
	}
	return resp, err
}

type hushed struct{ cause error }

func (hushed) Error() string { return "no answer" }

// ErrorType becomes the span's attribute error.type.
func (h hushed) ErrorType() string { return fmt.Sprintf("%T", h.cause) }
