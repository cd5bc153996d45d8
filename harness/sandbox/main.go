package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Main is for TestMain. Outside, it runs the same test binary again in a
// sandbox, with the same arguments, and exits with its status; inside, it runs
// the tests. They are then root on a machine whose only network interface is
// lo, and may make what they like:
//
//	func TestMain(m *testing.M) { sandbox.Main(m) }
func Main(m interface{ Run() int }) {
	Enter(nil)
	if Inside() {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	cmd := command(ctx, os.Args[1:], roleTest)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	_, err := launch(ctx, cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(max(exit.ExitCode(), 1))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
