package nfs

import (
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/rpc"
)

// A credential is who a caller is taken for.
type credential struct {
	uid, gid uint32
	gids     []uint32
}

// squash makes an RPC credential one of an export, as nfsd_setuser does.
func squash(s rpc.Sys, o *exports.Options) credential {
	c := credential{uid: s.UID, gid: s.GID, gids: s.GIDs}
	if o.AllSquash {
		return credential{uid: o.AnonUID, gid: o.AnonGID}
	}
	if o.RootSquash {
		if c.uid == 0 {
			c.uid = o.AnonUID
		}
		if c.gid == 0 {
			c.gid = o.AnonGID
		}
		c.gids = append([]uint32(nil), c.gids...)
		for i, g := range c.gids {
			if g == 0 {
				c.gids[i] = o.AnonGID
			}
		}
	}
	return c
}

// What a permission bit of a mode allows.
const (
	mayRead  = 4
	mayWrite = 2
	mayExec  = 1 // search, for a folder
)

// may says whether the modes allow c all of want. Root may everything but
// execute a file that nobody may.
func (c *credential) may(i *info, want uint32) bool {
	if c.uid == 0 {
		return want&mayExec == 0 || i.IsDir() || i.st.Mode&0o111 != 0
	}
	bits := i.st.Mode
	switch {
	case c.uid == i.st.Uid:
		bits >>= 6
	case c.inGroup(i.st.Gid):
		bits >>= 3
	}
	return bits&want == want
}

// mayIO is for READ and WRITE, which come long after the client's open: the
// owner may always (it may have opened the file before it changed its mode),
// and what can be executed can be read.
func (c *credential) mayIO(i *info, want uint32) bool {
	return c.may(i, want) || c.uid == i.st.Uid ||
		want == mayRead && i.kind() == unix.S_IFREG && c.may(i, mayExec)
}

func (c *credential) inGroup(gid uint32) bool {
	if c.gid == gid {
		return true
	}
	for _, g := range c.gids {
		if g == gid {
			return true
		}
	}
	return false
}
