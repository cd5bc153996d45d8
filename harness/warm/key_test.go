package warm

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/pxeproof/pxeproof/harness/qemu"
)

// TestKey changes one thing after another and wants another key each time, but
// where the change does not reach the machine.
func TestKey(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("data/bios-256k.bin", "firmware")
	write("data/pxe-virtio.rom", "a ROM")
	code, vars := write("CODE.fd", "code"), write("VARS.fd", "variables")
	machine := func() qemu.Machine {
		return qemu.Machine{
			Name: "client", NICs: []qemu.NIC{{MAC: net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}}},
			Firmware: qemu.Firmware{Kind: "uefi", Code: code, Vars: vars},
			Extra:    []string{"-uuid", "667ad43a-b8f0-8365-9439-cf535c10658d"},
		}
	}
	program := qemu.Program{Path: "/usr/bin/qemu", Version: "7.2", Stamp: "size 1", Data: []string{filepath.Join(dir, "data")}}
	base, err := KeyOf(machine(), Surroundings{Program: program})
	if err != nil {
		t.Fatal(err)
	}
	key := func(m qemu.Machine, in Surroundings) Key {
		t.Helper()
		if in.Program.Path == "" {
			in.Program = program
		}
		k, err := KeyOf(m, in)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	same := map[string]func(*qemu.Machine){
		"nothing":            func(*qemu.Machine) {},
		"the name":           func(m *qemu.Machine) { m.Name = "other" },
		"where the code is":  func(m *qemu.Machine) { m.Firmware.Code = write("copy/CODE.fd", "code") },
		"which copy of vars": func(m *qemu.Machine) { m.Firmware.Vars = write("copy/client.vars.fd", "variables") },
	}
	for what, change := range same {
		m := machine()
		change(&m)
		if key(m, Surroundings{}) != base {
			t.Errorf("another key for %s", what)
		}
	}
	seen := map[Key]string{base: "the machine as it was"}
	differs := func(what string, k Key) {
		t.Helper()
		if first, ok := seen[k]; ok {
			t.Errorf("one key for %s and for %s", what, first)
		}
		seen[k] = what
	}
	for what, change := range map[string]func(*qemu.Machine){
		"the MAC":            func(m *qemu.Machine) { m.NICs[0].MAC = net.HardwareAddr{0x52, 0x54, 0, 0, 0, 2} },
		"the card":           func(m *qemu.Machine) { m.NICs[0].Model = "e1000" },
		"no ROM":             func(m *qemu.Machine) { m.NICs[0].ROM = "none" },
		"a ROM of one's own": func(m *qemu.Machine) { m.NICs[0].ROM = write("mine.rom", "mine") },
		"memory":             func(m *qemu.Machine) { m.Memory = 1024 },
		"processors":         func(m *qemu.Machine) { m.CPUs = 2 },
		"the UUID":           func(m *qemu.Machine) { m.Extra[1] = "00000000-0000-0000-0000-000000000000" },
		"reboots":            func(m *qemu.Machine) { m.Reboots = true },
		"secure boot":        func(m *qemu.Machine) { m.Firmware.SecureBoot = true },
		"BIOS":               func(m *qemu.Machine) { m.Firmware = qemu.Firmware{} },
		"other code":         func(m *qemu.Machine) { m.Firmware.Code = write("new/CODE.fd", "new code") },
		"other variables":    func(m *qemu.Machine) { m.Firmware.Vars = write("new/VARS.fd", "new variables") },
	} {
		m := machine()
		change(&m)
		differs(what, key(m, Surroundings{}))
	}
	for what, in := range map[string]Surroundings{
		"a relay for a tap":        {Stream: true},
		"a key pressed":            {Answers: []qemu.Answer{{Prompt: "p", Keys: "k"}}},
		"another key":              {Answers: []qemu.Answer{{Prompt: "p", Keys: "l"}}},
		"a frame that it received": {Received: [][]byte{[]byte("frame")}},
		"two frames":               {Received: [][]byte{[]byte("fra"), []byte("me")}},
	} {
		differs(what, key(machine(), in))
	}
	other := program
	other.Version = "8.0"
	differs("another QEMU", key(machine(), Surroundings{Program: other}))
	other = program
	other.Stamp = "size 2"
	differs("another build of QEMU", key(machine(), Surroundings{Program: other}))
	write("data/pxe-virtio.rom", "another ROM")
	differs("a ROM that was replaced", key(machine(), Surroundings{}))
}

func TestDoubtful(t *testing.T) {
	card := qemu.NIC{MAC: net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}}
	if err := Doubtful(qemu.Machine{NICs: []qemu.NIC{card}}); err != nil {
		t.Errorf("a plain machine: %v", err)
	}
	for what, m := range map[string]qemu.Machine{
		"no ROM":     {NICs: []qemu.NIC{{MAC: card.MAC, ROM: "none"}}},
		"two cards":  {NICs: []qemu.NIC{card, card}},
		"KVM":        {NICs: []qemu.NIC{card}, Accel: "kvm"},
		"an option":  {NICs: []qemu.NIC{card}, Extra: []string{"-cdrom", "x.iso"}},
		"fw_cfg too": {NICs: []qemu.NIC{card}, Extra: []string{"-uuid", "x", "-fw_cfg", "name=a,string=b"}},
	} {
		if Doubtful(m) == nil {
			t.Errorf("%s: no doubt", what)
		}
	}
}
