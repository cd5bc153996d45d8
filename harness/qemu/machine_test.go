package qemu

import (
	"net"
	"slices"
	"strings"
	"testing"
)

var mac = net.HardwareAddr{0x52, 0x54, 0, 0x12, 0x34, 0x56}

func TestArgs(t *testing.T) {
	uefi := Firmware{Kind: "uefi", Code: "/fw/CODE.fd", Vars: "/run/a,b/VARS.fd"}
	secure := uefi
	secure.SecureBoot = true
	for _, c := range []struct {
		name    string
		machine Machine
		want    []string // each an option with its value
		not     []string // parts that must not be anywhere
	}{
		{
			name:    "zero value",
			machine: Machine{Name: "pc", NICs: []NIC{{MAC: mac}}},
			want: []string{
				"-machine pc,graphics=off,accel=tcg",
				"-m 512",
				"-netdev tap,id=net0,fd=4",
				"-device virtio-net-pci,netdev=net0,id=nic0,mac=52:54:00:12:34:56,bootindex=1",
			},
			not: []string{"romfile", "pflash", "-cpu"},
		},
		{
			name:    "a ROM of one's own is run on the modern device",
			machine: Machine{Name: "pc", NICs: []NIC{{MAC: mac, ROM: "/roms/mine.rom"}}},
			want:    []string{"-device virtio-net-pci,netdev=net0,id=nic0,mac=52:54:00:12:34:56,bootindex=1,romfile=/roms/mine.rom,disable-legacy=on"},
		},
		{
			name:    "uefi",
			machine: Machine{Name: "pc", Firmware: uefi, NICs: []NIC{{MAC: mac, Model: "e1000", ROM: "none"}}},
			want: []string{
				"-machine q35,smm=off,accel=tcg",
				"-drive if=pflash,unit=1,format=raw,file=/run/a,,b/VARS.fd",
				"-device virtio-rng-pci",
				"-device e1000,netdev=net0,id=nic0,mac=52:54:00:12:34:56,bootindex=1,romfile=",
			},
			not: []string{"pflash01,property=secure"},
		},
		{
			name:    "secure boot",
			machine: Machine{Name: "pc", Accel: "kvm", Firmware: secure, NICs: []NIC{{MAC: mac}}},
			want:    []string{"-machine q35,smm=on,accel=kvm", "-global driver=cfi.pflash01,property=secure,value=on", "-cpu host"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			args, err := c.machine.Args(Wiring{QMP: 3, Ports: []PortFD{{FD: 4}}})
			if err != nil {
				t.Fatal(err)
			}
			line := strings.Join(args, " ")
			for _, w := range c.want {
				option, value, _ := strings.Cut(w, " ")
				found := false
				for i := range args[1:] {
					found = found || args[i] == option && args[i+1] == value
				}
				if !found {
					t.Errorf("no %q in\n%s", w, line)
				}
			}
			for _, n := range c.not {
				if strings.Contains(line, n) {
					t.Errorf("%q in\n%s", n, line)
				}
			}
		})
	}
}

func TestArgsRefuses(t *testing.T) {
	for name, m := range map[string]Machine{
		"no card":                {Name: "pc"},
		"no MAC":                 {Name: "pc", NICs: []NIC{{}}},
		"uefi without its flash": {Name: "pc", NICs: []NIC{{MAC: mac}}, Firmware: Firmware{Kind: "uefi"}},
		"no such firmware":       {Name: "pc", NICs: []NIC{{MAC: mac}}, Firmware: Firmware{Kind: "coreboot"}},
	} {
		if args, err := m.Args(Wiring{Ports: make([]PortFD, len(m.NICs))}); err == nil {
			t.Errorf("%s: no error, but %q", name, args)
		}
	}
}

func TestRebootsIsSaid(t *testing.T) {
	m := Machine{Name: "pc", NICs: []NIC{{MAC: mac}}}
	once, _ := m.Args(Wiring{Ports: []PortFD{{FD: 4}}})
	m.Reboots = true
	again, _ := m.Args(Wiring{Ports: []PortFD{{FD: 4}}})
	if !slices.Contains(once, "-no-reboot") || slices.Contains(again, "-no-reboot") {
		t.Errorf("-no-reboot: %v without Reboots, %v with", once, again)
	}
}

func TestIncomingIsSaid(t *testing.T) {
	m := Machine{Name: "pc", NICs: []NIC{{MAC: mac}}}
	fresh, _ := m.Args(Wiring{Ports: []PortFD{{FD: 4}}})
	waiting, _ := m.Args(Wiring{Ports: []PortFD{{FD: 4}}, Incoming: true})
	if slices.Contains(fresh, "-incoming") || slices.Contains(fresh, "-S") {
		t.Errorf("a fresh machine waits for a state: %v", fresh)
	}
	if !strings.Contains(strings.Join(waiting, " "), "-incoming defer -S") {
		t.Errorf("no machine that waits for a state, stopped: %v", waiting)
	}
}
