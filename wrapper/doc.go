// Package wrapper is the client for DocSpace's people user data API: it hands the rooms and files of a leaving user
// over to somebody else, erases what a user leaves behind, empties a guest's personal folder, and sends users the mail
// with which they delete their own profile. The shortest program:
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//
//		"github.com/google/uuid"
//
//		"github.com/docspace-go/userdata/wrapper"
//	)
//
//	func main() {
//		client, err := wrapper.New("https://docspace.example.com", wrapper.WithAuth(wrapper.APIKey("sk-…")))
//		if err != nil {
//			log.Fatal(err)
//		}
//		leaving := uuid.MustParse("aae1e103-bca5-9fa1-ba8c-42058b4abf28")
//		successor := uuid.MustParse("5b2b24f5-7e7a-4f0e-a6d1-3d6ddc2f51c9")
//		progress, err := client.Reassign(context.Background(), leaving, successor)
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Println(progress) // 100%, completed
//	}
//
// # Credentials
//
// One credential signs every request: [APIKey], [BearerToken], [BasicAuth], [CookieAuth], or a token source with
// [OAuth2] or [OpenID]. [NewFromEnv] takes it from the environment. It goes to the origin of the base URL and nowhere else.
//
// # Jobs
//
// Reassign, remove and the personal folder are jobs on the portal. [Client.Reassign], [Client.Remove] and
// [Client.DeletePersonalFolder] start one and wait for its end. [Client.StartReassign] and its like only start it and
// return a [Task], with which it can be watched and stopped. [Client.ReassignTask] and its like attach to a job that was
// started earlier, or by somebody else.
//
// Portals keep one job per user and kind, and forget its progress about a minute after it last moved (observed). So an
// absent progress says nothing about how a job ended, and a start may join a job that runs already. This client tells
// these cases apart, and says [ErrOutcomeUnknown] where nobody can.
//
// # Errors
//
// Every request that brings no answer of use ends in one [*Error], whose text says what was asked, of which user, what
// the portal answered, what that means for the data, and what to do next. A job that did not end well ends in a
// [*TaskError]. Tell them apart with [errors.Is] and the Err values of this package.
//
// # Limits and retries
//
// A [Client] is safe for concurrent use, and one per portal is meant to be shared: it keeps to the portal's limits as a
// whole. What is sent again after a failure, and what never is, follows from what an operation does; see [RetryPolicy].
//
// # Observation
//
// [WithLogger] logs every attempt. [CallOf] tells an [net/http.RoundTripper] of yours which call a request belongs to, and
// [Client.RateLimit] what the portal last said of its limits.
package wrapper
