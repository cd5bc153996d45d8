// Package scenarios is where configurations and the wire meet. It reads a
// scenario, predicts from its configuration files what a working boot must show,
// runs the boot in a lab, and has it judged.
//
// A newcomer starts at [Load], which opens a scenario by its name, and [Run],
// which boots it. Of the other files, predict.go turns configurations into
// expectations, services.go turns them into servers, and inside.go is the half
// of a run that happens in the sandbox.
//
// # Failing on purpose
//
// What the native files cannot get wrong by themselves is a field of the faulty
// thing in scenario.yaml, whose absence is health:
//
//	network:
//	  stp: 15s                      # a switch that runs spanning tree, with this forward delay
//	hosts:
//	  server:
//	    mtu: 1400                   # of its interface
//	    servers:
//	      dhcp: {faults: {delay: 300ms, bad-checksum: true, next-server: 10.0.0.9}}
//	      nfs: {faults: {only-version: 4}}
//	      http: {root: /srv/http, faults: [{files: "*.ipxe", status: 503}]}
//	      tftp:
//	        faults:                 # the first that fits a file counts
//	          - {files: vmlinuz, stall-after: 100}
//	          - {files: initrd.img, truncate-at: 4096}
//	          # corrupt-block, repeat-block, drop-every, wrong-port-at, wrong-address,
//	          # error-at with error: {code: 3, message: Disk full}, ignore-options
//	  squatter:
//	    servers: {acd: {}}          # a neighbour that defends its address (RFC 5227)
//	machines:
//	  client: {firmware: uefi, secure-boot: true, rom: none, reboots: true}
//	assets:
//	  /tftpboot/big.img: zeros:33   # so many MiB of zeros
//	modes:
//	  /tftpboot/vmlinuz: "0600"
//
// provokes: lists the findings that must come of it, all of them and no other,
// and twin: names the scenario of the library that is the same without the fault.
//
// matrix: has variants of the scenario, each with a machine: and with provokes: of
// its own. [Expand] takes them apart, and SCENARIO:VARIANT is one of them to Load.
//
// # The wire alone
//
// payload: probe boots a kernel of 2 KiB in the place of the assets kernel and
// kernel-cloud, and the assets probe:nbp and probe:efi are boot programs of 1 and
// 1.5 KiB, for a BIOS and for UEFI. They say on the console what came over the wire, and the
// verdict holds that against the files (package harness/guest/probe): a boot in a
// second, for tests of servers.
package scenarios
