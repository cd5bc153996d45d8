package nfs

import (
	"math"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

// guard judges one call. It returns the reply, with room for its record mark,
// or nil if go-nfs is to make it. An error says that the stream is not to be
// trusted any further.
func (s *session) guard(msg []byte) ([]byte, error) {
	c, err := rpc.ParseCall(msg)
	if err != nil {
		return nil, err
	}
	nfs, mount := s.server.config.Faults.programs()
	refusal := rpc.Refuse(c, nfs, mount)
	if refusal != nil {
		return append(make([]byte, rpc.MarkSize), refusal...), nil
	}
	who := caller{flavor: "none", Sys: rpc.Sys{UID: nobody, GID: nobody}}
	if c.Cred.Flavor != rpc.AuthNone {
		sys, ok := c.Cred.Sys()
		if !ok {
			return rpc.AppendDenied(make([]byte, rpc.MarkSize), c.XID, rpc.BadCredential), nil
		}
		who = caller{"sys", sys}
	}
	if c.Program == programMount {
		return s.mount(c), nil
	}
	if c.Proc >= uint32(len(procedures)) {
		return accepted(c.XID, rpc.ProcUnavailable), nil
	}
	return s.nfs(c, who), nil
}

// nobody is who a caller without a credential is.
const nobody = math.MaxUint32 - 1

// A caller is who a call says that it is from.
type caller struct {
	flavor string // of authentication, by its name in sec=
	rpc.Sys
}

// nfs judges a call of the NFS program: it checks what holds for every
// procedure, and then what holds for this one.
func (s *session) nfs(c rpc.Call, who caller) []byte {
	p := &procedures[c.Proc]
	a, wellFormed := p.parse(c.Args)
	if !wellFormed {
		return accepted(c.XID, rpc.GarbageArguments)
	}
	if c.Proc == procNull {
		return accepted(c.XID, rpc.Success)
	}
	t, st := s.target(a.handle)
	if st != ok {
		return failed(c.XID, c.Proc, st)
	}
	if !slices.Contains(t.view.options.Security, who.flavor) {
		return failed(c.XID, c.Proc, errAcces)
	}
	if p.modifies && t.view.readOnly {
		return failed(c.XID, c.Proc, errROFS)
	}
	cred := squash(who.Sys, t.view.options)
	if st := s.allowed(c.Proc, &a, t, &cred); st != ok {
		return failed(c.XID, c.Proc, st)
	}
	if answer := answers[c.Proc]; answer != nil {
		return answer(s, c.XID, &a, t, &cred)
	}
	s.cred, s.current = cred, t.view
	return nil
}

// A target is what a handle stands for, seen now.
type target struct {
	*node
	view *view
	info *info
}

// target finds what a handle stands for. It is stale if the file is gone from
// its path, or if its export is not this client's.
func (s *session) target(handle []byte) (target, status) {
	if t, ok := s.lastRead(handle); ok {
		return t, 0
	}
	n := s.server.handles.find(handle)
	if n == nil {
		return target{}, errStale
	}
	v := s.view(n.export)
	if v == nil {
		return target{}, errStale
	}
	if !v.options.Insecure && !privileged(s.peer) {
		return target{}, errPerm
	}
	i, err := lstat(v.root, n.path)
	if err != nil || i.st.Ino != n.ino || i.st.Dev != n.dev {
		return target{}, errStale
	}
	return target{n, v, i}, ok
}

// view is an export as this client sees it, nil if it may not.
func (s *session) view(export string) *view {
	if v, known := s.views[export]; known {
		return v
	}
	s.views[export] = nil
	d := s.server.exports.Access(export, s.peer.Addr())
	if !d.Allowed() || d.Export.Path != export {
		return nil
	}
	root, err := s.server.exportRoot(export)
	if err != nil {
		delete(s.views, export) // it may come back
		return nil
	}
	v := &view{session: s, export: export, root: root, options: &d.Client.Options, readOnly: d.Client.Options.ReadOnly}
	s.views[export] = v
	return v
}

// allowed checks what the kernel's nfsd checks before it begins: the kind of
// the file, the caller's rights, the names.
func (s *session) allowed(proc uint32, a *arguments, t target, c *credential) status {
	switch proc {
	case procLookup:
		return entry(t.info, a.name, c, mayExec, true)
	case procReadlink:
		if t.info.kind() != unix.S_IFLNK {
			return errInval
		}
	case procRead:
		if a.offset > math.MaxInt64 {
			return errInval
		}
		return regular(t.info, c, mayRead)
	case procWrite, procCommit:
		if a.offset > math.MaxInt64 {
			return errInval
		}
		return regular(t.info, c, mayWrite)
	case procReaddir, procReaddirplus:
		if !t.info.IsDir() {
			return errNotDir
		}
		if proc == procReaddirplus && t.view.options.NoReadDirPlus {
			return errNotSupp
		}
		if !c.may(t.info, mayRead) {
			return errAcces
		}
	case procSetattr:
		return settable(t.info, &a.attrs, c)
	case procCreate, procMkdir, procSymlink, procMknod:
		return entry(t.info, a.name, c, mayExec|mayWrite, false)
	case procRemove, procRmdir:
		return removable(t, a.name, c, proc == procRemove, proc == procRmdir)
	case procRename, procLink:
		dir, st := s.target(a.handle2)
		switch {
		case st != ok:
			return st
		case dir.view != t.view:
			return errXDev
		}
		if st := entry(dir.info, a.name2, c, mayExec|mayWrite, false); st != ok || proc == procLink {
			return st
		}
		if st := removable(dir, a.name2, c, true, true); st != ok && st != errNoEnt {
			return st
		}
		return removable(t, a.name, c, true, true)
	}
	return ok
}

// removable checks a name that is to go from a folder, and whether it is of the
// kind that may.
func removable(dir target, name string, c *credential, file, folder bool) status {
	if st := entry(dir.info, name, c, mayExec|mayWrite, false); st != ok {
		return st
	}
	i, err := lstat(dir.view.root, child(dir.path, name))
	switch {
	case err != nil:
		return statusOf(err)
	case i.IsDir() && !folder:
		return errIsDir
	case !i.IsDir() && !file:
		return errNotDir
	case dir.info.st.Mode&unix.S_ISVTX != 0 && c.uid != 0 && c.uid != dir.info.st.Uid && c.uid != i.st.Uid:
		return errPerm
	}
	return ok
}

// entry checks a name in a folder.
func entry(dir *info, name string, c *credential, want uint32, dots bool) status {
	switch {
	case !dir.IsDir():
		return errNotDir
	case !c.may(dir, want):
		return errAcces
	case len(name) > maxName:
		return errNameTooLong
	case name == "":
		return errAcces
	case name == "." || name == "..":
		if dots {
			return ok
		}
		return errExist
	}
	for i := range len(name) {
		if name[i] == '/' || name[i] == 0 {
			return errAcces
		}
	}
	return ok
}

// regular checks a READ or a WRITE.
func regular(i *info, c *credential, want uint32) status {
	switch {
	case i.IsDir():
		return errIsDir
	case i.kind() != unix.S_IFREG:
		return errInval
	case !c.mayIO(i, want):
		return errAcces
	}
	return ok
}

// settable checks a SETATTR.
func settable(i *info, a *sattr, c *credential) status {
	owner := c.uid == 0 || c.uid == i.st.Uid
	switch {
	case a.size != nil && i.IsDir():
		return errIsDir
	case a.size != nil && (i.kind() != unix.S_IFREG || *a.size > math.MaxInt64):
		return errInval
	case a.mode != nil && i.kind() == unix.S_IFLNK:
		return errNotSupp
	case a.mode != nil && !owner,
		a.uid != nil && *a.uid != i.st.Uid && c.uid != 0,
		a.gid != nil && *a.gid != i.st.Gid && !(c.uid == 0 || owner && c.inGroup(*a.gid)),
		(a.atime.how == setToClientTime || a.mtime.how == setToClientTime) && !owner:
		return errPerm
	case a.size != nil && !c.mayIO(i, mayWrite),
		(a.atime.how == setToServerTime || a.mtime.how == setToServerTime) && !owner && !c.may(i, mayWrite):
		return errAcces
	}
	return ok
}
