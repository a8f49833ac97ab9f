package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

// setup is a portal with one user who leaves and one who stays, a traced client of its owner, and what becomes of spans.
type setup struct {
	portal         *docspacetest.Portal
	leaving, stays docspacetest.User
	client         *wrapper.Client
	tracer         trace.Tracer
	spans          *tracetest.InMemoryExporter
}

// inVirtualTime runs the test in a bubble. What the requests meet beneath the tracing can be put in between.
func inVirtualTime(t *testing.T, between func(http.RoundTripper) http.RoundTripper, test func(*testing.T, setup)) {
	synctest.Test(t, func(t *testing.T) {
		portal := docspacetest.NewPortal(docspacetest.WithJobLength(time.Minute))
		defer portal.Close()
		base := portal.HTTPClient().Transport
		if between != nil {
			base = between(base)
		}
		s := setup{
			portal:  portal,
			leaving: portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 3}),
			stays:   portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin}),
			spans:   tracetest.NewInMemoryExporter(),
		}
		provider := sdk.NewTracerProvider(sdk.WithSyncer(s.spans))
		s.tracer = provider.Tracer("test")
		s.client = s.signedBy(t, wrapper.APIKey(portal.Owner().APIKey), traced(base, provider))
		test(t, s)
	})
}

func (s setup) signedBy(t *testing.T, auth api.RequestEditorFn, transport http.RoundTripper) *wrapper.Client {
	client, err := wrapper.New(s.portal.URL, wrapper.WithAuth(auth), wrapper.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	return client
}

func (s setup) ask(ctx context.Context) (bool, error) {
	return inSpan(ctx, s.tracer, "necessaryReassign", func(ctx context.Context) (bool, error) {
		return s.client.NecessaryReassign(ctx, s.leaving.ID, "")
	})
}

func (s setup) handOver(ctx context.Context) (wrapper.Progress, error) {
	return inSpan(ctx, s.tracer, "reassign", func(ctx context.Context) (wrapper.Progress, error) {
		return s.client.Reassign(ctx, s.leaving.ID, s.stays.ID, progressEvents(ctx))
	})
}

func (s setup) wait(ctx context.Context) (wrapper.Progress, error) {
	return inSpan(ctx, s.tracer, "wait reassign", func(ctx context.Context) (wrapper.Progress, error) {
		return s.client.ReassignTask(s.leaving.ID).Wait(ctx, progressEvents(ctx))
	})
}

func TestACallIsASpanWithOneBelowItForEachAttempt(t *testing.T) {
	inVirtualTime(t, nil, func(t *testing.T, s setup) {
		s.portal.Fail("necessaryReassign", docspacetest.Fault{Status: http.StatusServiceUnavailable}, docspacetest.Fault{Reset: true})
		_, err := s.ask(t.Context())
		require.NoError(t, err)

		spans := s.spans.GetSpans() // as they ended: the call last
		require.Len(t, spans, 4)
		call := spans[3]
		for _, attempt := range spans[:3] {
			assert.Equal(t, "necessaryReassign", attempt.Name)
			assert.Equal(t, trace.SpanKindClient, attempt.SpanKind)
			assert.Equal(t, call.SpanContext.SpanID(), attempt.Parent.SpanID())
			assert.False(t, attempt.EndTime.After(call.EndTime))
		}
		assert.Equal(t, codes.Error, spans[0].Status.Code)
		assert.Contains(t, spans[0].Attributes, attribute.Int("http.response.status_code", http.StatusServiceUnavailable))
		assert.Equal(t, sdk.Status{Code: codes.Error, Description: "no answer"}, spans[1].Status)
		assert.Contains(t, spans[1].Attributes, attribute.String("error.type", "*net.OpError"))
		assert.Equal(t, codes.Unset, spans[2].Status.Code)

		assert.Equal(t, "necessaryReassign", call.Name)
		assert.Equal(t, trace.SpanKindInternal, call.SpanKind)
		assert.Equal(t, codes.Unset, call.Status.Code)
		require.Len(t, call.Events, 2)
		for i, event := range call.Events {
			assert.Equal(t, "retry", event.Name)
			assert.Equal(t, []attribute.KeyValue{
				attribute.String("docspace.operation", "necessaryReassign"), attribute.Int("docspace.attempt", i+2),
			}, event.Attributes)
		}
	})
}

func TestAWaitIsASpanWithTheProgressOfTheJobAsEvents(t *testing.T) {
	inVirtualTime(t, nil, func(t *testing.T, s setup) {
		_, err := s.client.StartReassign(t.Context(), s.leaving.ID, s.stays.ID)
		require.NoError(t, err)
		s.spans.Reset()
		s.portal.Fail("getReassignProgress", docspacetest.Fault{}, docspacetest.Fault{Status: http.StatusBadGateway})
		_, err = s.wait(t.Context())
		require.NoError(t, err)

		spans := s.spans.GetSpans()
		require.Greater(t, len(spans), 10)
		wait := spans[len(spans)-1]
		assert.Equal(t, "wait reassign", wait.Name)
		for _, look := range spans[:len(spans)-1] {
			assert.Equal(t, "getReassignProgress", look.Name)
			assert.Equal(t, wait.SpanContext.SpanID(), look.Parent.SpanID())
		}
		var names []string
		percentage := int64(-1)
		for _, event := range wait.Events {
			names = append(names, event.Name)
			if event.Name == "progress" {
				now := event.Attributes[0].Value.AsInt64()
				assert.Greater(t, now, percentage)
				percentage = now
			}
		}
		assert.EqualValues(t, 100, percentage)
		assert.Contains(t, names, "retry")
	})
}

func TestAFailureIsSaidOnTheSpanOfTheCall(t *testing.T) {
	inVirtualTime(t, nil, func(t *testing.T, s setup) {
		s.portal.Fail("startReassign", docspacetest.Fault{Lost: true}, docspacetest.Fault{Status: http.StatusForbidden})
		s.portal.Fail("getReassignProgress", docspacetest.Fault{}, docspacetest.Fault{Status: http.StatusForbidden})
		_, err := s.handOver(t.Context())
		require.ErrorIs(t, err, wrapper.ErrOutcomeUnknown)

		spans := s.spans.GetSpans()
		call := spans[len(spans)-1]
		assert.Equal(t, "reassign", call.Name)
		assert.Equal(t, sdk.Status{Code: codes.Error, Description: err.Error()}, call.Status)
		assert.Contains(t, call.Attributes, attribute.Bool("docspace.outcome_unknown", true))
	})
}

func TestTheClientGetsTheErrorAsItWas(t *testing.T) {
	inVirtualTime(t, nil, func(t *testing.T, s setup) {
		s.portal.Close()
		_, err := s.ask(t.Context())
		require.ErrorContains(t, err, "connection refused")
		require.ErrorAs(t, err, new(*net.OpError))
	})
}

// Whoever it is about: a name per user would be too many for any backend, and would show who leaves.
func TestNamesAreFewAndNameNobody(t *testing.T) {
	inVirtualTime(t, nil, func(t *testing.T, s setup) {
		_, err := s.ask(t.Context())
		require.NoError(t, err)
		_, err = s.handOver(t.Context())
		require.NoError(t, err)

		names := map[string]bool{}
		for _, span := range s.spans.GetSpans() {
			names[span.Name] = true
			for _, event := range span.Events {
				names[event.Name] = true
			}
		}
		assert.Equal(t, map[string]bool{
			"necessaryReassign": true, "reassign": true, "startReassign": true, "getReassignProgress": true, "progress": true,
		}, names)
	})
}

// mirror answers some requests with all that was sent, in every way that something could be made to write it down.
type mirror struct {
	next  http.RoundTripper
	times int
}

func (m *mirror) RoundTrip(req *http.Request) (*http.Response, error) {
	m.times++
	sent := req.Header.Get("Authorization") + req.Header.Get("Cookie")
	switch m.times {
	case 1:
		return nil, errors.New("malformed HTTP response " + sent)
	case 2:
		return &http.Response{
			StatusCode: http.StatusServiceUnavailable, Status: "503 " + sent, Proto: "HTTP/1.1", Request: req,
			Header: http.Header{"Set-Cookie": {sent}, "X-Sent": {sent}}, Body: io.NopCloser(strings.NewReader(sent)),
		}, nil
	case 3:
		return &http.Response{
			StatusCode: http.StatusForbidden, Status: "403 Forbidden", Proto: "HTTP/1.1", Request: req, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(`{"error":{"message":"Access denied for ` + sent + `"},"status":1,"statusCode":403}`)),
		}, nil
	}
	return m.next.RoundTrip(req)
}

