package docspacetest_test

import (
	"fmt"
	"net/http"

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
