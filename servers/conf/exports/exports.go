// Package exports reads /etc/exports as exportfs of nfs-utils 2.6 does, and
// decides as rpc.mountd would what a client may mount and how.
//
// It reads the whole language of exports(5): client specifications by address,
// network, host name, wildcard and netgroup, options for each client, default
// options (-ro,sync), continuation lines, quoted and octal-escaped paths and
// comments. Names are known only from [Hosts], as a lab has no name server;
// what cannot be decided without one is a Doubt. Netgroups are refused.
//
// [Parse] is where to start; [File.Access] has the decision.
package exports

import (
	"net/netip"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A File is what a server exports. The zero File exports nothing.
type File struct {
	Name    string // as in the positions of what is in it
	Exports []Export
}

// An Export is one path and the clients it is exported to, in the order of the
// file. The same path on several lines is several Exports.
type Export struct {
	Pos conf.Pos
	// Path is absolute and clean: no trailing slash, no double ones.
	Path string
	// Written is the path as the file has it, quotes and escapes resolved.
	Written string
	Clients []Client
}

// A Client is one client specification with its options.
type Client struct {
	Pos conf.Pos
	// Spec is the client as written, "192.168.1.0/24"; "*" for everybody, also
	// where the file has no client at all.
	Spec    string
	Options Options

	match matcher
}

// Matches says whether the specification covers an address.
func (c *Client) Matches(addr netip.Addr) bool { return c.match.matches(addr.Unmap()) }

// Options are the options of an export to one client. [Defaults] has the values
// of what is not written.
type Options struct {
	ReadOnly   bool // ro (default), rw
	Async      bool // async, sync (default)
	Insecure   bool // insecure: ports from 1024 on are welcome; secure (default)
	RootSquash bool // root_squash (default), no_root_squash
	AllSquash  bool // all_squash, no_all_squash (default)
	// CrossMount is crossmnt, NoHide is nohide. Neither has an effect: what is
	// mounted below an export is served here in any case.
	CrossMount, NoHide bool
	// SubtreeCheck has no effect: a handle never leads out of the export here.
	SubtreeCheck bool
	// NoReadDirPlus is nordirplus: READDIRPLUS is answered NFS3ERR_NOTSUPP.
	NoReadDirPlus bool
	// AnonUID and AnonGID are who squashed users become (default 65534).
	AnonUID, AnonGID uint32
	// FSID is the value of fsid=, as written.
	FSID string
	// Security lists the flavors of sec=, "sys" alone by default.
	Security []string
}

// Defaults are the options of a client for which none are written.
func Defaults() Options {
	return Options{ReadOnly: true, RootSquash: true, AnonUID: nobody, AnonGID: nobody, Security: []string{"sys"}}
}

// nobody is the user and the group that exportfs squashes to unless told.
const nobody = 65534

// A Reason says why a mount is refused.
type Reason int

const (
	// Granted: it is not refused.
	Granted Reason = iota
	// NotExported: neither the path nor a folder above it is exported to anybody.
	NotExported
	// ClientNotListed: it is exported, but not to this client.
	ClientNotListed
)

func (r Reason) String() string {
	return [...]string{"granted", "not exported", "exported, but not to this client"}[r]
}

// A Decision is the answer to a mount request.
type Decision struct {
	Reason Reason
	// Pos is where the file says so: the client's specification if granted, the
	// export if the client is not listed, and nowhere if nothing is exported.
	Pos conf.Pos
	// Export and Client are what granted it; Export is also set if the client
	// is not listed.
	Export *Export
	Client *Client
	// Sub is the path below the export, "" for the export itself.
	Sub string
}

// Allowed says whether the mount is granted.
func (d Decision) Allowed() bool { return d.Reason == Granted }

// Access decides whether a client may mount a path, which must be absolute.
// Like mountd it takes the longest exported path at or above it that lists the
// client. If several clients of a path do, a host goes before a network, a
// network before a wildcard, and all before "*"; then the order of the file
// counts.
//
// Whether the request comes from a port below 1024 is the caller's to check,
// against Options.Insecure; symbolic links are, too.
func (f *File) Access(path string, client netip.Addr) Decision {
	path = Clean(path)
	client = client.Unmap()
	var refused Decision
	refused.Reason = NotExported
	for at := path; ; at = parent(at) {
		sub := strings.TrimPrefix(strings.TrimPrefix(path, at), "/")
		var best Decision
		for i := range f.Exports {
			e := &f.Exports[i]
			if e.Path != at {
				continue
			}
			if refused.Export == nil {
				refused = Decision{Reason: ClientNotListed, Pos: e.Pos, Export: e, Sub: sub}
			}
			for j := range e.Clients {
				c := &e.Clients[j]
				if c.match.matches(client) && (best.Client == nil || c.match.kind < best.Client.match.kind) {
					best = Decision{Pos: c.Pos, Export: e, Client: c, Sub: sub}
				}
			}
		}
		if best.Client != nil {
			return best
		}
		if at == "/" || at == "" {
			return refused
		}
	}
}

// Clean removes double and trailing slashes, as mountd does with what it is
// asked for. It leaves "." and ".." alone.
func Clean(path string) string {
	var b strings.Builder
	for i := range len(path) {
		if path[i] != '/' || i+1 < len(path) && path[i+1] != '/' || i+1 == len(path) && b.Len() == 0 {
			b.WriteByte(path[i])
		}
	}
	return b.String()
}

// parent is the folder above a clean path.
func parent(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return path[:i+1]
	}
	return path[:i]
}

// Join makes one File of several, as exportfs reads /etc/exports and then
// /etc/exports.d/*.exports in the order of their names.
func Join(files ...*File) *File {
	all := new(File)
	for _, f := range files {
		if all.Name == "" {
			all.Name = f.Name
		}
		all.Exports = append(all.Exports, f.Exports...)
	}
	return all
}

// Resolved returns a copy of f in which each path is what realpath gives for
// it, as exportfs records it. A path that realpath does not know (it reports
// false) stays.
func (f *File) Resolved(realpath func(string) (string, bool)) *File {
	r := &File{Name: f.Name, Exports: append([]Export(nil), f.Exports...)}
	for i := range r.Exports {
		if p, ok := realpath(r.Exports[i].Path); ok {
			r.Exports[i].Path = p
		}
	}
	return r
}
