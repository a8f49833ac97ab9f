package docspacetest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docspace-go/userdata/api"
	"github.com/docspace-go/userdata/docspacetest"
)

const (
	created   = api.DistributedTaskStatusCreated
	running   = api.DistributedTaskStatusRunning
	completed = api.DistributedTaskStatusCompleted
	canceled  = api.DistributedTaskStatusCanceled
	failed    = api.DistributedTaskStatusFailed
)

func TestAJobReportsItsMilestonesEvenly(t *testing.T) {
	for _, c := range []struct {
		name       string
		milestones []int
		item       string
		start      func(s *scene) (caller, string, string, string)
	}{
		{"a reassignment", []int{5, 10, 20, 30, 50, 70, 90, 95, 100}, "ReassignProgressItem",
			func(s *scene) (caller, string, string, string) {
				return s.owner, startReassign, handOver(s.gone.ID, s.heir.ID), reassignProgress + s.gone.ID.String()
			}},
		{"a removal", []int{5, 10, 30, 45, 50, 60, 70, 95, 100}, "RemoveProgressItem",
			func(s *scene) (caller, string, string, string) {
				return s.owner, startRemove, whose(s.gone.ID), removeProgress + s.gone.ID.String()
			}},
		{"a personal folder", []int{10, 20, 50, 100}, "DeletePersonalFolderProgressItem",
			func(s *scene) (caller, string, string, string) {
				s.gone.Type, s.gone.Status = api.EmployeeTypeGuest, docspacetest.Active
				s.AddUser(s.gone)
				return newCaller(s.owner.t, s.Portal, s.gone), startFolder, "", folderProgress
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				s := newScene(t, docspacetest.WithJobLength(time.Duration(len(c.milestones))*time.Second))
				by, start, body, progress := c.start(s)
				by.seesNothing(progress)

				p := by.task(start, body)
				isProgress(t, p, 0, created, false)
				assert.Equal(t, "1_"+s.gone.ID.String()+"_"+c.item, p.Id)
				require.NotNil(t, p.Error)
				assert.Empty(t, *p.Error)

				by.sees(progress, 0, running, false)
				for _, milestone := range c.milestones[:len(c.milestones)-1] {
					time.Sleep(time.Second)
					by.sees(progress, milestone, running, false)
				}
				time.Sleep(time.Second + 100*time.Millisecond)
				by.sees(progress, 100, completed, true)
			})
		})
	}
}

func TestAReassignmentMovesRooms(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second))
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		time.Sleep(5 * time.Second)
		assert.Equal(t, 5, s.rooms(s.gone.ID), "half of the rooms at 50 %")
		assert.Equal(t, 5, s.rooms(s.heir.ID))
		time.Sleep(4 * time.Second)
		left, ok := s.User(s.gone.ID)
		assert.True(t, ok, "the profile stays without deleteProfile")
		assert.Zero(t, left.Rooms)
		assert.Equal(t, 10, s.rooms(s.heir.ID))
		assert.Contains(t, s.owner.do(necessary+"?UserId="+s.gone.ID.String(), "").body, `"response":false`)
	})
}

func TestAReassignmentWithDeleteProfileEndsTheProfile(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t)
		s.owner.task(startReassign, handOverAndDelete(s.gone.ID, s.heir.ID))
		time.Sleep(time.Second)
		_, ok := s.User(s.gone.ID)
		assert.False(t, ok)
		assert.Len(t, s.Users(), 5)
		assert.Equal(t, 10, s.rooms(s.heir.ID))
		s.owner.sees(reassignProgress+s.gone.ID.String(), 100, completed, true)
		assert.Equal(t, http.StatusBadRequest, s.owner.do(startReassign, handOver(s.gone.ID, s.heir.ID)).status)
	})
}

func TestARemovalGivesRoomsToTheCallerAtItsEnd(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t)
		s.admin.task(startRemove, whose(s.gone.ID))
		time.Sleep(time.Second - 1)
		assert.Zero(t, s.rooms(s.adminUser.ID))
		time.Sleep(1)
		_, ok := s.User(s.gone.ID)
		assert.False(t, ok)
		assert.Equal(t, 10, s.rooms(s.adminUser.ID))
	})
}

