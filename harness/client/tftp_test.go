package client_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/harness/client"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

// A lab is a server's host and a client's on one network, and a file "f".
type lab struct {
	server, client *network.Host
	root           string
	file           []byte
	port           uint16
}

// labs numbers the networks, whose names may not meet.
var labs int

func newLab(t *testing.T, size int) *lab {
	t.Helper()
	labs++
	n, err := network.New(fmt.Sprint("br", labs))
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{root: t.TempDir(), file: make([]byte, size), port: 6900}
	rand.NewChaCha8([32]byte{}).Read(l.file)
	if err := os.WriteFile(filepath.Join(l.root, "f"), l.file, 0o644); err != nil {
		t.Fatal(err)
	}
	if l.server, err = n.AddHost(network.HostConfig{Name: fmt.Sprint("server", labs), Addr: netip.MustParsePrefix("192.168.1.103/24")}); err != nil {
		t.Fatal(err)
	}
	if l.client, err = n.AddHost(network.HostConfig{Name: fmt.Sprint("client", labs), Addr: netip.MustParsePrefix("192.168.1.50/24")}); err != nil {
		t.Fatal(err)
	}
	return l
}

// serve starts a server on a port of its own until the test ends.
func (l *lab) serve(t *testing.T, c tftp.Config) netip.AddrPort {
	t.Helper()
	l.port++
	c.Root, c.Address = l.root, netip.AddrPortFrom(netip.MustParseAddr("192.168.1.103"), l.port)
	s := tftp.New(c)
	if err := s.Listen(t.Context(), l.server); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c.Address
}

func (l *lab) fetch(ctx context.Context, c client.TFTP, name string) (r client.Result, err error) {
	doErr := l.client.Do(func() error {
		r, err = c.Fetch(ctx, name)
		return nil
	})
	return r, errors.Join(err, doErr)
}

