// Command pxeproof proves that a network boot works: it boots real firmware
// against real DHCP, TFTP and NFS servers, records every frame, and says from
// the capture whether the machine booted, and if not, why. See package
// scenarios for the way through the code.
package main

import (
	"context"
	"maps"
	"os"
	"os/signal"
	"syscall"

	"github.com/pxeproof/pxeproof/harness/doctor"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/bench"
)

func main() {
	entries := scenarios.Entries()
	maps.Copy(entries, bench.Entries())
	maps.Copy(entries, doctor.Entries())
	sandbox.Enter(entries)
	os.Exit(run(os.Args[1:]))
}

// run is main with a status.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := root()
	cmd.SetArgs(args)
	return status(cmd.ErrOrStderr(), cmd.ExecuteContext(ctx))
}
