package check

import (
	"maps"
	"net/netip"
	"path"
	"slices"

	"github.com/pxeproof/pxeproof/servers/conf/kickstart"
)

// installers judges the kickstart files against what else is known.
func (s *site) installers() {
	for _, name := range slices.Sorted(maps.Keys(s.kickstarts)) {
		k := s.kickstarts[name]
		s.reboots(name, k)
		for _, c := range k.All("network") {
			s.static(c.Option("--ip"))
		}
		for _, c := range k.All("nfs") {
			s.origin(c)
		}
	}
}

// reboots reports an installation that starts again when it is over.
func (s *site) reboots(name string, k *kickstart.File) {
	for _, c := range k.All("reboot") {
		for _, b := range s.boots {
			w, ok := wishOf(b)
			if !ok || !b.auto || path.Clean("/"+w.path) != name && s.tree != nil {
				continue
			}
			const hint = "write poweroff, let the loader's default be LOCALBOOT, or let the machine boot from its disk first"
			if s.scenario != nil {
				s.add(Warning, kickstartReboots, c.Name.Pos, hint,
					"the machine boots from the network first, and there this installation is the default (%s): it installs itself again and again", place(b.chosen, c.Name.Pos))
				continue
			}
			s.add(Note, kickstartReboots, c.Name.Pos, hint,
				"a machine that boots from the network first installs itself again and again, as this installation is the default there (%s)", place(b.chosen, c.Name.Pos))
		}
	}
}

// static reports a fixed address that dhcpd gives to others.
func (s *site) static(ip kickstart.Value) {
	a, err := netip.ParseAddr(ip.Text)
	if err != nil {
		return
	}
	for _, d := range s.dhcp {
		for _, n := range d.conf.Networks {
			for _, p := range n.Pools {
				if r, ok := p.Range(a); ok {
					s.add(Warning, kickstartInRange, ip.Pos, "take one outside of the range",
						"the fixed address %s lies in the range %s to %s (%s): dhcpd may give it to another machine",
						a, r.Low, r.High, place(r.Pos, ip.Pos))
				}
			}
		}
	}
}

// origin holds the command nfs against the scenario and the exports.
func (s *site) origin(c kickstart.Command) {
	server, dir := c.Option("--server"), c.Option("--dir")
	a, err := netip.ParseAddr(server.Text)
	if err != nil {
		return
	}
	if s.scenario != nil && s.hostAt(a) == nil {
		s.add(Error, kickstartNobody, server.Pos, s.addresses(), "the installation is to come from %s, and nobody in the scenario has that address", a)
		return
	}
	if path.IsAbs(dir.Text) {
		s.exported(a, dir.Text, dir.Pos, kickstartNotExported, "the installation")
	}
}
