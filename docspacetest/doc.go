// Package docspacetest is a DocSpace portal in memory: for tests of programs that deal with the data of leaving users,
// for demos, and for measuring what a thousand of them take. The shortest test:
//
//	func TestHandover(t *testing.T) {
//		portal := docspacetest.NewPortal()
//		defer portal.Close()
//		leaving := portal.AddUser(docspacetest.User{Status: docspacetest.Terminated, Rooms: 3})
//		successor := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
//
//		client, err := wrapper.New(portal.URL, wrapper.WithAuth(wrapper.APIKey(portal.Owner().APIKey)))
//		if err != nil {
//			t.Fatal(err)
//		}
//		if _, err := client.Reassign(t.Context(), leaving.ID, successor.ID); err != nil {
//			t.Fatal(err)
//		}
//		if now, _ := portal.User(successor.ID); now.Rooms != 3 {
//			t.Errorf("%d rooms were handed over", now.Rooms)
//		}
//	}
//
// # Socket, memory, virtual time
//
// A portal listens on a free port of 127.0.0.1 from the start, and any HTTP client can call its URL. HTTPClient returns
// a client that calls the portal in memory instead. The first call of HTTPClient closes the socket for good; from then
// on the portal lives in memory only and has no goroutine at all. Therefore hours of jobs take no time in a bubble of
// testing/synctest, if the portal is made there:
//
//	synctest.Test(t, func(t *testing.T) {
//		portal := docspacetest.NewPortal()
//		defer portal.Close()
//		client := portal.HTTPClient()
//		// time.Sleep, timeouts and the portal's jobs are in virtual time here
//	})
//
// # Faults
//
// Fail has the next requests of an operation go wrong: answered by a proxy, delayed, hanging, torn down before or after
// they were processed. Requests tells what arrived.
//
//	portal.Fail("startReassign",
//		docspacetest.Fault{Status: 503, ContentType: "text/html", Body: "<h1>Service Unavailable</h1>"},
//		docspacetest.Fault{Lost: true}) // the second start is processed, but its answer is lost
//
// # What it does
//
// It answers the ten operations of the contract the way a portal of server version 3.7.2 was observed to: the shapes of
// answers and errors, who is let in by which credential, what jobs need and do, queues and their milestones, the cleaner
// that drops progress which has not changed for a minute (see WithJobLength), and the limits. Users own rooms, which are
// but a number: files, mails, quotas and whatever else a portal has are not there.
//
// Where observation has left a question open, the portal keeps to one rule: a job is what counts, not whether its
// progress is visible. Starting or terminating a job whose progress is dropped while it waits joins or stops that very
// job. Once a reassignment is bound to be cancelled, a new start queues a new job, and the old one no longer reports.
package docspacetest