func TestAStartWhileOneRunsJoinsIt(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second))
		other := s.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin})
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		time.Sleep(3 * time.Second)
		isProgress(t, s.admin.task(startReassign, handOverAndDelete(s.gone.ID, other.ID)), 20, running, false)
		time.Sleep(6 * time.Second)
		assert.Equal(t, 10, s.rooms(s.heir.ID), "the first target counts")
		assert.Zero(t, s.rooms(other.ID))
		_, ok := s.User(s.gone.ID)
		assert.True(t, ok, "the first deleteProfile counts")
		time.Sleep(9 * time.Second)
		s.owner.sees(reassignProgress+s.gone.ID.String(), 100, completed, true)
	})
}

func TestAStartAfterAFinishedJobReplacesIt(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t)
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		time.Sleep(time.Second)
		s.owner.sees(reassignProgress+s.gone.ID.String(), 100, completed, true)
		isProgress(t, s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID)), 0, created, false)
		s.owner.sees(reassignProgress+s.gone.ID.String(), 0, running, false)
	})
}

func TestJobsOfOneKindWaitForEachOther(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second))
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		s.owner.task(startReassign, handOver(s.gone2.ID, s.heir.ID))
		third := s.AddUser(docspacetest.User{Status: docspacetest.Terminated})
		s.owner.task(startRemove, whose(third.ID))
		time.Sleep(5 * time.Second)
		s.owner.sees(reassignProgress+s.gone.ID.String(), 50, running, false)
		s.owner.sees(reassignProgress+s.gone2.ID.String(), 0, created, false)
		s.owner.sees(removeProgress+third.ID.String(), 50, running, false) // another kind, another queue
		time.Sleep(5 * time.Second)
		s.owner.sees(reassignProgress+s.gone.ID.String(), 100, completed, true)
		s.owner.sees(reassignProgress+s.gone2.ID.String(), 5, running, false)
	})
}

func TestMoreWorkersWorkOnMoreJobs(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second), docspacetest.WithWorkers(2))
		third := s.AddUser(docspacetest.User{Status: docspacetest.Terminated, Job: docspacetest.Job{Length: time.Hour}})
		for _, u := range []docspacetest.User{s.gone, s.gone2, third} {
			s.owner.task(startReassign, handOver(u.ID, s.heir.ID))
		}
		time.Sleep(5 * time.Second)
		s.owner.sees(reassignProgress+s.gone.ID.String(), 50, running, false)
		s.owner.sees(reassignProgress+s.gone2.ID.String(), 50, running, false)
		s.owner.sees(reassignProgress+third.ID.String(), 0, created, false)
		time.Sleep(5 * time.Second)
		s.owner.sees(reassignProgress+third.ID.String(), 0, running, false)
	})
}

func TestTheProgressOfAFinishedJobIsGoneAfterAMinute(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(5*time.Second)) // ends at 5, so it is 60 s old at 65; the tick is at 70
		s.owner.task(startRemove, whose(s.gone.ID))
		progress := removeProgress + s.gone.ID.String()
		time.Sleep(70*time.Second - 1)
		s.owner.sees(progress, 100, completed, true)
		time.Sleep(1)
		s.owner.seesNothing(progress)
	})
}

func TestTheProgressOfAWaitingJobVanishesAndComesBack(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(5*time.Minute))
		progress := reassignProgress + s.gone2.ID.String()
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		s.owner.task(startReassign, handOver(s.gone2.ID, s.heir.ID))
		time.Sleep(time.Minute - 1)
		s.owner.sees(progress, 0, created, false)
		time.Sleep(1)
		s.owner.seesNothing(progress)
		isProgress(t, s.owner.task(startReassign, handOver(s.gone2.ID, s.heir.ID)), 0, created, false) // joins
		s.owner.seesNothing(progress)
		time.Sleep(4*time.Minute - 1)
		s.owner.seesNothing(progress)
		time.Sleep(1)
		s.owner.sees(progress, 0, running, false)
		time.Sleep(5 * time.Minute)
		s.owner.sees(progress, 100, completed, true)
		assert.Equal(t, 20, s.rooms(s.heir.ID))
	})
}