func TestNoSpanHasACredential(t *testing.T) {
	for name, scheme := range map[string]func(docspacetest.User) (api.RequestEditorFn, string){
		"API key": func(u docspacetest.User) (api.RequestEditorFn, string) { return wrapper.APIKey(u.APIKey), u.APIKey },
		"token": func(u docspacetest.User) (api.RequestEditorFn, string) {
			return wrapper.BearerToken(u.AccessToken), u.AccessToken
		},
		"session": func(u docspacetest.User) (api.RequestEditorFn, string) {
			return wrapper.CookieAuth(u.AuthKey), u.AuthKey
		},
		"account": func(u docspacetest.User) (api.RequestEditorFn, string) {
			return wrapper.BasicAuth(u.Email, u.Password), u.Password
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := &mirror{}
			inVirtualTime(t, func(next http.RoundTripper) http.RoundTripper { m.next = next; return m }, func(t *testing.T, s setup) {
				editor, secret := scheme(s.portal.Owner())
				s.client = s.signedBy(t, editor, traced(m, sdk.NewTracerProvider(sdk.WithSyncer(s.spans))))
				_, err := s.ask(t.Context())
				require.ErrorIs(t, err, wrapper.ErrForbidden)
				_, err = s.handOver(t.Context())
				require.NoError(t, err)

				var written bytes.Buffer
				exporter, err := stdouttrace.New(stdouttrace.WithWriter(&written))
				require.NoError(t, err)
				require.NoError(t, exporter.ExportSpans(t.Context(), s.spans.GetSpans().Snapshots()))
				assert.Contains(t, written.String(), "Access denied") // what the portal says is there
				assert.Contains(t, written.String(), s.leaving.ID.String())
				for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(s.portal.Owner().Email + ":" + secret))} {
					assert.NotContains(t, written.String(), form)
				}
			})
		})
	}
}

