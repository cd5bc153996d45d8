package nfs

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

// What lies beside the export, and must not be seen in any reply nor change.
const (
	outsideName = "a-name-from-outside"
	outsideData = "data from outside"
)

// TestMalformedCalls has a server answer calls that are nearly right, 50,000 or
// as many as PXEPROOF_NOISE says; a million takes a minute. Nothing of what is outside of the export comes out, nothing there changes, and
// nothing stays open.
func TestMalformedCalls(t *testing.T) {
	const each = 50_000
	wanted := each
	if n, err := strconv.Atoi(os.Getenv("PXEPROOF_NOISE")); err == nil {
		wanted = n
	}
	good := calls()
	r := rand.New(rand.NewPCG(1, 2))
	succeeded, before := 0, descriptors(t)
	for range max(wanted/each, 1) {
		s := hostileServer(t)
		root := s.config.Root
		for answered := 0; answered < each; {
			replies := feed(t, s, malformed(r, good))
			for _, secret := range []string{outsideName, outsideData, root} {
				if bytes.Contains(replies, []byte(secret)) {
					t.Fatalf("%q is in a reply", secret)
				}
			}
			n, fine := count(t, replies)
			answered, succeeded = answered+n, succeeded+fine
		}
		untouched(t, root)
		s.close()
	}
	// Were all refused at the first look, the rest would not have been tried.
	if succeeded < wanted/10 {
		t.Errorf("only %d calls of %d succeeded", succeeded, wanted)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors are open, and %d were before", after, before)
	}
}

// tempting lays out what is outside, and links to it from inside.
func tempting(t testing.TB, root string) {
	t.Helper()
	outside := filepath.Join(root, "outside")
	if err := os.Mkdir(outside, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, outsideName), []byte(outsideData), 0o666); err != nil {
		t.Fatal(err)
	}
	// Of these names, some are what the calls look up.
	for name, to := range map[string]string{"up": "../outside", "d": "/outside", "h": "..", "g": "../outside/."} {
		if err := os.Symlink(to, filepath.Join(root, "srv", name)); err != nil {
			t.Fatal(err)
		}
	}
}

// untouched looks whether all outside is as tempting made it.
func untouched(t *testing.T, root string) {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && p == filepath.Join(root, "srv") {
			return fs.SkipDir
		}
		names = append(names, d.Name())
		return err
	})
	b, rerr := os.ReadFile(filepath.Join(root, "outside", outsideName))
	if err != nil || rerr != nil || len(names) != 3 || string(b) != outsideData {
		t.Fatalf("outside of the export are %q, %v; %q, %v", names, err, b, rerr)
	}
}

// malformed is a stream of calls, most with something wrong in them.
func malformed(r *rand.Rand, good [][]byte) []byte {
	var stream []byte
	for range 25 {
		c := bytes.Clone(good[r.IntN(len(good))])
		for range r.IntN(3) {
			// A damaged header ends the stream, so that this is rare.
			from := rpc.MarkSize + 4
			if r.IntN(50) > 0 {
				from = min(rpc.MarkSize+16, len(c)-1)
			}
			switch at := from + r.IntN(len(c)-from); r.IntN(4) {
			case 0:
				c[at] = byte(r.Uint32())
			case 1:
				c[at] ^= 1 << r.IntN(8)
			case 2:
				copy(c[at&^3:], []byte{0xff, 0xff, 0xff, 0xff})
			case 3:
				c = append(c[:max(at, rpc.MarkSize+4)], make([]byte, r.IntN(9))...)
			}
		}
		rpc.PutMark(c)
		stream = append(stream, c...)
	}
	return stream
}

// count counts the replies of a stream, and those that an NFS or MOUNT procedure
// made with status 0.
func count(t *testing.T, stream []byte) (all, succeeded int) {
	t.Helper()
	for len(stream) > 0 {
		mark := binary.BigEndian.Uint32(stream)
		n := int(mark &^ (1 << 31))
		if mark>>31 == 0 || rpc.MarkSize+n > len(stream) {
			t.Fatalf("a reply is cut: %d bytes of %d", len(stream)-rpc.MarkSize, n)
		}
		// xid, REPLY, MSG_ACCEPTED, a verifier of nothing, SUCCESS, status 0
		if msg := stream[rpc.MarkSize:][:n]; n >= 28 && bytes.Equal(msg[8:28], make([]byte, 20)) {
			succeeded++
		}
		all, stream = all+1, stream[rpc.MarkSize+n:]
	}
	return all, succeeded
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