// TestFetch reads a file from healthy servers and from one that loses, repeats
// and swaps for another what it sends.
func TestFetch(t *testing.T) {
	l := newLab(t, 70_000*8+3)
	var got bytes.Buffer
	to := func(b []byte) error {
		_, err := got.Write(b)
		return err
	}
	for _, tt := range []struct {
		name   string
		server tftp.Config
		client client.TFTP
		block  int
		window int
		size   int64
		hurt   bool // it is not a clean transfer
	}{
		{"no options", tftp.Config{}, client.TFTP{}, 512, 1, -1, false},
		{"pin", tftp.Config{Engine: tftp.EnginePin}, client.TFTP{BlockSize: 1428}, 1428, 1, -1, false},
		{"polling", tftp.Config{}, client.TFTP{BlockSize: 1428, Poll: true}, 1428, 1, -1, false},
		{"polling in windows, with loss", tftp.Config{Faults: []tftp.Faults{{DropEvery: 50}}}, client.TFTP{BlockSize: 1428, WindowSize: 4, Poll: true}, 1428, 4, -1, true},
		{"all options", tftp.Config{}, client.TFTP{BlockSize: 1428, WindowSize: 8, TSize: true, AskTimeout: 3 * time.Second}, 1428, 8, 70_000*8 + 3, false},
		{"clamped", tftp.Config{BlockSizeMax: 600, WindowSizeMax: 2}, client.TFTP{BlockSize: 1428, WindowSize: 8}, 600, 2, -1, false},
		{"refused", tftp.Config{Refuse: []string{"blksize", "windowsize"}}, client.TFTP{BlockSize: 1428, WindowSize: 8, TSize: true}, 512, 1, 70_000*8 + 3, false},
		{"over 65535 blocks", tftp.Config{}, client.TFTP{BlockSize: 8, WindowSize: 64}, 8, 64, -1, false},
		{"over 65535 blocks, to 1", tftp.Config{Rollover: 1}, client.TFTP{BlockSize: 8, WindowSize: 64, Rollover: 1}, 8, 64, -1, false},
		{"largest blocks", tftp.Config{}, client.TFTP{BlockSize: 65464, WindowSize: 2}, 65464, 2, -1, false},
		{"loss", tftp.Config{Faults: []tftp.Faults{{DropEvery: 50}}}, client.TFTP{BlockSize: 1428}, 1428, 1, -1, false},
		{"loss in windows", tftp.Config{Faults: []tftp.Faults{{DropEvery: 7}}}, client.TFTP{BlockSize: 1428, WindowSize: 16}, 1428, 16, -1, true},
		{"a block repeated", tftp.Config{Faults: []tftp.Faults{{RepeatBlock: 3}}}, client.TFTP{}, 512, 1, -1, true},
		{"a block repeated in a window", tftp.Config{Faults: []tftp.Faults{{RepeatBlock: 3}}}, client.TFTP{WindowSize: 4}, 512, 4, -1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got.Reset()
			tt.client.Server, tt.client.Hash, tt.client.To = l.serve(t, tt.server), true, to
			tt.client.Wait = 20 * time.Second // a busy machine is not a silent server
			r, err := l.fetch(t.Context(), tt.client, "f")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), l.file) || r.SHA256 != sha256.Sum256(l.file) || r.Bytes != int64(len(l.file)) {
				t.Errorf("got %d other bytes", r.Bytes)
			}
			if r.BlockSize != tt.block || r.WindowSize != tt.window || r.Size != tt.size || r.Blocks != int64(len(l.file)/tt.block+1) {
				t.Errorf("%+v", r)
			}
			if hurt := r.Gaps+r.Stray > 0; hurt != tt.hurt && tt.hurt || r.Took <= 0 || r.Answered <= 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestEnds are the ways not to get a file.
func TestEnds(t *testing.T) {
	l := newLab(t, 5000)
	ctx, cancel := context.WithCancel(t.Context())
	ctx2, cancel2 := context.WithCancel(t.Context())
	broken := errors.New("the disk is full")
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		file   string
		faults tftp.Faults
		client client.TFTP
		want   func(error) bool
	}{
		{"not there", t.Context(), "g", tftp.Faults{}, client.TFTP{}, isError(1, "File not found")},
		{"silence, polling", t.Context(), "f", tftp.Faults{StallAfter: 2}, client.TFTP{Wait: 10 * time.Millisecond, Tries: 3, Poll: true}, is(client.ErrSilence)},
		{"an error half-way", t.Context(), "f", tftp.Faults{ErrorAt: 3, Error: tftp.Error{Code: tftp.DiskFull, Text: "oops"}}, client.TFTP{}, isError(3, "oops")},
		{"silence", t.Context(), "f", tftp.Faults{StallAfter: 2}, client.TFTP{Wait: 10 * time.Millisecond, Tries: 3}, is(client.ErrSilence)},
		{"an option too many", t.Context(), "f", tftp.Faults{ExtraOptions: []tftp.Option{{Name: "windowsize", Value: "4"}}}, client.TFTP{BlockSize: 1000},
			func(err error) bool { return err != nil }},
		{"the caller's own", t.Context(), "f", tftp.Faults{}, client.TFTP{To: func([]byte) error { return broken }}, is(broken)},
		{"cancelled, polling", ctx2, "f", tftp.Faults{StallAfter: 2}, client.TFTP{Wait: time.Hour, Poll: true, To: func([]byte) error { cancel2(); return nil }}, is(context.Canceled)},
		{"cancelled", ctx, "f", tftp.Faults{StallAfter: 2}, client.TFTP{Wait: time.Hour, To: func([]byte) error { cancel(); return nil }}, is(context.Canceled)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.client.Server = l.serve(t, tftp.Config{Faults: []tftp.Faults{tt.faults}})
			if tt.client.Wait == 0 {
				tt.client.Wait = 20 * time.Second
			}
			if _, err := l.fetch(tt.ctx, tt.client, tt.file); !tt.want(err) {
				t.Errorf("error: %v", err)
			}
		})
	}
}

func is(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }

func isError(code uint16, text string) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*client.ServerError](err)
		return ok && fmt.Sprint(e.Code, e.Text) == fmt.Sprint(code, text)
	}
}
