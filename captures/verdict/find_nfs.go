package verdict

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/captures"
)

// Findings about portmap, MOUNT and NFS, which a booted system asks.
func nfsEntries() []Entry {
	stops := []Stage{OS, Files}
	return []Entry{{
		ID: "nfs-portmap-unreachable", Title: "the portmapper does not answer", Stops: stops,
		Evidence: "Port 111 refuses (TCP RST, ICMP) or is silent; or the portmapper does not know MOUNT or NFS and answers with port 0.",
		Meaning:  "An NFSv3 client asks the portmapper on port 111 where MOUNT and NFS listen. Without it nothing is mounted.",
		Hint:     "Start rpcbind before the NFS server, and restart the NFS server after it; allow port 111 over TCP and UDP.",
		Over:     []string{"nfs-no-answer"},
		detect:   portmapUnreachable,
	}, {
		ID: "nfs-no-answer", Title: "the NFS server does not answer", Stops: stops,
		Evidence: "The ports of MOUNT or NFS refuse, or calls to them stay without a reply.",
		Meaning:  "The portmapper is there and the service behind it is not, or a firewall is between.",
		Hint:     "Start the NFS server; fix and allow its ports (2049, and mountd's).",
		detect:   nfsNoAnswer,
	}, {
		ID: "nfs-version", Title: "the server does not speak this version of NFS", Stops: stops,
		Evidence: "An RPC reply PROG_MISMATCH or PROG_UNAVAIL for NFS or MOUNT. NFSACL (100227) is often unavailable, and that does no harm.",
		Meaning:  "The client mounts with a version that the server has turned off: many serve version 4 alone.",
		Hint:     "Mount with vers=3 or vers=4 as the server has it, or turn version 3 on (nfs.conf: [nfsd] vers3=y).",
		detect:   nfsVersion,
	}, {
		ID: "nfs-mount-denied", Title: "the server does not let this client mount", Stops: stops,
		Evidence: "MOUNT status 13 (permission denied) or 1, or RPC's authentication error.",
		Meaning:  "The path is no export, or not for this client's address, or the server wants a reserved port. Linux's mountd says 13 for a path that is not exported too.",
		Hint:     "Compare path and client range in /etc/exports with what was asked, letter by letter; then exportfs -ra.",
		detect:   mountDenied,
	}, {
		ID: "nfs-no-such-export", Title: "the path to be mounted does not exist", Stops: stops,
		Evidence: "MOUNT status 2 (no such file or directory) or 20 (not a directory).",
		Meaning:  "The server has no such directory.",
		Hint:     "Correct the path on the kernel's command line, or make the directory and export it.",
		detect:   noSuchExport,
	}, {
		ID: "nfs-no-such-file", Title: "the file is not in the export", Stops: stops,
		Evidence: "NFS status 2 for the file that the command line names.",
		Meaning:  "The export is mounted and the file is not in it: another directory, another name, another case.",
		Hint:     "Compare the name with the directory on the server.",
		detect:   noSuchFile,
	}, {
		ID: "nfs-permission", Title: "the file may not be read", Stops: stops,
		Evidence: "NFS status 13 (permission denied) or 1 for a file or a directory on the way to it, or an ACCESS that does not grant to read it.",
		Meaning:  "Root of the client is nobody on the server (root_squash), and nobody may not read it.",
		Hint:     "Make the file and its directories readable for others.",
		detect:   nfsPermission,
	}}
}

// nfsProof says whether nothing more can come of it: the booted system has
// given up, or is off.
func (c *client) nfsProof(s *seen) bool { return c.f.stopped() || c.f.gaveUp(s.at) != nil }

func portmapUnreachable(c *client) []detection {
	n := &c.f.nfs
	if n.mounted {
		return nil
	}
	for at, s := range sorted(n.reset, c.f.net.refused) {
		if at.Port() == portPortmap {
			d := detection{proof: c.nfsProof(s)}
			d.Summary = fmt.Sprintf("%s refuses port 111%s.", at.Addr(), c.f.then(s.at))
			d.Frames = framesOf(s.frame)
			return []detection{d}
		}
	}
	for _, f := range slices.Backward(n.faults) {
		if f.kind != captures.PortmapGetport || f.program != programMount && f.program != programNFS {
			continue
		}
		d := detection{proof: c.nfsProof(&f.at)}
		if f.answered {
			d.Summary = fmt.Sprintf("The portmapper of %s knows no port for %s version %d%s.", f.server, programName(f.program), f.version, c.f.then(f.at.at))
		} else {
			d.Summary = fmt.Sprintf("The portmapper of %s does not answer%s.", f.server, c.f.then(f.at.at))
		}
		d.Frames = framesOf(f.at.frame)
		return []detection{d}
	}
	return nil
}

func programName(n int64) string {
	switch n {
	case programPortmap:
		return "portmap"
	case programMount:
		return "MOUNT"
	case programNFS:
		return "NFS"
	}
	return fmt.Sprintf("program %d", n)
}

func nfsNoAnswer(c *client) []detection {
	n := &c.f.nfs
	for at, s := range sorted(n.reset) {
		if at.Port() == portPortmap || n.mounted && at.Port() != portNFS || c.f.http.asked.n > 0 && (at.Port() == 80 || at.Port() == 443) {
			continue
		}
		if !c.nfsProof(s) {
			continue
		}
		d := detection{proof: true}
		d.Summary = fmt.Sprintf("%s refuses port %d%s.", at.Addr(), at.Port(), c.f.then(s.at))
		d.Frames = framesOf(s.frame)
		return []detection{d}
	}
	if len(n.faults) == 0 {
		return nil
	}
	f := &n.faults[len(n.faults)-1]
	if f.answered || f.kind == captures.PortmapGetport || f.kind == captures.PortmapOther || !c.nfsProof(&f.at) {
		return nil
	}
	d := detection{proof: true}
	d.Summary = fmt.Sprintf("%s sent no reply to a call of %s%s.", f.server, programName(f.program), c.f.then(f.at.at))
	d.Frames = framesOf(f.at.frame)
	return []detection{d}
}

