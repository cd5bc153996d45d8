package doctor

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/pxeproof/pxeproof/harness/assets"
)

// needed checks, one by one, what the machine must have.
func (x *examination) needed() []check {
	var all []check
	for _, name := range x.Need {
		all = append(all, func(ctx context.Context, x *examination) Result {
			r := Result{Name: name}
			a, err := x.Store.Find(ctx, name)
			if err != nil {
				r.State, r.Text, r.Cure = Missing, reason(err), x.Store.CureCommand(name)
				return r
			}
			r.State, r.Text = OK, found(a)
			if name == "kernel" {
				return checkModules(ctx, x, r)
			}
			return r
		})
	}
	return all
}

// checkModules looks for the modules beside a kernel, without which it has no
// network.
func checkModules(ctx context.Context, x *examination, r Result) Result {
	k, err := x.Store.Kernel(ctx, r.Name)
	switch {
	case err != nil:
		r.State, r.Text = Missing, err.Error()
	case k.Modules == "":
		r.State, r.Text = Missing, fmt.Sprintf("%s is there, its modules (lib/modules/%s) are not", k.Path, k.Release)
		r.Cure = x.Store.CureCommand(r.Name)
	}
	return r
}

// found tells of an asset what a person looks for: the package, or the file.
func found(a assets.Asset) string {
	if a.Package == "" {
		return a.Path
	}
	text := a.Package + " " + a.Version
	if a.Source == assets.Cached {
		text += ", in the cache"
	}
	return text
}

// reason is why an asset is not there, without the cure.
func reason(err error) string {
	if missing, ok := errors.AsType[*assets.NotFoundError](err); ok {
		if missing.Unfit != nil {
			return missing.Unfit.Error()
		}
		return "not on this machine"
	}
	text, _, _ := strings.Cut(err.Error(), ";")
	return text
}

// kits are the files that one kind of boot needs together.
var kits = []struct {
	name, use string
	files     []string
}{
	{"UEFI", "boots UEFI machines", []string{"OVMF_CODE.fd", "OVMF_VARS.fd"}},
	{"SYSLINUX", "boots UEFI machines with syslinux.efi", []string{"syslinux.efi", "ldlinux.e64"}},
	{"Secure Boot", "boots shim and signed GRUB", []string{"OVMF_CODE.ms.fd", "OVMF_VARS.ms.fd", "shimx64.efi", "mmx64.efi", "grubnetx64.efi.signed"}},
	{"iPXE", "chainloads iPXE", []string{"undionly.kpxe", "ipxe.efi", "snponly.efi", "ipxe.lkrn"}},
}

// optional checks the files of other kinds of boot.
func (x *examination) optional() []check {
	var all []check
	for _, k := range kits {
		all = append(all, func(ctx context.Context, x *examination) Result {
			r := Result{Name: k.name, State: OK}
			var missing []string
			for _, f := range k.files {
				if _, err := x.Store.Find(ctx, f); err != nil {
					missing = append(missing, f)
				}
			}
			if len(missing) == 0 {
				r.Text = strings.Join(k.files, ", ")
				return r
			}
			r.State, r.Cure = Optional, x.Store.CureCommand(missing...)
			r.Text = fmt.Sprintf("no %s; only a scenario that %s needs it", strings.Join(missing, ", "), k.use)
			return r
		})
	}
	return all
}

// programs are daemons and readers that nothing here needs to run a scenario.
var programs = []struct {
	name string
	// pkg is for those that are no tools of the catalogue.
	pkg assets.Package
}{
	{name: "dhcpd"},
	{name: "in.tftpd"},
	{name: "atftpd"},
	{name: "xinetd"},
	{"dnsmasq", assets.Package{Debian: "dnsmasq-base", Fedora: "dnsmasq", Arch: "dnsmasq", SUSE: "dnsmasq"}},
	{"kea-dhcp4", assets.Package{Debian: "kea-dhcp4-server", Fedora: "kea", Arch: "kea", SUSE: "kea"}},
	{"tshark", assets.Package{Debian: "tshark", Fedora: "wireshark-cli", Arch: "wireshark-cli", SUSE: "wireshark"}},
}

// daemons checks the programs.
func daemons() []check {
	var all []check
	for _, p := range programs {
		all = append(all, func(ctx context.Context, x *examination) Result {
			r := Result{Name: p.name, State: OK}
			if p.pkg == (assets.Package{}) {
				t, err := x.Store.Tool(ctx, p.name)
				if err == nil {
					r.Text = found(t.Asset)
					return r
				}
				r.Text, r.Cure = reason(err), x.Store.CureCommand(p.name)
			} else {
				path, err := exec.LookPath(p.name)
				if err == nil {
					r.Text = path
					return r
				}
				r.Text, r.Cure = "not in PATH", x.Store.InstallCommand(p.pkg)
			}
			r.State = Optional
			return r
		})
	}
	return all
}