func TestALongStepOfARemovalOnlyHidesIt(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(18*time.Minute)) // two minutes to a milestone
		progress := removeProgress + s.gone.ID.String()
		s.owner.task(startRemove, whose(s.gone.ID))
		time.Sleep(119 * time.Second)
		s.owner.seesNothing(progress)
		time.Sleep(time.Second)
		s.owner.sees(progress, 5, running, false)
		time.Sleep(16 * time.Minute)
		s.owner.sees(progress, 100, completed, true)
	})
}

func TestAReassignmentDroppedWhileRunningIsCancelled(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(18*time.Minute))
		progress := reassignProgress + s.gone.ID.String()
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		time.Sleep(time.Minute)
		s.owner.seesNothing(progress)
		time.Sleep(time.Minute)
		s.owner.sees(progress, 0, canceled, true)
		assert.Equal(t, 10, s.rooms(s.gone.ID))
	})
}

func TestAReassignmentDroppedWhileRunningCanBeStartedAnew(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t)
		s.gone.Job.Length = 18 * time.Minute
		s.AddUser(s.gone)
		progress := reassignProgress + s.gone.ID.String()
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		time.Sleep(90 * time.Second)
		s.gone.Job.Length = time.Second
		s.AddUser(s.gone)
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		s.owner.sees(progress, 0, created, false) // the old one still has the worker
		time.Sleep(30 * time.Second)
		s.owner.sees(progress, 0, running, false)
		time.Sleep(time.Second)
		s.owner.sees(progress, 100, completed, true)
	})
}

func TestTerminatingAReassignmentStopsItAtItsNextMilestone(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second))
		progress := reassignProgress + s.gone.ID.String()
		s.owner.task(startReassign, handOverAndDelete(s.gone.ID, s.heir.ID))
		s.owner.task(startReassign, handOver(s.gone2.ID, s.heir.ID))
		time.Sleep(5*time.Second + 1)

		isProgress(t, s.owner.task(stopReassign, whose(s.gone.ID)), 50, canceled, true)
		s.owner.seesNothing(progress)
		assert.Nil(t, s.owner.task(stopReassign, whose(s.gone.ID)), "a second time there is nothing left to stop")
		time.Sleep(time.Second - 2)
		s.owner.seesNothing(progress)
		s.owner.sees(reassignProgress+s.gone2.ID.String(), 0, created, false)
		time.Sleep(1)
		s.owner.sees(progress, 50, canceled, true)                            // it reports once more
		s.owner.sees(reassignProgress+s.gone2.ID.String(), 0, running, false) // and its worker is free

		assert.Equal(t, 5, s.rooms(s.gone.ID), "what has been moved stays moved")
		time.Sleep(time.Minute)
		assert.Equal(t, 5, s.rooms(s.gone.ID), "and no more is moved")
		_, ok := s.User(s.gone.ID)
		assert.True(t, ok)
	})
}

func TestAStartAfterTerminatingIsANewJob(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second))
		progress := reassignProgress + s.gone.ID.String()
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		time.Sleep(1500 * time.Millisecond)
		s.owner.task(stopReassign, whose(s.gone.ID))
		isProgress(t, s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID)), 0, created, false)
		time.Sleep(time.Second)
		s.owner.sees(progress, 0, running, false)
		time.Sleep(9 * time.Second)
		s.owner.sees(progress, 100, completed, true)
		assert.Equal(t, 10, s.rooms(s.heir.ID))
	})
}

func TestTerminatingAWaitingReassignmentTakesItFromTheQueue(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second))
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		s.owner.task(startReassign, handOver(s.gone2.ID, s.heir.ID))
		isProgress(t, s.owner.task(stopReassign, whose(s.gone2.ID)), 0, canceled, true)
		time.Sleep(time.Minute)
		s.owner.seesNothing(reassignProgress + s.gone2.ID.String())
		assert.Equal(t, 10, s.rooms(s.gone2.ID))
	})
}

