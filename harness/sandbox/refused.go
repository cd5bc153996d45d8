package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A RefusedError says that the kernel does not let this user have namespaces.
type RefusedError struct {
	Err error
	// Allow is the sysctl(8) setting that would let them, such as
	// "user.max_user_namespaces=15000"; empty if no setting forbids them.
	Allow string
	root  bool
}

func (e *RefusedError) Error() string {
	text := fmt.Sprintf("the kernel refuses namespaces: %v; ", e.Err)
	switch {
	case e.Allow != "" && e.root:
		return text + "allow them with `sysctl -w " + e.Allow + "`"
	case e.Allow != "":
		return text + "allow them to ordinary users with `sudo sysctl -w " + e.Allow + "`, or run as root"
	}
	return text + "in a chroot there are none, and a container needs --privileged or a seccomp profile that allows unshare(2)"
}

func (e *RefusedError) Unwrap() error { return e.Err }

// switches are the kernel settings that forbid an ordinary user namespaces, with
// the value that allows them: Debian's, Ubuntu's and everybody's.
var switches = []struct{ file, forbids, allow string }{
	{"kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"},
	{"kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"},
	{"user/max_user_namespaces", "0", "user.max_user_namespaces=15000"},
}

// Forbidden is the sysctl(8) setting that would allow ordinary users namespaces
// where another forbids them; empty if none does.
func Forbidden() string {
	for _, s := range switches {
		b, err := os.ReadFile(filepath.Join("/proc/sys", s.file))
		if err == nil && strings.TrimSpace(string(b)) == s.forbids {
			return s.allow
		}
	}
	return ""
}

// explainRefusal makes a RefusedError of the ways in which a kernel refuses
// namespaces, and returns any other error as it is. Ubuntu's makes them, and
// refuses what is done in them.
func explainRefusal(err error) error {
	refusals := []error{unix.EPERM, unix.EACCES, unix.ENOSPC, unix.EUSERS}
	for _, r := range refusals {
		if !errors.Is(err, r) {
			continue
		}
		e := &RefusedError{Err: err, root: os.Getuid() == 0}
		if !e.root {
			e.Allow = Forbidden()
		}
		if e.Allow == "" && (r == unix.ENOSPC || r == unix.EUSERS) {
			e.Allow = "user.max_user_namespaces=15000" // as many as are allowed are there
		}
		return e
	}
	return err
}
