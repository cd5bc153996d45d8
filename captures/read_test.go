package captures_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/pcap"
)

func file(t testing.TB, link uint16, frames ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pcap.NewWriter(&b, "test")
	if _, err := w.Interface("p", link); err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.Packet(0, epoch, f, len(f)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Statistics(0, epoch, 9, 2), w.Flush()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What can be read of a file that is cut off is there, with an error that says
// where it ends.
func TestReadCutOff(t *testing.T) {
	whole := file(t, 1, concat([][]byte{ask(t, "f")}, lockStep(t, content(600), 512, plainNumber))...)
	tl, err := captures.Read(bytes.NewReader(whole))
	if err != nil || tl.Frames != 5 || tl.Dropped != 2 || tl.Transfers[0].Status != captures.Complete {
		t.Fatalf("%+v, %v", tl, err)
	}
	tl, err = captures.Read(bytes.NewReader(whole[:len(whole)-100]))
	var place *pcap.Error
	if tl == nil || !errors.As(err, &place) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%+v, %v", tl, err)
	}
	if tl.Frames != 4 || tl.Transfers[0].Bytes != 600 || tl.Transfers[0].Status != captures.Sent || !strings.Contains(err.Error(), "byte") {
		t.Errorf("%+v, %v", tl, err)
	}
}

func TestReadSaysWhatItCannot(t *testing.T) {
	if tl, err := captures.Read(strings.NewReader("#!/bin/sh")); tl != nil || !errors.Is(err, pcap.ErrFormat) {
		t.Errorf("a script: %v, %v", tl, err)
	}
	if tl, err := captures.Read(bytes.NewReader(file(t, 127, []byte("radio")))); tl == nil || err == nil || !strings.Contains(err.Error(), "link type 127") {
		t.Errorf("another link: %v, %v", tl, err)
	}
	if tl, err := captures.Read(bytes.NewReader(file(t, 1))); err != nil || tl.Frames != 0 {
		t.Errorf("no frames: %v, %v", tl, err)
	}
	many := make([][]byte, 50)
	for i := range many {
		many[i] = udp(t, pc, uint16(2000+i), server, 69, rrq("f"))
	}
	tl, err := captures.ReadWith(bytes.NewReader(file(t, 1, many...)), captures.Options{Limits: captures.Limits{Events: 10}})
	if tl == nil || err == nil || len(tl.Events) != 10 {
		t.Errorf("more events than are kept: %v, %v", tl, err)
	}
}
