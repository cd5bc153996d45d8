// Package nfs serves folders by NFS version 3 (RFC 1813) and its MOUNT
// protocol, over TCP, as the exports file says that rpc.mountd and the kernel's
// nfsd would: who may mount what, read-only, whose rights a caller has.
//
// The procedures are willscott/go-nfs's. In front of it stands a guard that
// reads every call first ([session]): it answers what RPC itself, MOUNT and the
// rights of a caller already answer, answers what go-nfs does not know or gets
// wrong, and hands over only calls that are well-formed. Beneath it lies a file
// system that never leaves an export ([view]).
//
// As exports(5) has it, an export without the option insecure is for ports below
// 1024 alone: a client that is not the root user's is refused.
//
// NFS versions 2 and 4, UDP, locking (NLM), Kerberos and access control lists
// are not served; programs and versions that are not are answered as RFC 5531
// says.
package nfs

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"

	gonfs "github.com/willscott/go-nfs"

	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/rpc"
)

// Port is where NFS and MOUNT answer, TCP.
const Port = 2049

// maxConns is how many clients' connections are served at once.
const maxConns = 1024

// A Config says what is served. The zero Config exports nothing, truthfully.
type Config struct {
	// Exports is what is exported to whom.
	Exports *exports.File
	// Root is the folder that stands for / of the server: /root/inst is served
	// from Root + "/root/inst". Symbolic links in an export's path are followed
	// inside Root as after a chroot. Default "/".
	Root string
	// Faults are what is wrong on purpose.
	Faults Faults
	// Log, if not nil, is told of mounts granted and refused, in one line each.
	// It is called from several goroutines.
	Log func(string)
}

// Faults is what is wrong with the server on purpose. Its zero value is nothing.
type Faults struct {
	// OnlyVersion is the one version of NFS that is not answered with
	// PROG_MISMATCH; MOUNT version 3 goes with NFS version 3 alone. Zero is 3,
	// which is the one that there is.
	OnlyVersion uint32
}

// programs are those served, and their versions.
func (f Faults) programs() (nfs, mount rpc.Program) {
	nfs = rpc.Program{Number: programNFS, Low: 3, High: 3}
	mount = rpc.Program{Number: programMount, Low: 3, High: 3}
	if v := f.OnlyVersion; v != 0 && v != 3 {
		nfs.Low, nfs.High = v, v
		mount.Low, mount.High = 1, 2
	}
	return nfs, mount
}

// A Server serves NFS. It implements [servers.Server].
type Server struct {
	config  Config
	log     func(string)
	l       net.Listener
	root    *os.File
	exports *exports.File // paths resolved in root
	id      [8]byte       // the write verifier: another in each run

	handles  handles
	listings listings
	mounts   mountList

	mu    sync.Mutex
	roots map[string]*os.File // of exports that were mounted, by path
}

var _ servers.Server = (*Server)(nil)

// New makes a server.
func New(c Config) *Server {
	s := &Server{config: c, log: c.Log, roots: map[string]*os.File{}}
	if s.log == nil {
		s.log = func(string) {}
	}
	rand.Read(s.id[:])
	if s.config.Root == "" {
		s.config.Root = "/"
	}
	if s.config.Exports == nil {
		s.config.Exports = &exports.File{}
	}
	return s
}

// Name is "nfs".
func (s *Server) Name() string { return "nfs" }

// Mappings are what a portmapper should tell of a Server.
func Mappings() []rpc.Mapping {
	return []rpc.Mapping{
		{Program: programNFS, Version: 3, Protocol: rpc.TCP, Port: Port},
		{Program: programMount, Version: 3, Protocol: rpc.TCP, Port: Port},
	}
}

// Listen binds port 2049.
func (s *Server) Listen(ctx context.Context, on servers.Host) error {
	if err := s.open(); err != nil {
		return fmt.Errorf("nfs: %w", err)
	}
	at := net.JoinHostPort(on.Addr().Addr().String(), strconv.Itoa(Port))
	l, err := on.Listen(ctx, "tcp4", at)
	if err != nil {
		s.root.Close()
		return fmt.Errorf("nfs: %w", err)
	}
	s.l = l
	return nil
}

// open opens the server's root and finds what is exported in it.
func (s *Server) open() error {
	root, err := os.Open(s.config.Root)
	if err != nil {
		return fmt.Errorf("the server's root: %w", err)
	}
	s.root = root
	s.exports = s.config.Exports.Resolved(func(path string) (string, bool) {
		real, there := s.realpath(path)
		if !there {
			s.log(fmt.Sprintf("nfs: failed to stat %s: no such file or directory", path))
		}
		return real, there
	})
	return nil
}

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	quietGoNFS()
	defer s.close()
	err := rpc.ServeConns(ctx, s.l, maxConns, func(c net.Conn) { newSession(s, c).serve(ctx) })
	if err != nil {
		return fmt.Errorf("nfs: %w", err)
	}
	return nil
}

func (s *Server) close() {
	s.root.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.roots {
		f.Close()
	}
	clear(s.roots)
}

// quietGoNFS keeps go-nfs's own log, which is one for the whole process, from
// standard error: it calls every look-up of a missing file an error.
var quietGoNFS = sync.OnceFunc(func() { gonfs.Log.SetLevel(gonfs.PanicLevel) })