func TestTerminatingWhereNothingIsQueuedIsFine(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t)
		for _, operation := range []string{stopReassign, stopRemove} {
			assert.Nil(t, s.owner.task(operation, whose(s.gone.ID)))
			assert.Nil(t, s.owner.task(operation, whose(uuid.New())), "nor does the user have to exist")
		}
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		time.Sleep(time.Second)
		assert.Nil(t, s.owner.task(stopReassign, whose(s.gone.ID)), "a finished job is not queued")
		s.owner.sees(reassignProgress+s.gone.ID.String(), 100, completed, true)
	})
}

func TestTerminatingARemoval(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second))
		s.owner.task(startRemove, whose(s.gone.ID))
		s.owner.task(startRemove, whose(s.gone2.ID))
		time.Sleep(3 * time.Second)
		assert.Nil(t, s.owner.task(stopRemove, whose(s.gone.ID)))
		assert.Nil(t, s.owner.task(stopRemove, whose(s.gone2.ID)))
		s.owner.sees(removeProgress+s.gone.ID.String(), 30, running, false) // takes no notice
		s.owner.seesNothing(removeProgress + s.gone2.ID.String())           // had not begun
		time.Sleep(time.Minute - 10*time.Second)
		s.owner.sees(removeProgress+s.gone.ID.String(), 100, completed, true)
		_, ok := s.User(s.gone.ID)
		assert.False(t, ok)
		_, ok = s.User(s.gone2.ID)
		assert.True(t, ok)
	})
}

func TestAFailingJobEndsAtItsLastMilestoneButOne(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second))
		s.gone.Job.Error, s.gone.Rooms = "The room could not be moved", 100
		s.AddUser(s.gone)
		s.owner.task(startReassign, handOverAndDelete(s.gone.ID, s.heir.ID))
		s.owner.task(startRemove, whose(s.gone2.ID))
		time.Sleep(8 * time.Second)
		p := s.owner.task(reassignProgress+s.gone.ID.String(), "")
		isProgress(t, p, 95, failed, true)
		assert.Equal(t, "The room could not be moved", *p.Error)
		time.Sleep(time.Minute)
		left, ok := s.User(s.gone.ID)
		assert.True(t, ok)
		assert.Equal(t, 5, left.Rooms, "what has been moved stays moved")
		isProgress(t, s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID)), 0, created, false)
	})
}

func TestTheSlowerOfTwoJobsOnOneUserFails(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second))
		s.owner.task(startRemove, whose(s.gone.ID))
		time.Sleep(time.Second / 2)
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		time.Sleep(9 * time.Second)
		s.owner.sees(removeProgress+s.gone.ID.String(), 100, completed, true)
		p := s.owner.task(reassignProgress+s.gone.ID.String(), "")
		isProgress(t, p, 95, failed, true)
		assert.Contains(t, *p.Error, "not found")
		assert.Equal(t, 10, s.rooms(s.heir.ID)+s.Owner().Rooms, "no room is lost or doubled")
	})
}

func TestTheFolderJobHasCompletedForAMomentBeforeItsStatusSaysSo(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t)
		guest := newCaller(t, s.Portal, s.AddUser(docspacetest.User{Type: api.EmployeeTypeGuest}))
		guest.task(startFolder, "")
		time.Sleep(time.Second)
		guest.sees(folderProgress, 100, running, true)
		time.Sleep(50*time.Millisecond - 1)
		guest.sees(folderProgress, 100, running, true)
		time.Sleep(1)
		guest.sees(folderProgress, 100, completed, true)
	})
}

