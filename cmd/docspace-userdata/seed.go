package main

import (
	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

// cast are the users that the demo and the mock begin with, beside the portal's owner.
type cast struct{ admin, successor, crowded, busy, empty, guest docspacetest.User }

func seed(p *docspacetest.Portal) cast {
	add := func(email string, kind api.EmployeeType, status docspacetest.Status, rooms int) docspacetest.User {
		return p.AddUser(docspacetest.User{Email: email, Type: kind, Status: status, Rooms: rooms})
	}
	return cast{
		admin:     add("ada.admin@example.com", api.EmployeeTypeDocSpaceAdmin, docspacetest.Active, 1),
		successor: add("sam.successor@example.com", api.EmployeeTypeRoomAdmin, docspacetest.Active, 2),
		crowded:   add("carla.leaving@example.com", api.EmployeeTypeRoomAdmin, docspacetest.Terminated, 12),
		busy:      add("ben.leaving@example.com", api.EmployeeTypeRoomAdmin, docspacetest.Terminated, 3),
		empty:     add("eve.leaving@example.com", api.EmployeeTypeUser, docspacetest.Terminated, 0),
		guest:     add("gus.guest@example.com", api.EmployeeTypeGuest, docspacetest.Active, 0),
	}
}
