package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata"
	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

// evening sets up a portal where three have left and one leaves next month, and the list that says so.
func evening(t *testing.T) (*docspacetest.Portal, *wrapper.Client, string, docspacetest.User) {
	portal := docspacetest.NewPortal(docspacetest.WithJobLength(5 * time.Minute))
	t.Cleanup(portal.Close)
	successor := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
	list := "user,successor,last day\n"
	for i := range 4 {
		day := time.Now().AddDate(0, 0, -2)
		if i == 3 {
			day = day.AddDate(0, 1, 0)
		}
		u := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: i})
		list += fmt.Sprintf("%s,%s,%s\n", u.ID, successor.ID, day.Format(time.DateOnly))
	}
	client, err := wrapper.New(portal.URL, wrapper.WithHTTPClient(portal.HTTPClient()), wrapper.WithAuth(wrapper.APIKey(portal.Owner().APIKey)))
	if err != nil {
		t.Fatal(err)
	}
	return portal, client, list, successor
}

func TestWhoHasLeftIsHandedOverOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		portal, client, list, successor := evening(t)
		people, err := leavers(strings.NewReader(list))
		if err != nil {
			t.Fatal(err)
		}
		var journal, report bytes.Buffer
		if err := sync(t.Context(), client, people, time.Now(), &journal, &report); err != nil {
			t.Fatal(err, report.String())
		}
		if lines := strings.Count(report.String(), "100%, completed"); lines != 3 {
			t.Errorf("%d are reported, want 3:\n%s", lines, &report)
		}
		if now, _ := portal.User(successor.ID); now.Rooms != 0+1+2 {
			t.Errorf("the successor has %d rooms, want 3", now.Rooms)
		}
		if left := len(portal.Users()); left != 3 { // the owner, the successor, and who leaves next month
			t.Errorf("%d users are left, want 3", left)
		}

		before := len(portal.Requests())
		if err := sync(t.Context(), client, people, time.Now(), &journal, &report); err != nil {
			t.Fatal(err)
		}
		if again := len(portal.Requests()) - before; again != 0 {
			t.Errorf("the second night sent %d requests, want none", again)
		}
	})
}

func TestWhoCannotBeHandedOverIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		portal, client, _, successor := evening(t)
		people := []leaver{{uuid.New(), successor.ID, time.Now().AddDate(0, 0, -2)}}
		portal.Fail("necessaryReassign", docspacetest.Fault{Status: http.StatusForbidden})
		var journal, report bytes.Buffer
		err := sync(t.Context(), client, people, time.Now(), &journal, &report)
		if err == nil || !strings.Contains(report.String(), "FAILED") || !strings.Contains(report.String(), "403") {
			t.Errorf("%v, and the report is %q", err, &report)
		}
	})
}

func TestAListThatCannotBeReadIsRefused(t *testing.T) {
	if _, err := leavers(strings.NewReader("user,successor,last day\nme,you,today\n")); err == nil {
		t.Error("no error")
	}
}

func TestAWrongKeyIsToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		portal := docspacetest.NewPortal()
		defer portal.Close()
		client, err := wrapper.New(portal.URL, wrapper.WithHTTPClient(portal.HTTPClient()), wrapper.WithAuth(wrapper.APIKey("sk-wrong")))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.RemoveTask(uuid.New()).Progress(t.Context()); !errors.Is(err, wrapper.ErrUnauthorized) {
			t.Error(err)
		}
	})
}

func TestTheContractComesWithTheLibrary(t *testing.T) {
	if !strings.HasPrefix(userdata.Contract(), "openapi: 3") {
		t.Errorf("%.80q", userdata.Contract())
	}
}