// recorder notes down where requests go.
type recorder struct {
	next http.RoundTripper
	sent []*http.Request
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.sent = append(r.sent, req.Clone(context.WithoutCancel(req.Context())))
	return r.next.RoundTrip(req)
}

func TestTheTraceGoesToThePortalAndNowhereElse(t *testing.T) {
	r := &recorder{}
	inVirtualTime(t, func(next http.RoundTripper) http.RoundTripper { r.next = next; return r }, func(t *testing.T, s setup) {
		member, err := baggage.NewMember("who", "somebody")
		require.NoError(t, err)
		bag, err := baggage.New(member)
		require.NoError(t, err)
		s.portal.Fail("necessaryReassign", docspacetest.Fault{Status: http.StatusFound, Header: http.Header{"Location": {"https://elsewhere.example.com/"}}})
		ctx := baggage.ContextWithBaggage(t.Context(), bag)
		_, err = s.ask(ctx)
		require.ErrorIs(t, err, wrapper.ErrUnexpectedResponse) // the redirect, which is not followed
		_, err = s.ask(ctx)
		require.NoError(t, err)

		attempts := map[string]bool{}
		for _, span := range s.spans.GetSpans() {
			attempts["00-"+span.SpanContext.TraceID().String()+"-"+span.SpanContext.SpanID().String()+"-01"] = span.SpanKind == trace.SpanKindClient
		}
		require.Len(t, r.sent, 2)
		for _, req := range r.sent {
			at, err := url.Parse(s.portal.URL)
			require.NoError(t, err)
			assert.Equal(t, at.Host, req.URL.Host)
			assert.True(t, attempts[req.Header.Get("Traceparent")], "%q is none of the attempts", req.Header.Get("Traceparent"))
			assert.Empty(t, req.Header.Get("Baggage"))
		}
	})
}
