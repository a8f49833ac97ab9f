package failures

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
	"github.com/docspace-go/userdata/wrapper"
)

func TestEveryWayAHandoverCanEndSaysWhatToDoNext(t *testing.T) {
	for name, c := range map[string]struct {
		meets func(p *docspacetest.Portal)
		job   docspacetest.Job
		limit time.Duration // of the call, zero for none
		want  Next
		pause time.Duration
		seen  int // percentage, if there is a job
	}{
		"it goes well":   {want: Done},
		"the job fails":  {job: docspacetest.Job{Error: "the disk is full"}, want: Mend, seen: 95},
		"the time is up": {limit: 10 * time.Second, want: Again, seen: 5},
		"the portal is told to wait for hours": {
			meets: func(p *docspacetest.Portal) {
				p.Fail("startReassign", docspacetest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7200"}}})
			},
			want: Later, pause: 2 * time.Hour,
		},
		"the account may not do it": {
			meets: func(p *docspacetest.Portal) {
				p.Fail("startReassign", docspacetest.Fault{Status: http.StatusForbidden})
			},
			want: Mend,
		},
		"the start is lost, and every look after it": {
			meets: func(p *docspacetest.Portal) {
				p.Fail("startReassign", docspacetest.Fault{Lost: true})
				p.Fail("getReassignProgress", docspacetest.Fault{}, docspacetest.Fault{Status: http.StatusForbidden})
			},
			want: Look,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				portal := docspacetest.NewPortal(docspacetest.WithJobLength(time.Minute))
				defer portal.Close()
				leaving := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated, Rooms: 3, Job: c.job})
				successor := portal.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
				client, err := wrapper.New(portal.URL, wrapper.WithHTTPClient(portal.HTTPClient()), wrapper.WithAuth(wrapper.APIKey(portal.Owner().APIKey)))
				require.NoError(t, err)
				if c.meets != nil {
					c.meets(portal)
				}
				ctx := t.Context()
				if c.limit > 0 {
					limited, cancel := context.WithTimeout(ctx, c.limit)
					defer cancel()
					ctx = limited
				}
				_, err = client.Reassign(ctx, leaving.ID, successor.ID)
				assert.Equal(t, c.want, After(err), "%v", err)
				assert.Equal(t, c.pause, PauseAfter(err))
				seen, ok := LastSeen(err)
				assert.Equal(t, c.seen > 0, ok)
				assert.Equal(t, c.seen, seen.Percentage)
				if c.want == Again {
					_, err = client.Reassign(t.Context(), leaving.ID, successor.ID)
					assert.Equal(t, Wait, After(err), "%v", err)
				}
			})
		})
	}
}
