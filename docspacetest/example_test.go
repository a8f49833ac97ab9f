package docspacetest_test

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

func Example() {
	portal := docspacetest.NewPortal()
	defer portal.Close()
	user := portal.AddUser(docspacetest.User{Status: docspacetest.Terminated, Rooms: 3})

	req, err := http.NewRequest(http.MethodGet, portal.URL+"/api/2.0/people/reassign/necessary?UserId="+user.ID.String(), nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+portal.Owner().APIKey)
	resp, err := portal.HTTPClient().Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)

	for _, r := range portal.Requests() {
		fmt.Println(r.Method, r.OperationID, r.Status)
	}
	// Output:
	// 200 OK
	// GET necessaryReassign 200
}

func ExamplePortal_Fail() {
	portal := docspacetest.NewPortal()
	defer portal.Close()
	client := portal.HTTPClient()

	portal.Fail("necessaryReassign",
		docspacetest.Fault{Status: 503, Header: http.Header{"Retry-After": {"2"}}},
		docspacetest.Fault{Reset: true})
	for range 3 {
		resp, err := client.Get("https://docspace.example.com/api/2.0/people/reassign/necessary")
		if err != nil {
			fmt.Println(err)
			continue
		}
		_ = resp.Body.Close()
		fmt.Println(resp.Status, resp.Header.Get("Retry-After"))
	}
	// Output:
	// 503 Service Unavailable 2
	// Get "https://docspace.example.com/api/2.0/people/reassign/necessary": read tcp: connection reset by peer
	// 401 Unauthorized
}

func ExampleNewPortal() {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // the default, too
	if err != nil {
		fmt.Println(err)
		return
	}
	portal := docspacetest.NewPortal(
		docspacetest.WithListener(listener),
		docspacetest.WithJobLength(5*time.Second),
		docspacetest.WithWorkers(2),
		docspacetest.WithLimits(docspacetest.Limits{RequestsPerMinute: 100}), // and no other limit
	)
	defer portal.Close()
	fmt.Println(portal.Owner().Email, portal.Owner().Type, len(portal.Users()))
	// Output: owner@example.com DocSpaceAdmin 1
}

func ExamplePortal_AddUser() {
	portal := docspacetest.NewPortal()
	defer portal.Close()
	user := portal.AddUser(docspacetest.User{
		Email: "carla@example.com", Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 3,
		Job: docspacetest.Job{Length: time.Minute, Error: "the disk is full"}, // how jobs on her data go
	})
	user.Job = docspacetest.Job{} // the disk has room again
	portal.AddUser(user)
	now, there := portal.User(user.ID)
	fmt.Println(now.Email, now.Rooms, there)
	// Output: carla@example.com 3 true
}

func ExamplePortal_Mails() {
	portal := docspacetest.NewPortal()
	defer portal.Close()
	guest := portal.AddUser(docspacetest.User{Email: "gus@example.com", Type: api.EmployeeTypeGuest})
	req, err := http.NewRequest(http.MethodPut, portal.URL+"/api/2.0/people/self/delete", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+guest.APIKey)
	resp, err := portal.HTTPClient().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()
	fmt.Println(resp.Status, portal.Mails())
	// Output: 200 OK [gus@example.com]
}

// After a restart, the portal knows of no job any more.
func ExamplePortal_Restart() {
	portal := docspacetest.NewPortal()
	defer portal.Close()
	portal.Restart()
}
