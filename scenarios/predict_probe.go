package scenarios

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness/guest/probe"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
)

// isProbe says whether the file that the expectation called id is about is a
// program of package probe, by its bytes: it may have got there by any way.
func (p *prediction) isProbe(id string, program []byte) bool {
	t := p.expected(id)
	return t != nil && p.wire == nil && t.SHA256 == probe.Digest(program)
}

// expected is the transfer that is expected under an ID; nil if there is none.
func (p *prediction) expected(id string) *verdict.Transfer {
	for i := range p.machine.Expect {
		if e := &p.machine.Expect[i]; e.ID == id {
			return e.Transfer
		}
	}
	return nil
}

// nbpProbe expects what the probe says as a boot program: that all of it came.
func (p *prediction) nbpProbe() {
	p.notApplicable("the boot program is the probe, which fetches nothing", verdict.Config, verdict.Kernel)
	p.said("os", "pxeproof: nbp", p.expected("nbp"))
	p.notApplicable("the probe reads no files", verdict.Files)
}

// kernelProbe expects what the probe says as a kernel: the command line of the
// configuration, and that all of the initrd came.
func (p *prediction) kernelProbe(boot pxelinux.Boot) {
	at := p.originOf(boot.AppendPos)
	words := "^pxeproof: cmdline "
	if line := strings.TrimSpace(boot.Append); line != "" {
		// PXELINUX puts BOOT_IMAGE= before it and what SYSAPPEND adds.
		words += "(.* )?" + regexp.QuoteMeta(line) + "( |$)"
	}
	p.add(verdict.Expectation{ID: "os", Stage: verdict.OS, Title: "the probe's words on the console, with the command line of the configuration",
		Origin: at, Console: &verdict.Console{Regexp: words}})
	switch len(boot.Initrds) {
	case 0:
		p.add(verdict.Expectation{ID: "initrd-read", Stage: verdict.OS, Title: "no initrd", Origin: at,
			Console: &verdict.Console{Contains: "pxeproof: initrd none"}})
	case 1:
		p.said("initrd-read", "pxeproof: initrd", p.expected("initrd"))
	}
	// Of several a loader makes one, with gaps of its own.
	p.notApplicable("the probe reads no files", verdict.Files)
}

// said expects a line of the probe's about a file on disk.
func (p *prediction) said(id, words string, t *verdict.Transfer) {
	e := verdict.Expectation{ID: id, Stage: verdict.OS, Title: "the same bytes in the machine's memory as on disk",
		Console: &verdict.Console{Contains: words + " size="}}
	if t != nil && t.SHA256 != "" {
		e.Origin = t.Disk
		e.Console.Contains = fmt.Sprintf("%s size=%d ", words, t.Size)
		e.Console.SHA256 = t.SHA256
	}
	p.add(e)
}
