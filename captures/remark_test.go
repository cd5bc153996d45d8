package captures_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/pcap"
	"github.com/pxeproof/pxeproof/harness/network"
)

// TestRemarkIsOnItsFrame puts three frames on the wire, two of them the same,
// with a remark for the second kind and one for the first of the others.
func TestRemarkIsOnItsFrame(t *testing.T) {
	bridge := fmt.Sprintf("r%d", bridges.Add(1))
	n, err := network.New(bridge)
	if err != nil {
		t.Fatal(err)
	}
	cables := make([]*network.Cable, 2)
	for i := range cables {
		if cables[i], err = n.AddCable(fmt.Sprintf("%sc%d", bridge, i), false); err != nil {
			t.Fatal(err)
		}
		defer cables[i].Release()
	}
	file := filepath.Join(t.TempDir(), "capture.pcapng")
	r := record(t, captures.RecordConfig{File: file, Exclude: []string{bridge}})
	frame := func(tag byte) []byte {
		f := make([]byte, 60)
		copy(f, "\xff\xff\xff\xff\xff\xff\x52\x54\x00\x00\x00\x01\x88\xb5") // for local experiments (IEEE 802)
		f[14] = tag
		return f
	}
	r.Remark(cables[0].Name(), frame(1), "the first of two")
	r.Remark(cables[0].Name(), frame(2), "another")
	r.Remark(cables[0].Name(), frame(3), "never sent")
	for _, f := range [][]byte{frame(1), frame(2), frame(1)} {
		if err := cables[0].Send(f); err != nil {
			t.Fatal(err)
		}
	}
	// The same frame at another port is another frame.
	if err := cables[1].Send(frame(3)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := pcap.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		var p pcap.Packet
		err := in.Next(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Data[12] != 0x88 || p.Data[13] != 0xb5 {
			continue // the kernel says what it likes of IPv6
		}
		got = append(got, fmt.Sprintf("%s %d %q", p.Name, p.Data[14], p.Comments))
	}
	want := []string{
		cables[0].Name() + ` 1 ["the first of two"]`, cables[0].Name() + ` 2 ["another"]`,
		cables[0].Name() + ` 1 []`, cables[1].Name() + ` 3 []`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("frames:\n%q\nwant\n%q", got, want)
	}
}
