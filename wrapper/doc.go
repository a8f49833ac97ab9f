// Package wrapper is the client for DocSpace's people user data API: it hands the rooms and files of a leaving user
// over to somebody else, erases what a user leaves behind, empties a guest's personal folder, and sends users the mail
// with which they delete their own profile.
//
//	client, err := wrapper.New("https://docspace.example.com", wrapper.WithAuth(wrapper.APIKey(key)))
//	if err != nil {
//		return err
//	}
//	progress, err := client.Reassign(ctx, leaving, successor, wrapper.DeleteProfile())
//
// # Jobs
//
// Reassign, remove and the personal folder are jobs on the portal. Reassign, Remove and DeletePersonalFolder start one
// and wait for its end. StartReassign, StartRemove and StartDeletePersonalFolder only start it and return a [Task], with
// which it can be watched and stopped; ReassignTask, RemoveTask and DeletePersonalFolderTask attach to
// a job that was started earlier, or by somebody else.
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
// A Client is safe for concurrent use, and one per portal is meant to be shared: it keeps to the portal's limits as a
// whole. What is sent again after a failure, and what never is, follows from what an operation does; see [RetryPolicy].
package wrapper
