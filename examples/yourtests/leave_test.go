package yourtests

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time is virtual: the job's five minutes pass at once
		portal := docspacetest.NewPortal(docspacetest.WithJobLength(5 * time.Minute))
		defer portal.Close()
		user := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 3})
		successor := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})

		client, err := wrapper.New(portal.URL,
			wrapper.WithHTTPClient(portal.HTTPClient()),
			wrapper.WithAuth(wrapper.APIKey(portal.Owner().APIKey)))
		require.NoError(t, err)
		said, err := Leave(t.Context(), client, user.ID, successor.ID)
		require.NoError(t, err)

		assert.Equal(t, user.ID.String()+" is handed over (100%, completed)", said)
		now, _ := portal.User(successor.ID)
		assert.Equal(t, 3, now.Rooms)
	})
}
