package lock

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain is another process as well: one that takes the lock it is told of, says so, and holds it until its standard
// input ends.
func TestMain(m *testing.M) {
	path := os.Getenv("LOCK_TEST_HOLD")
	if path == "" {
		os.Exit(m.Run())
	}
	release, err := File(path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := release(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

type holder struct {
	*exec.Cmd
	leave io.Closer
}

// hold starts a process that holds the lock.
func hold(t *testing.T, path string) holder {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LOCK_TEST_HOLD="+path)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "held\n", line)
	return holder{cmd, in}
}

func TestAnotherProcessIsKeptOutUntilTheLockIsReleased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.csv.journal")
	other := hold(t, path)
	_, err := File(path)
	require.ErrorIs(t, err, ErrHeld)
	assert.Equal(t, path+" is in use by another run, which has locked "+path+".lock: wait until that run has ended, or stop it", err.Error())

	require.NoError(t, other.leave.Close())
	require.NoError(t, other.Wait())
	release, err := File(path)
	require.NoError(t, err)
	require.NoError(t, release())
}

func TestTheLockOfAKilledProcessDoesNotStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.csv.journal")
	other := hold(t, path)
	require.NoError(t, other.Process.Kill())
	_ = other.Wait()
	assert.FileExists(t, path+".lock", "it had no time to clean up")
	release, err := File(path)
	require.NoError(t, err)
	require.NoError(t, release())
}

func TestAReleasedLockLeavesNothingBehindAndTheFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	release, err := File(path)
	require.NoError(t, err)
	_, err = File(path)
	require.ErrorIs(t, err, ErrHeld, "within one process as well")
	require.NoError(t, release())
	if runtime.GOOS != "windows" {
		assert.NoFileExists(t, path+".lock")
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(content))
}

func TestTwoNamesOfOneFileAreOneLock(t *testing.T) {
	dir := t.TempDir()
	path, alias := filepath.Join(dir, "journal"), filepath.Join(dir, "alias")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	if err := os.Symlink(path, alias); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	release, err := File(path)
	require.NoError(t, err)
	defer release()
	_, err = File(alias)
	assert.ErrorIs(t, err, ErrHeld)
}

func TestAFolderThatIsNotThereIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nowhere", "journal")
	_, err := File(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.NotErrorIs(t, err, ErrHeld)
	assert.Contains(t, err.Error(), path)
}

func TestAFileThatIsRemovedWhileItIsTakenLetsNoTwoIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	var (
		all    sync.WaitGroup
		inside atomic.Int32
		passed atomic.Int32
	)
	for range 8 {
		all.Go(func() {
			for range 500 {
				release, err := File(path)
				if err != nil {
					continue
				}
				if inside.Add(1) != 1 {
					t.Error("two hold the lock at once")
				}
				passed.Add(1)
				inside.Add(-1)
				if err := release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	assert.Positive(t, passed.Load())
}