func TestARestartLosesJobsAndProgress(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithJobLength(9*time.Second))
		s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID))
		s.owner.task(startReassign, handOver(s.gone2.ID, s.heir.ID))
		time.Sleep(5 * time.Second)
		s.Restart()
		s.owner.seesNothing(reassignProgress + s.gone.ID.String())
		time.Sleep(time.Minute)
		s.owner.seesNothing(reassignProgress + s.gone.ID.String())
		s.owner.seesNothing(reassignProgress + s.gone2.ID.String())
		assert.Equal(t, 5, s.rooms(s.gone.ID), "what has been moved stays moved")
		assert.Equal(t, 10, s.rooms(s.gone2.ID))
		isProgress(t, s.owner.task(startReassign, handOver(s.gone.ID, s.heir.ID)), 0, created, false)
	})
}

func TestWhoCanBeReassigned(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrange func(s *scene) (by caller, from, to uuid.UUID)
		status  int
		message string
	}{
		{"a disabled user to a RoomAdmin", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.admin, s.gone.ID, s.heir.ID
		}, 200, ""},
		{"a disabled user to a DocSpaceAdmin", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.owner, s.gone.ID, s.adminUser.ID
		}, 200, ""},
		{"a disabled user to the caller", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.admin, s.gone.ID, s.adminUser.ID
		}, 200, ""},
		{"not an active user", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.owner, s.someone.ID, s.heir.ID
		}, 400, "Can not reassign data from user"},
		{"not the owner", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.admin, s.Owner().ID, s.heir.ID
		}, 400, "Can not reassign data from user"},
		{"not the caller", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.admin, s.adminUser.ID, s.heir.ID
		}, 400, "Can not reassign data from user"},
		{"not an unknown user", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.owner, uuid.New(), s.heir.ID
		}, 400, "not found"},
		{"not to an unknown user", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.owner, s.gone.ID, uuid.New()
		}, 400, "not found"},
		{"not to a User", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.owner, s.gone.ID, s.someone.ID
		}, 400, "Can not reassign data to user"},
		{"not to a guest", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.owner, s.gone.ID, s.AddUser(docspacetest.User{Type: api.EmployeeTypeGuest}).ID
		}, 400, "Can not reassign data to user"},
		{"not to a disabled RoomAdmin", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.owner, s.gone.ID, s.AddUser(docspacetest.User{Type: api.EmployeeTypeRoomAdmin, Status: docspacetest.Terminated}).ID
		}, 400, "Can not reassign data to user"},
		{"a DocSpaceAdmin not by another one", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.admin, s.AddUser(docspacetest.User{Type: api.EmployeeTypeDocSpaceAdmin, Status: docspacetest.Terminated}).ID, s.heir.ID
		}, 403, "Access denied"},
		{"a DocSpaceAdmin by the owner", func(s *scene) (caller, uuid.UUID, uuid.UUID) {
			return s.owner, s.AddUser(docspacetest.User{Type: api.EmployeeTypeDocSpaceAdmin, Status: docspacetest.Terminated}).ID, s.heir.ID
		}, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			by, from, to := c.arrange(newScene(t))
			r := by.do(startReassign, handOver(from, to))
			assert.Equal(t, c.status, r.status)
			assert.Contains(t, r.body, c.message)
		})
	}
}

func TestWhoCanBeRemoved(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrange func(s *scene) (by caller, who uuid.UUID)
		status  int
		message string
	}{
		{"a disabled user", func(s *scene) (caller, uuid.UUID) { return s.admin, s.gone.ID }, 200, ""},
		{"not an active user", func(s *scene) (caller, uuid.UUID) { return s.admin, s.someone.ID }, 400, "Can not delete user"},
		{"not the owner", func(s *scene) (caller, uuid.UUID) { return s.admin, s.Owner().ID }, 400, "Can not delete user"},
		{"not the caller", func(s *scene) (caller, uuid.UUID) { return s.admin, s.adminUser.ID }, 400, "Can not delete user"},
		{"an unknown user is a bad request", func(s *scene) (caller, uuid.UUID) { return s.admin, uuid.New() }, 400, "not found"},
		{"a DocSpaceAdmin not by another one", func(s *scene) (caller, uuid.UUID) {
			return s.admin, s.AddUser(docspacetest.User{Type: api.EmployeeTypeDocSpaceAdmin, Status: docspacetest.Terminated}).ID
		}, 403, "Access denied"},
		{"a DocSpaceAdmin by the owner", func(s *scene) (caller, uuid.UUID) {
			return s.owner, s.AddUser(docspacetest.User{Type: api.EmployeeTypeDocSpaceAdmin, Status: docspacetest.Terminated}).ID
		}, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			by, who := c.arrange(newScene(t))
			r := by.do(startRemove, whose(who))
			assert.Equal(t, c.status, r.status)
			assert.Contains(t, r.body, c.message)
		})
	}
}

