package network

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/harness/link"
)

// pair is two hosts on a cable, of which one sends datagrams and the other sends
// them back. exchange returns what has come back when all but the lost have.
func pair(t *testing.T, i link.Impairment) (r *link.Relay, exchange func(n int, lost *atomic.Int64) (back []int)) {
	t.Helper()
	a, b, r, err := NewPair(
		HostConfig{Name: "a", Addr: netip.MustParsePrefix("192.168.1.103/24")},
		HostConfig{Name: "b", Addr: netip.MustParsePrefix("192.168.1.104/24")}, i)
	if err != nil {
		t.Fatal(err)
	}
	server, err := b.ListenPacket(t.Context(), "udp4", "192.168.1.104:69")
	if err != nil {
		t.Fatal(err)
	}
	client, err := a.ListenPacket(t.Context(), "udp4", "192.168.1.103:0")
	if err != nil {
		t.Fatal(err)
	}
	echoed := make(chan struct{})
	go func() {
		defer close(echoed)
		var buf [2000]byte
		for {
			n, from, err := server.ReadFrom(buf[:])
			if err != nil {
				return
			}
			if _, err := server.WriteTo(buf[:n], from); err != nil {
				t.Error(err)
			}
		}
	}()
	t.Cleanup(func() { server.Close(); client.Close(); <-echoed })
	return r, func(n int, lost *atomic.Int64) (back []int) {
		var buf [2000]byte
		for k := range n {
			binary.BigEndian.PutUint32(buf[:], uint32(k))
			if _, err := client.WriteTo(buf[:100], server.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		for end := time.Now().Add(20 * time.Second); len(back)+int(lost.Load()) < n && time.Now().Before(end); {
			// Meanwhile the last ones may turn out to be lost.
			if err := client.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			switch _, _, err := client.ReadFrom(buf[:]); {
			case err == nil:
				back = append(back, int(binary.BigEndian.Uint32(buf[:])))
			case !errors.Is(err, os.ErrDeadlineExceeded):
				t.Fatal(err)
			}
		}
		return back
	}
}

func TestPairIsACable(t *testing.T) {
	r, exchange := pair(t, link.Impairment{Seed: 4})
	if r != nil {
		t.Error("a healthy link has a relay")
	}
	if back := exchange(50, new(atomic.Int64)); len(back) != 50 {
		t.Errorf("%d of 50 came back", len(back))
	}
}

// Over real interfaces the frames that are lost are those that the seed names,
// and each datagram that did not come back was one of them.
func TestPairLosesWhatItsSeedSays(t *testing.T) {
	i := link.Impairment{Loss: 0.1, Delay: 2 * time.Millisecond, Seed: 5}
	r, exchange := pair(t, i)
	lost := [2]map[int64]bool{{}, {}}
	datagrams, gone := map[int]bool{}, new(atomic.Int64)
	r.Lost = func(d link.Direction, number int64, why link.Loss, data []byte) {
		lost[d][number] = true
		const payload = 14 + 20 + 8
		if why == link.Random && len(data) == payload+100 && data[12] == 8 && data[13] == 0 {
			datagrams[int(binary.BigEndian.Uint32(data[payload:]))] = true
			gone.Add(1)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	const n = 60
	began := time.Now()
	back := exchange(n, gone)
	took := time.Since(began)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	came := map[int]bool{}
	for _, k := range back {
		came[k] = true
	}
	for k := range n {
		if !came[k] && !datagrams[k] {
			t.Errorf("datagram %d was lost by somebody else", k)
		}
	}
	if took < 2*i.Delay {
		t.Errorf("%d round trips in %v", len(back), took)
	}
	for d := range lost {
		q := link.NewQueue(i, link.Direction(d))
		for number := range r.Counts(link.Direction(d)).Frames {
			if gone := q.Push(time.Time{}, nil) != ""; gone != lost[d][number+1] {
				t.Errorf("direction %d, frame %d: lost %v, the seed says %v", d, number+1, lost[d][number+1], gone)
			}
		}
	}
	if len(lost[0])+len(lost[1]) == 0 {
		t.Error("nothing was lost")
	}
}