// fault makes a detection of the latest RPC fault that fits; nil if none does.
func (c *client) fault(ok func(*rpcFault) bool, words func(*rpcFault) string) []detection {
	for i := len(c.f.nfs.faults) - 1; i >= 0; i-- {
		f := &c.f.nfs.faults[i]
		if !ok(f) {
			continue
		}
		d := detection{proof: c.nfsProof(&f.at)}
		d.Summary = words(f) + c.f.then(f.at.at) + "."
		d.Frames = framesOf(f.at.frame)
		for i := range c.rules {
			if r := &c.rules[i]; r.Stage == Files {
				d.Where = append(append(d.Where, r.Origin), r.Related...)
			}
		}
		return []detection{d}
	}
	return nil
}

func nfsVersion(c *client) []detection {
	return c.fault(func(f *rpcFault) bool {
		return !c.f.nfs.mounted && f.answered && (f.accept == rpcProgMismatch || f.accept == rpcProgUnavailable) &&
			(f.program == programNFS || f.program == programMount) && f.kind != captures.PortmapGetport
	}, func(f *rpcFault) string {
		return fmt.Sprintf("%s does not serve %s version %d", f.server, programName(f.program), f.version)
	})
}

func mountDenied(c *client) []detection {
	return c.fault(func(f *rpcFault) bool {
		return !c.f.nfs.mounted && f.kind == captures.MountMnt && f.answered && (f.status == 13 || f.status == 1 || f.denied)
	}, func(f *rpcFault) string {
		if f.denied {
			return fmt.Sprintf("%s refuses the credentials of the MOUNT of %s", f.server, quoted(f.path))
		}
		return fmt.Sprintf("%s denies the MOUNT of %s (status %d)", f.server, quoted(f.path), f.status)
	})
}

func noSuchExport(c *client) []detection {
	return c.fault(func(f *rpcFault) bool {
		return !c.f.nfs.mounted && f.kind == captures.MountMnt && f.answered && (f.status == 2 || f.status == 20)
	}, func(f *rpcFault) string {
		return fmt.Sprintf("%s has no directory %s (status %d)", f.server, quoted(f.path), f.status)
	})
}

// wanted says whether an NFS path is, or leads to, a file that is expected and
// has not come.
func (c *client) wanted(path string) bool {
	path = cleanName(strings.TrimPrefix(path, "?/"))
	for i := range c.rules {
		r := &c.rules[i]
		if r.Stage != Files || r.out.Status == Pass || path == "" {
			continue
		}
		var names []string
		if t := r.Transfer; t != nil {
			names = append(append(names, t.Names...), t.Name)
		}
		if r.Console != nil {
			names = append(names, r.Console.Contains)
		}
		for _, n := range names {
			if n = strings.Trim(cleanName(n), " /"); n == path || strings.HasSuffix(n, "/"+path) || strings.Contains("/"+n+"/", "/"+path+"/") {
				return true
			}
		}
	}
	return false
}

// lacks says whether an NFS path is a file that the machine has not got: one that
// is expected or, where nobody knows what was, any while it has read none at all.
func (c *client) lacks(path string) bool {
	if c.named {
		return c.wanted(path)
	}
	return path != "" && !slices.ContainsFunc(c.rules, func(r rule) bool { return r.Stage == Files && r.out.Status == Pass })
}

func noSuchFile(c *client) []detection {
	return c.fault(func(f *rpcFault) bool {
		return (f.kind == captures.NFSLookup || f.kind == captures.NFSError || f.kind == captures.NFSOpen) && f.answered && f.status == 2 && c.lacks(f.path)
	}, func(f *rpcFault) string {
		return fmt.Sprintf("%s has no %s (NFS status %d)", f.server, quoted(f.path), f.status)
	})
}

func nfsPermission(c *client) []detection {
	return c.fault(func(f *rpcFault) bool {
		refused := f.kind == captures.NFSAccess ||
			(f.kind == captures.NFSLookup || f.kind == captures.NFSError || f.kind == captures.NFSOpen) && (f.status == 13 || f.status == 1)
		return refused && f.answered && c.lacks(f.path)
	}, func(f *rpcFault) string {
		if f.kind == captures.NFSAccess {
			return fmt.Sprintf("%s does not grant the client to read %s (ACCESS)", f.server, quoted(f.path))
		}
		return fmt.Sprintf("%s does not let the client read %s (NFS status %d)", f.server, quoted(f.path), f.status)
	})
}

// sorted goes through tables of refusals in the order of time, so that equal
// captures give equal findings.
func sorted(tables ...map[netip.AddrPort]*seen) func(func(netip.AddrPort, *seen) bool) {
	type entry struct {
		at netip.AddrPort
		s  *seen
	}
	var list []entry
	for _, t := range tables {
		for at, s := range t {
			list = append(list, entry{at, s})
		}
	}
	slices.SortFunc(list, func(a, b entry) int {
		if d := a.s.at.Compare(b.s.at); d != 0 {
			return d
		}
		return a.at.Compare(b.at)
	})
	return func(yield func(netip.AddrPort, *seen) bool) {
		for _, e := range list {
			if !yield(e.at, e.s) {
				return
			}
		}
	}
}
