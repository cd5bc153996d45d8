// Package qemu runs the machines of a lab: [Machine.Args] turns a description
// into QEMU's command line and is a pure function; [Start] runs it, with its
// serial console as lines and its QMP monitor as a [Monitor].
package qemu

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strings"
)

// A Machine describes a computer that boots from the network. The zero value of
// every field but Name and NICs is a sensible machine.
type Machine struct {
	// Name is the machine's name in the lab, for messages.
	Name string
	// Firmware is what the machine starts with. Default BIOS.
	Firmware Firmware
	// NICs are its network cards, in boot order; at least one.
	NICs []NIC
	// Memory is in MiB. Default DefaultMemory.
	Memory int
	// CPUs is the number of processors. Default 1.
	CPUs int
	// Accel is "tcg" or "kvm". Default "tcg"; [ProbeKVM] tells if "kvm" works.
	Accel string
	// Reboots keeps the machine going when its guest resets it. By default a
	// reset ends it, as a power-off does.
	Reboots bool
	// Extra is appended to the command line as it is.
	Extra []string
}

// A Firmware is what a machine starts with.
type Firmware struct {
	// Kind is "bios" (SeaBIOS, the default) or "uefi" (OVMF).
	Kind string
	// Code and Vars are OVMF's two flash images; Vars is this machine's own
	// copy, as the firmware writes to it. Unused for "bios".
	Code, Vars string
	// SecureBoot needs an OVMF built for it.
	SecureBoot bool
}

// A NIC is one network card.
type NIC struct {
	// Model is QEMU's device name. Default "virtio-net-pci".
	Model string
	// MAC must be given: it is the machine's identity in every verdict.
	MAC net.HardwareAddr
	// ROM is the boot ROM: empty for the one that QEMU ships for the model, a
	// path, or "none" to leave the card to the firmware's own driver (OVMF's
	// for virtio).
	ROM string
}

// Wiring is what a Machine is plugged into: descriptors that the QEMU process
// inherits.
type Wiring struct {
	// QMP is a listening unix socket.
	QMP int
	// Ports has a port for each NIC, in order.
	Ports []PortFD
	// Incoming has QEMU wait, its processors stopped, for the state of a
	// machine that was saved.
	Incoming bool
}

// A PortFD is the network's end of a machine's cable.
type PortFD struct {
	FD int
	// Stream says that FD is a stream socket that carries frames with their
	// lengths, and not a tap.
	Stream bool
}

// Args is QEMU's command line for m, without the program's name. The serial
// console is on standard input and output.
func (m Machine) Args(w Wiring) ([]string, error) {
	if len(m.NICs) == 0 {
		return nil, fmt.Errorf("machine %s has no network card to boot from", m.Name)
	}
	if len(w.Ports) != len(m.NICs) {
		return nil, fmt.Errorf("machine %s: %d network ports for %d network cards", m.Name, len(w.Ports), len(m.NICs))
	}
	args := []string{
		"-name", m.Name,
		"-nodefaults", "-no-user-config",
		"-display", "none",
		"-chardev", fmt.Sprintf("socket,id=qmp,fd=%d,server=on,wait=off", w.QMP),
		"-mon", "chardev=qmp,mode=control",
		"-chardev", "stdio,id=console,signal=off",
		"-serial", "chardev:console",
		"-m", fmt.Sprint(cmp.Or(m.Memory, DefaultMemory)),
		"-smp", fmt.Sprint(cmp.Or(m.CPUs, 1)),
		"-boot", "strict=on",
	}
	board, err := m.board()
	if err != nil {
		return nil, err
	}
	args = append(args, board...)
	if !m.Reboots {
		args = append(args, "-no-reboot")
	}
	if w.Incoming {
		args = append(args, "-incoming", "defer", "-S")
	}
	for i, nic := range m.NICs {
		if len(nic.MAC) != 6 {
			return nil, fmt.Errorf("machine %s: network card %d has no MAC", m.Name, i)
		}
		args = append(args,
			"-netdev", w.Ports[i].netdev(i),
			"-device", nic.device(i))
	}
	return append(args, m.Extra...), nil
}

// board is the mainboard and its firmware.
func (m Machine) board() ([]string, error) {
	accel := m.Accel
	if accel == "" {
		accel = "tcg"
	}
	switch m.Firmware.Kind {
	case "", "bios":
		// graphics=off has SeaBIOS and the option ROMs talk on the serial port.
		args := []string{"-machine", "pc,graphics=off,accel=" + accel}
		return append(args, cpu(accel)...), nil
	case "uefi":
		if m.Firmware.Code == "" || m.Firmware.Vars == "" {
			return nil, fmt.Errorf("machine %s: UEFI needs OVMF's code and a copy of its variables", m.Name)
		}
		smm := "off"
		if m.Firmware.SecureBoot {
			smm = "on"
		}
		args := []string{
			"-machine", fmt.Sprintf("q35,smm=%s,accel=%s", smm, accel),
			"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + escape(m.Firmware.Code),
			"-drive", "if=pflash,unit=1,format=raw,file=" + escape(m.Firmware.Vars),
			// Newer OVMF offers no network boot without a source of randomness.
			"-device", "virtio-rng-pci",
		}
		if m.Firmware.SecureBoot {
			args = append(args, "-global", "driver=cfi.pflash01,property=secure,value=on")
		}
		return append(args, cpu(accel)...), nil
	}
	return nil, fmt.Errorf("machine %s: firmware %q is neither bios nor uefi", m.Name, m.Firmware.Kind)
}

func cpu(accel string) []string {
	if accel == "kvm" {
		return []string{"-cpu", "host"}
	}
	return nil
}

// netdev is the argument of -netdev.
func (p PortFD) netdev(i int) string {
	if p.Stream {
		return fmt.Sprintf("stream,id=net%d,server=off,addr.type=fd,addr.str=%d", i, p.FD)
	}
	return fmt.Sprintf("tap,id=net%d,fd=%d", i, p.FD)
}

// device is the argument of -device. Cards boot in the order in which they are
// listed.
func (n NIC) device(i int) string {
	model := n.Model
	if model == "" {
		model = DefaultNIC
	}
	d := fmt.Sprintf("%s,netdev=net%d,id=nic%d,mac=%s,bootindex=%d", model, i, i, n.MAC, i+1)
	switch {
	case n.ROM == "none":
		d += ",romfile="
	case n.ROM != "":
		d += ",romfile=" + escape(n.ROM)
		if strings.HasPrefix(model, "virtio-net-pci") && !strings.Contains(model, "disable-legacy") {
			// SeaBIOS does not run a given ROM on the transitional device.
			d += ",disable-legacy=on"
		}
	}
	return d
}

// What a machine has that says nothing of it; the memory in MiB.
const (
	DefaultNIC    = "virtio-net-pci"
	DefaultMemory = 512
)

// escape doubles commas, which separate the parts of a QEMU option.
func escape(path string) string { return strings.ReplaceAll(path, ",", ",,") }

// errGone is what every use of a machine that has ended returns.
var errGone = errors.New("the machine has ended")
