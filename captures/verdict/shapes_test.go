package verdict

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/pcap"
)

// A recorded frame of a wild capture, with its Ethernet header.
type recorded struct {
	captures.FrameInfo
	data []byte
}

func wildFrames(t *testing.T, name string) []recorded {
	t.Helper()
	if filepath.Ext(name) != ".gz" {
		name += ".pcap"
	}
	f, err := os.Open(filepath.Join("testdata/wild", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := pcap.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []recorded
	for {
		var p pcap.Packet
		if err := in.Next(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, recorded{
			captures.FrameInfo{At: p.At, Link: captures.LinkType(p.Link), Length: p.Length}, bytes.Clone(p.Data),
		})
	}
}

// judgeFrames judges frames as a capture that holds them.
func judgeFrames(t *testing.T, frames []recorded) Verdict {
	t.Helper()
	d := captures.NewDecoder(captures.Options{})
	j, err := NewJudge(Expectations{}, Options{Discover: true, Transfer: d.Transfer})
	if err != nil {
		t.Fatal(err)
	}
	add := func(e captures.Event) { j.Add(e) }
	end := End{Reason: EndCapture}
	for i, f := range frames {
		f.Number = i + 1
		d.Frame(f.FrameInfo, f.data, add)
		end.At = f.At
	}
	d.Finish(add)
	j.Finish(end)
	v := j.Verdict()
	check(t, v)
	return v
}

// shapes are the ways in which the same boot is recorded by others.
var shapes = map[string]func(recorded) recorded{
	// tcpdump -i any of some years ago: packet type, hardware type, length of
	// the sender's address, the address in eight bytes, EtherType.
	"cooked": func(f recorded) recorded {
		h := []byte{0, 0, 0, 1, 0, 6}
		h = append(append(h, f.data[6:12]...), 0, 0, f.data[12], f.data[13])
		f.data, f.Link = append(h, f.data[14:]...), captures.LinkCooked
		f.Length += 2
		return f
	},
	// and of today: EtherType, zeros, interface, hardware type, packet type,
	// length of the sender's address, the address.
	"cooked v2": func(f recorded) recorded {
		h := append([]byte{f.data[12], f.data[13], 0, 0}, 0, 0, 0, 3, 0, 1, 0, 6)
		h = append(append(h, f.data[6:12]...), 0, 0)
		f.data, f.Link = append(h, f.data[14:]...), captures.LinkCooked2
		f.Length += 6
		return f
	},
	"VLAN tags": func(f recorded) recorded {
		tag := binary.BigEndian.AppendUint16([]byte{0x81, 0x00}, 42)
		f.data = slices.Concat(f.data[:12], tag, f.data[12:])
		f.Length += 4
		return f
	},
	// As long as DHCP needs; DATA is cut.
	"cut at 400 bytes": func(f recorded) recorded {
		f.data = f.data[:min(len(f.data), 400)]
		return f
	},
}

func TestShapesOfWildCaptures(t *testing.T) {
	for name, want := range wild {
		for shape, change := range shapes {
			t.Run(name+"/"+shape, func(t *testing.T) {
				frames := wildFrames(t, name)
				for i := range frames {
					frames[i] = change(frames[i])
				}
				wantCause(t, judgeFrames(t, frames), want.finding)
			})
		}
	}
}

// wantCause wants one machine and this cause alone.
func wantCause(t *testing.T, v Verdict, id string) {
	t.Helper()
	if v.Status != Fail || len(v.Clients) != 1 {
		t.Fatalf("verdict: %s", asJSON(v))
	}
	for i, f := range v.Clients[0].Findings {
		if (f.Severity == Error) != (i == 0) || i == 0 && f.ID != id {
			t.Errorf("finding %d is %s %s, want %s alone as the cause", i, f.Severity, f.ID, id)
		}
	}
}

// wildMachine boots in the captures of dnsmasq.
var wildMachine = []byte{0x52, 0x54, 0, 0x12, 0x34, 0x56}

// fromMachine says whether the machine that boots has sent a frame, which has
// QEMU's prefix.
func fromMachine(f recorded) bool { return bytes.HasPrefix(f.data[6:], wildMachine[:3]) }

// TestOneDirectionProvesNothing has what a mirror port of one direction gives:
// the machine acts on answers that are not there.
func TestOneDirectionProvesNothing(t *testing.T) {
	for name := range wild {
		all := wildFrames(t, name)
		asked := slices.DeleteFunc(slices.Clone(all), func(f recorded) bool { return !fromMachine(f) })
		answers := slices.DeleteFunc(slices.Clone(all), fromMachine)
		if strings.HasPrefix(name, "silence") || name == "noboot-efi" {
			continue // there were no answers, or none that it took
		}
		for side, frames := range map[string][]recorded{"the machine's": asked, "the servers'": answers} {
			v := judgeFrames(t, frames)
			if v.Status != Inconclusive {
				t.Errorf("%s, %s half: %s", name, side, asJSON(v))
			}
			if side == "the machine's" && !strings.Contains(fmt.Sprint(v.Reasons), "both directions") {
				t.Errorf("%s: the reasons are %v", name, v.Reasons)
			}
		}
	}
}

// TestManyInOneCapture has two boots side by side, each with its own cause.
func TestManyInOneCapture(t *testing.T) {
	causes := map[string]string{}
	var frames []recorded
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, name := range []string{"nofile", "dead", "refused", "silence"} {
		mac := []byte{0x52, 0x54, 0, 0x12, 0x34, byte(0x60 + i)}
		list := wildFrames(t, name)
		begun := list[0].At
		for _, f := range list {
			f.data = bytes.ReplaceAll(f.data, wildMachine, mac)
			// Each has an address of its own; sums are then not right, as a
			// card leaves them that is to make them.
			f.data = bytes.ReplaceAll(f.data, []byte{192, 168, 77, 58}, []byte{192, 168, 77, byte(60 + i)})
			f.At = start.Add(f.At.Sub(begun))
			frames = append(frames, f)
		}
		causes[fmt.Sprintf("52:54:00:12:34:%02x", 0x60+i)] = wild[name].finding
	}
	slices.SortStableFunc(frames, func(a, b recorded) int { return a.At.Compare(b.At) })
	v := judgeFrames(t, frames)
	if len(v.Clients) != len(causes) {
		t.Fatalf("%d machines, want %d", len(v.Clients), len(causes))
	}
	for _, c := range v.Clients {
		if c.Status != Fail || c.Findings[0].ID != causes[c.Host] {
			t.Errorf("%s: want %s\n%s", c.Host, causes[c.Host], asJSON(c))
		}
	}
}

// TestCaptureEndsInATransfer is cut while the boot program comes.
func TestCaptureEndsInATransfer(t *testing.T) {
	frames := wildFrames(t, "good-efi")
	v := judgeFrames(t, frames[:len(frames)-20])
	if v.Status != Inconclusive || len(v.Clients) != 1 || v.Clients[0].Reached != DHCP {
		t.Errorf("verdict: %s", asJSON(v))
	}
	for _, f := range v.Clients[0].Findings {
		if f.ID == "tftp-stalled" {
			t.Errorf("it stalled, says %s", f.Summary)
		}
	}
}

// TestCaptureBeginsInALoader has what came after the boot program alone.
func TestCaptureBeginsInALoader(t *testing.T) {
	frames := wildFrames(t, "slirp-b")
	for i, f := range frames {
		if bytes.Contains(f.data, []byte("\x00\x01ldlinux.c32\x00")) {
			wantCause(t, judgeFrames(t, frames[i-8:]), "tftp-file-not-found")
			return
		}
	}
	t.Fatal("nobody asks for ldlinux.c32")
}

// TestFirewallThatSaysSo has the ICMP of a firewall (reject with
// admin-prohibited) in the place of a closed port's.
func TestFirewallThatSaysSo(t *testing.T) {
	frames := wildFrames(t, "refused")
	const icmp, unreachable, closed, prohibited = 1, 3, 3, 13
	for i := range frames {
		if f := frames[i].data; len(f) > 36 && f[12] == 8 && f[13] == 0 && f[23] == icmp && f[34] == unreachable && f[35] == closed {
			f[35] = prohibited
		}
	}
	v := judgeFrames(t, frames)
	wantCause(t, v, "tftp-no-answer")
	if s := v.Clients[0].Findings[0].Summary; !strings.Contains(s, "a firewall forbids it") {
		t.Errorf("it says %s", s)
	}
}

// TestWildGoodBoots has a boot from ISC dhcpd and tftpd-hpa, cut at 160 bytes a
// frame, as the network saw it and as the TFTP server's host did (cooked). The
// kernel has a name that is no kernel's.
func TestWildGoodBoots(t *testing.T) {
	for _, name := range []string{"isc-good.pcap.gz", "isc-good-any.pcap.gz"} {
		v := judgeFrames(t, wildFrames(t, name))
		if v.Status != Pass || len(v.Clients) != 1 || v.Clients[0].Reached != Kernel || len(v.Clients[0].Findings) != 0 {
			t.Errorf("%s: %s", name, asJSON(v))
		}
	}
}
