package nfs_test

import (
	"bytes"
	"path/filepath"
	"testing"
)

// accepted is what a reply says behind its xid when the call is accepted with
// this status.
func accepted(status uint32, rest ...uint32) []byte {
	return u32(u32(nil, 1, 0, 0, 0, status), rest...)
}

func TestRPCAnswers(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "srv/f"), "x")
	c := newLab(t, root, "/srv *(ro)\n").dial()
	const (
		success = iota
		progUnavail
		progMismatch
		procUnavail
		garbageArgs
	)
	tests := []struct {
		name                   string
		program, version, proc uint32
		args                   []byte
		want                   []byte
	}{
		{"nfs null", programNFS, 3, 0, nil, accepted(success)},
		{"mount null", programMount, 3, 0, nil, accepted(success)},
		{"nfs version 2", programNFS, 2, 0, nil, accepted(progMismatch, 3, 3)},
		{"nfs version 4", programNFS, 4, 1, nil, accepted(progMismatch, 3, 3)},
		{"mount version 1", programMount, 1, 1, nil, accepted(progMismatch, 3, 3)},
		{"nfsacl", 100227, 3, 0, nil, accepted(progUnavail)},
		{"nlm", 100021, 4, 0, nil, accepted(progUnavail)},
		{"nfs procedure 22", programNFS, 3, 22, nil, accepted(procUnavail)},
		{"mount procedure 6", programMount, 3, 6, nil, accepted(procUnavail)},
		{"getattr without a handle", programNFS, 3, 1, nil, accepted(garbageArgs)},
		{"getattr with a handle of 65 bytes", programNFS, 3, 1, append(u32(nil, 65), make([]byte, 68)...), accepted(garbageArgs)},
		{"mnt with a path of 4 GiB", programMount, 3, 1, u32(nil, 0xffffffff), accepted(garbageArgs)},
		{"getattr of nothing", programNFS, 3, 1, u32(nil, 0), accepted(success, 70)},
		{"dump", programMount, 3, 2, nil, accepted(success, 0)},
		{"umntall", programMount, 3, 4, nil, accepted(success)},
	}
	for _, test := range tests {
		if got := c.raw(test.program, test.version, test.proc, test.args); !bytes.Equal(got, test.want) {
			t.Errorf("%s: reply % x, want % x", test.name, got, test.want)
		}
	}
}

func TestOtherRPCVersion(t *testing.T) {
	c := newLab(t, t.TempDir(), "/srv *(ro)\n").dial()
	b := c.message(programNFS, 3, 0, nil)
	b[4+8+3] = 3 // rpcvers
	if _, err := c.conn.Write(b); err != nil {
		t.Fatal(err)
	}
	_, got, err := c.reply(nil)
	if want := u32(nil, 1, 1, 0, 2, 2); err != nil || !bytes.Equal(got, want) {
		t.Errorf("reply % x, %v, want % x (RPC_MISMATCH)", got, err, want)
	}
}

func TestCredentials(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "srv/f"), "x")
	c := newLab(t, root, "/srv *(ro)\n").dial()
	h := c.find("/srv/f")
	denied := u32(nil, 1, 1, 1, 1)
	long := authSys(0, 0, make([]uint32, 17)...)
	for name, cred := range map[string][]byte{
		"Kerberos":      u32(nil, 6, 0),
		"17 groups":     long,
		"cut AUTH_SYS":  u32(nil, 1, 4, 0),
		"DES of nobody": u32(nil, 3, 0),
	} {
		c.cred = cred
		if got := c.raw(programNFS, 3, 1, handleArg(h)); !bytes.Equal(got, denied) {
			t.Errorf("%s: reply % x, want % x (AUTH_ERROR)", name, got, denied)
		}
	}
	// sec=sys, which is the default, does not let in a caller without a name.
	c.cred = nil
	if s := c.call(programNFS, 1, handleArg(h)).Uint32(); s != 13 {
		t.Errorf("GETATTR without a credential: status %d, want 13 (ACCES)", s)
	}
}

// Several calls in one segment, and one call in many fragments, are what a
// stream may bring.
func TestRecordsAndFragments(t *testing.T) {
	c := newLab(t, t.TempDir(), "/srv *(ro)\n").dial()
	many := append(c.message(programNFS, 3, 0, nil), c.message(programMount, 3, 0, nil)...)
	first := c.xid - 1
	whole := c.message(programNFS, 3, 0, nil)[4:]
	for i := 0; i < len(whole); i += 4 {
		mark := uint32(4)
		if i+4 == len(whole) {
			mark |= 1 << 31
		}
		many = append(u32(many, mark), whole[i:i+4]...)
	}
	if _, err := c.conn.Write(many); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(3) {
		xid, b, err := c.reply(nil)
		if err != nil || xid != first+i || !bytes.Equal(b, accepted(0)) {
			t.Fatalf("reply %d: xid %d, % x, %v", i, xid, b, err)
		}
	}
}
