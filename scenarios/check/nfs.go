package check

import (
	"net/netip"
	"path"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/exports"
)

// A wish is a file that an installer is told to fetch over NFS.
type wish struct {
	server netip.Addr
	path   string
	at     conf.Pos
	boot   boot
}

// wishOf finds ks=nfs:SERVER:/path on a command line, inst.ks=nfs:SERVER:/path,
// or the form with mount options, nfs:OPTIONS:SERVER:/path. A server by name is
// not known here.
func wishOf(b boot) (wish, bool) {
	for start := 0; start < len(b.line); {
		word, _, _ := strings.Cut(b.line[start:], " ")
		rest, ok := strings.CutPrefix(strings.TrimPrefix(word, "inst."), "ks=nfs:")
		parts := strings.Split(rest, ":")
		if ok && len(parts) >= 2 {
			if a, err := netip.ParseAddr(parts[len(parts)-2]); err == nil {
				w := wish{server: a, path: parts[len(parts)-1], at: b.at, boot: b}
				if w.at.IsValid() {
					w.at.Col += start
				}
				return w, true
			}
		}
		start += len(word) + 1
	}
	return wish{}, false
}

// wishes holds what command lines ask for against the exports, and reads the
// kickstart files that they lead to.
func (s *site) wishes() {
	for _, b := range s.boots {
		w, ok := wishOf(b)
		if !ok {
			continue
		}
		if s.scenario != nil && s.hostAt(w.server) == nil {
			s.add(Error, ksServerNobody, w.at, s.addresses(),
				"the kickstart file is to come from %s, and nobody in the scenario has that address", w.server)
			continue
		}
		// anaconda mounts the folder, and so asks for that.
		s.exported(w.server, path.Dir(w.path), w.at, ksNotExported, "the kickstart file")
		s.fetch(w)
	}
}

// exported says whether the clients of DHCP may mount a folder of a server, and
// reports if not.
func (s *site) exported(server netip.Addr, dir string, at conf.Pos, id, what string) {
	var files []service[*exports.File]
	for _, n := range s.nfs {
		if n.at(server) {
			files = append(files, n)
		}
	}
	if len(files) == 0 {
		if s.scenario != nil {
			s.add(Error, id, at, "", "%s is to come from %s, where no NFS server runs", what, server)
		}
		return
	}
	clients := s.samples()
	known := len(clients) > 0
	if !known {
		clients = []netip.Addr{server} // to learn at least whether it is exported
	}
	for _, f := range files {
		for _, c := range clients {
			d := f.conf.Access(path.Clean("/"+dir), c)
			switch d.Reason {
			case exports.NotExported:
				s.add(Error, id, at, "export it: "+path.Clean("/"+dir)+" with the clients' network", "%s is in %s, which %s does not export",
					what, dir, s.name(f.file))
				return
			case exports.ClientNotListed:
				if known && !byName(d.Export) && !s.blamed[d.Export.Pos] {
					s.blamed[d.Export.Pos] = true // once is enough
					s.add(Error, ksNotAllowed, at, "let the export's clients be the network that dhcpd serves",
						"%s is in %s, which is not exported to %s, an address that dhcpd gives out (%s)",
						what, dir, c, place(d.Export.Pos, at))
				}
			}
		}
	}
}

// samples are addresses that clients may have: both ends of each range that
// some client was offered an address of, and fixed ones.
func (s *site) samples() []netip.Addr {
	var all []netip.Addr
	seen := map[netip.Addr]bool{}
	add := func(a netip.Addr) {
		if a.Is4() && !a.IsUnspecified() && !seen[a] {
			seen[a] = true
			all = append(all, a)
		}
	}
	for _, l := range s.given {
		add(l.answer.Address.Value)
		for _, r := range l.answer.Candidates {
			add(r.Low)
			add(r.High)
		}
	}
	return all
}

// byName says whether an export has clients that only a name service knows.
func byName(e *exports.Export) bool {
	for _, c := range e.Clients {
		if strings.Trim(c.Spec, "0123456789./*abcdefABCDEF:") != "" {
			return true
		}
	}
	return false
}

// fetch reads the kickstart file that a command line asks for.
func (s *site) fetch(w wish) {
	name := path.Clean("/" + w.path)
	if s.tree == nil || strings.HasSuffix(w.path, "/") || s.kickstarts[name] != nil {
		return // with a slash at the end anaconda adds a name of its own
	}
	if _, asset := s.tree.assets[name]; asset {
		return
	}
	src, err := s.tree.read(name)
	if err != nil {
		if other := s.tree.otherCase(name); other != "" {
			s.add(Error, ksFileCase, w.at, "write it as the file is called", "there is no %s, but %s: the case of letters counts", name, other)
			return
		}
		severity := Error
		if s.scenario == nil && !s.tree.hasDir(path.Dir(name)) {
			severity = Note // a part of the server's files only
		}
		s.add(severity, ksFileMissing, w.at, "put it there", "the kickstart file %s is not there", name)
		return
	}
	// The error is dhcpd's alone.
	_ = s.read(kindKickstart, name, src, nil)
}

// exports judges the exports by themselves and against the subnets.
func (s *site) exports() {
	for _, n := range s.nfs {
		for i := range n.conf.Exports {
			s.export(&n.conf.Exports[i])
		}
	}
}

// strayKickstarts reads the kickstart files in exported folders that no command
// line names.
func (s *site) strayKickstarts() {
	if s.tree == nil {
		return
	}
	for _, n := range s.nfs {
		for _, e := range n.conf.Exports {
			for _, name := range s.tree.list(e.Path) {
				file := path.Join(e.Path, name)
				if kindByName(name) != kindKickstart || s.kickstarts[file] != nil || len(s.kickstarts) > maxClients {
					continue
				}
				if src, err := s.tree.read(file); err == nil {
					_ = s.read(kindKickstart, file, src, nil)
				}
			}
		}
	}
}

// export judges one.
func (s *site) export(e *exports.Export) {
	if s.tree != nil && !s.tree.hasDir(e.Path) {
		if _, file := s.tree.has(e.Path); !file {
			severity := Note
			if s.scenario != nil {
				severity = Warning
			}
			s.add(severity, exportMissing, e.Pos, "", "the exported folder %s is not there", e.Path)
		}
	}
	if s.blamed[e.Pos] || byName(e) || len(e.Clients) == 0 {
		return
	}
	var in, out netip.Addr
	for _, a := range s.samples() {
		ok := false
		for _, c := range e.Clients {
			ok = ok || c.Matches(a)
		}
		if ok {
			in = a
		} else if !out.IsValid() {
			out = a
		}
	}
	switch {
	case !out.IsValid():
	case in.IsValid():
		s.add(Warning, exportNotSubnet, e.Clients[0].Pos, "let the clients be the network that dhcpd serves",
			"the clients of %s are only a part of those that dhcpd serves: %s is one, %s is none", e.Path, in, out)
	default:
		s.add(Warning, exportNotSubnet, e.Clients[0].Pos, "let the clients be the network that dhcpd serves",
			"none of the addresses that dhcpd gives out is a client of %s: %s is none", e.Path, out)
	}
}