func TestOnlyGuestsEmptyTheirPersonalFolder(t *testing.T) {
	s := newScene(t)
	for _, u := range []docspacetest.User{s.Owner(), s.adminUser, s.heir, s.someone} {
		by := newCaller(t, s.Portal, u)
		assert.Equal(t, http.StatusBadRequest, by.do(startFolder, "").status, u.Type)
		by.seesNothing(folderProgress)
	}
	guest := newCaller(t, s.Portal, s.AddUser(docspacetest.User{Type: api.EmployeeTypeGuest}))
	isProgress(t, guest.task(startFolder, ""), 0, created, false)
	isProgress(t, guest.task(startFolder, ""), 0, running, false) // joins
}

func TestOnlyAdministratorsDealWithOtherPeoplesData(t *testing.T) {
	s := newScene(t)
	guest := s.AddUser(docspacetest.User{Type: api.EmployeeTypeGuest})
	for _, u := range []docspacetest.User{s.heir, s.someone, guest} {
		by := newCaller(t, s.Portal, u)
		for operation, body := range map[string]string{
			necessary:                             "",
			startReassign:                         handOver(s.gone.ID, s.heir.ID),
			reassignProgress + s.gone.ID.String(): "",
			stopReassign:                          whose(s.gone.ID),
			startRemove:                           whose(s.gone.ID),
			removeProgress + s.gone.ID.String():   "",
			stopRemove:                            whose(s.gone.ID),
		} {
			assert.Equal(t, http.StatusForbidden, by.do(operation, body).status, "%s %s", u.Type, operation)
		}
		assert.Equal(t, http.StatusOK, by.do(selfDelete, "").status)
	}
}

func TestInstructionsAreMailedToTheCaller(t *testing.T) {
	s := newScene(t)
	ldap := newCaller(t, s.Portal, s.AddUser(docspacetest.User{LDAP: true}))
	for name, by := range map[string]caller{"the owner": s.owner, "an LDAP account": ldap} {
		assert.Equal(t, http.StatusForbidden, by.do(selfDelete, "").status, name)
	}
	assert.Empty(t, s.Mails())
	ann := newCaller(t, s.Portal, s.AddUser(docspacetest.User{Email: "ann@example.com"}))
	r := ann.do(selfDelete, "")
	ann.do(selfDelete, "")
	assert.Equal(t, []string{"ann@example.com", "ann@example.com"}, s.Mails(), "each call sends one more")
	assert.Contains(t, strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(r.body), "<b>ann@example.com</b>")
}

func TestAThousandJobsTakeHoursOfVirtualTimeOnly(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newScene(t, docspacetest.WithLimits(docspacetest.Limits{}), docspacetest.WithJobLength(30*time.Second))
		var last uuid.UUID
		for range 1000 {
			last = s.AddUser(docspacetest.User{Status: docspacetest.Terminated, Rooms: 3}).ID
			s.owner.task(startReassign, handOverAndDelete(last, s.heir.ID))
		}
		began := time.Now()
		for {
			if p := s.owner.task(reassignProgress+last.String(), ""); p != nil && p.IsCompleted {
				break
			}
			time.Sleep(10 * time.Second)
		}
		assert.Equal(t, 1000*30*time.Second, time.Since(began))
		assert.Equal(t, 3000, s.rooms(s.heir.ID))
		assert.Len(t, s.Users(), 6)
	})
}
