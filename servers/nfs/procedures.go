package nfs

import (
	"github.com/pxeproof/pxeproof/servers/rpc"
)

// The procedures of NFS version 3 (RFC 1813, section 3).
const (
	procNull = iota
	procGetattr
	procSetattr
	procLookup
	procAccess
	procReadlink
	procRead
	procWrite
	procCreate
	procMkdir
	procSymlink
	procMknod
	procRemove
	procRmdir
	procRename
	procLink
	procReaddir
	procReaddirplus
	procFsstat
	procFsinfo
	procPathconf
	procCommit
)

const (
	maxHandle  = 64   // NFS3_FHSIZE, in bytes
	maxName    = 255  // in bytes, as Linux's file systems have it
	maxSymlink = 4095 // in bytes, likewise
)

// A procedure is what the guard knows of one.
type procedure struct {
	// args reads the arguments behind the first handle.
	args func(*rpc.Decoder, *arguments)
	// modifies: it is refused on a read-only export.
	modifies bool
	// absent counts the words in a failure's reply that say "no attributes
	// follow": one of a post_op_attr, two of a wcc_data.
	absent int
}

// arguments are those of all procedures together.
type arguments struct {
	handle  []byte
	name    string
	handle2 []byte // RENAME's target folder, LINK's folder
	name2   string
	offset  uint64
	count   uint32
	mask    uint32 // ACCESS
	attrs   sattr
	guard   *nfstime  // SETATTR: do it only if this is the ctime
	kind    uint32    // CREATE's how, MKNOD's type
	device  [2]uint32 // MKNOD: major and minor
}

// An nfstime is an nfstime3: seconds and nanoseconds.
type nfstime struct{ sec, nsec uint32 }

// sattr says which attributes a client wants to set.
type sattr struct {
	mode, uid, gid *uint32
	size           *uint64
	atime, mtime   setTime
}

// setTime says to what a time is to be set.
type setTime struct {
	how uint32 // as in RFC 1813, section 2.6
	to  nfstime
}

const (
	dontChange      = 0
	setToServerTime = 1
	setToClientTime = 2
)

var procedures = [...]procedure{
	procNull:    {},
	procGetattr: {args: none},
	procSetattr: {args: func(d *rpc.Decoder, a *arguments) {
		a.attrs.read(d)
		if d.Bool() {
			a.guard = &nfstime{d.Uint32(), d.Uint32()}
		}
	}, modifies: true, absent: 2},
	procLookup:   {args: dirName, absent: 1},
	procAccess:   {args: func(d *rpc.Decoder, a *arguments) { a.mask = d.Uint32() }, absent: 1},
	procReadlink: {args: none, absent: 1},
	procRead:     {args: offsetCount, absent: 1},
	procWrite: {args: func(d *rpc.Decoder, a *arguments) {
		offsetCount(d, a)
		d.Uint32() // how stable
		d.Opaque(maxData)
	}, modifies: true, absent: 2},
	procCreate: {args: func(d *rpc.Decoder, a *arguments) {
		dirName(d, a)
		if a.kind = d.Uint32(); a.kind == createExclusive {
			d.Uint64() // verifier
		} else {
			a.attrs.read(d)
		}
	}, modifies: true, absent: 2},
	procMkdir: {args: dirNameAttrs, modifies: true, absent: 2},
	procSymlink: {args: func(d *rpc.Decoder, a *arguments) {
		dirNameAttrs(d, a)
		d.Opaque(maxSymlink)
	}, modifies: true, absent: 2},
	procMknod: {args: func(d *rpc.Decoder, a *arguments) {
		dirName(d, a)
		a.kind = d.Uint32()
		if a.kind == typeBlock || a.kind == typeCharacter {
			a.attrs.read(d)
			a.device = [2]uint32{d.Uint32(), d.Uint32()}
		} else if a.kind == typeSocket || a.kind == typeFIFO {
			a.attrs.read(d)
		}
	}, modifies: true, absent: 2},
	procRemove: {args: dirName, modifies: true, absent: 2},
	procRmdir:  {args: dirName, modifies: true, absent: 2},
	procRename: {args: func(d *rpc.Decoder, a *arguments) {
		dirName(d, a)
		a.handle2, a.name2 = d.Opaque(maxHandle), string(d.Opaque(maxString))
	}, modifies: true, absent: 4},
	procLink: {args: func(d *rpc.Decoder, a *arguments) {
		a.handle2, a.name2 = d.Opaque(maxHandle), string(d.Opaque(maxString))
	}, modifies: true, absent: 3},
	procReaddir: {args: func(d *rpc.Decoder, a *arguments) {
		d.Uint64() // cookie
		d.Uint64() // verifier
		a.count = d.Uint32()
	}, absent: 1},
	procReaddirplus: {args: func(d *rpc.Decoder, a *arguments) {
		d.Uint64()
		d.Uint64()
		d.Uint32() // of names alone
		a.count = d.Uint32()
	}, absent: 1},
	procFsstat:   {args: none, absent: 1},
	procFsinfo:   {args: none, absent: 1},
	procPathconf: {args: none, absent: 1},
	procCommit:   {args: offsetCount, modifies: true, absent: 2},
}

const (
	createExclusive = 2
	typeBlock       = 3
	typeCharacter   = 4
	typeSocket      = 6
	typeFIFO        = 7
)

// maxString bounds a name before it is judged, in bytes: one that is too long
// for a file is answered NFS3ERR_NAMETOOLONG, one beyond this is garbage.
const maxString = 4 << 10

func none(*rpc.Decoder, *arguments) {}

func dirName(d *rpc.Decoder, a *arguments) { a.name = string(d.Opaque(maxString)) }

func dirNameAttrs(d *rpc.Decoder, a *arguments) {
	dirName(d, a)
	a.attrs.read(d)
}

func offsetCount(d *rpc.Decoder, a *arguments) {
	a.offset = d.Uint64()
	a.count = d.Uint32()
}

// read reads a sattr3 (RFC 1813, section 2.6).
func (s *sattr) read(d *rpc.Decoder) {
	for _, p := range []**uint32{&s.mode, &s.uid, &s.gid} {
		if d.Bool() {
			v := d.Uint32()
			*p = &v
		}
	}
	if d.Bool() {
		v := d.Uint64()
		s.size = &v
	}
	for _, t := range []*setTime{&s.atime, &s.mtime} {
		if t.how = d.Uint32(); t.how == setToClientTime {
			t.to = nfstime{d.Uint32(), d.Uint32()}
		}
	}
}

// parse reads the arguments of a procedure. It reports false for garbage.
func (p *procedure) parse(args []byte) (arguments, bool) {
	var a arguments
	d := rpc.NewDecoder(args)
	if p.args != nil {
		a.handle = d.Opaque(maxHandle)
		p.args(d, &a)
	}
	return a, d.Err() == nil
}
