package scenarios

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/harness/guest"
)

// Needs lists the distribution's files that a run looks for: the scenario's
// assets, and what those are made of that pxeproof makes.
func (s *Scenario) Needs() []string {
	var names []string
	for _, a := range s.Assets {
		if strings.HasPrefix(a.Name, zerosPrefix) {
			continue
		}
		parts := []string{a.Name}
		if s.Probe && isKernel(a.Name) || strings.HasPrefix(a.Name, probePrefix) {
			continue // pxeproof has it
		}
		if payload, made := strings.CutPrefix(a.Name, madePrefix); made {
			parts = guest.Payload(payload).Needs(s.kernelAsset())
		}
		for _, p := range parts {
			if !slices.Contains(names, p) {
				names = append(names, p)
			}
		}
	}
	return names
}

// kernelAsset is the asset that the scenario boots as its kernel, by the name of
// the first; "kernel" if it has one of its own.
func (s *Scenario) kernelAsset() string {
	for _, a := range s.Assets {
		if isKernel(a.Name) {
			return a.Name
		}
	}
	return "kernel"
}

// UsualPlaces lists where the configuration of a server is looked for that does
// not say where it has it, best first: of "dhcp", "tftp", "nfs".
func UsualPlaces(protocol string) []string { return slices.Clone(usualConfigs[protocol]) }

// NFSFile is the file that a kernel command line has an installer fetch over NFS
// (ks=nfs:SERVER:/path); name is empty if there is none.
func NFSFile(cmdline string) (server netip.Addr, name string) { return nfsWish(cmdline) }
