// Package http is a read-only HTTP/1.1 server of the files below a directory,
// for UEFI HTTP boot and for iPXE's http:. It follows symbolic links as a
// server does whose document root is that directory, and never out of it. A
// folder has no listing and no index.
//
// Start with [Config] and [New].
package http

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/rootfs"
)

// Port is where the server listens.
const Port = 80

// DefaultRoot is the document root of Apache on Debian and Red Hat.
const DefaultRoot = "/var/www/html"

// A Config says what is served. The zero value of every field but Dir is a
// healthy server.
type Config struct {
	// Dir is the directory that stands for the host's "/".
	Dir string
	// Root is the document root, below Dir. Default: DefaultRoot.
	Root string
	// Faults are what is wrong on purpose. The first that fits a file counts.
	Faults []Fault
	// Log is told of every request and how it was answered, one line at a time,
	// from several goroutines at once. Nil is quiet.
	Log func(line string)
}

// A Fault is a file that is not given out though it is there.
type Fault struct {
	// Files is a pattern, as of [path.Match], that a file's name must match,
	// without a leading slash. Empty is every file.
	Files string
	// Status is the answer, of 400 to 599 (RFC 9110, section 15).
	Status int
}

// A Server is a [servers.Server].
type Server struct {
	config   Config
	name     string // of the host
	root     *rootfs.Root
	listener net.Listener
}

var _ servers.Server = (*Server)(nil)

// New makes a server. What is wrong with c shows in Listen.
func New(c Config) *Server {
	if c.Root == "" {
		c.Root = DefaultRoot
	}
	return &Server{config: c}
}

// Name is "http".
func (s *Server) Name() string { return "http" }

// Listen opens the document root and binds port 80 of the host.
func (s *Server) Listen(ctx context.Context, on servers.Host) (err error) {
	s.name = on.Name()
	dir, err := rootfs.Open(s.config.Dir)
	if err != nil {
		return fmt.Errorf("http on %s: %w", s.name, err)
	}
	defer dir.Close()
	if s.root, err = dir.Sub(s.config.Root); err != nil {
		return fmt.Errorf("http on %s: its document root: %w", s.name, err)
	}
	if s.listener, err = on.Listen(ctx, "tcp4", fmt.Sprintf(":%d", Port)); err != nil {
		s.root.Close()
		return fmt.Errorf("http on %s: %w", s.name, err)
	}
	return nil
}

// slow bounds how long a client may take to say what it wants.
const slow = 30 * time.Second

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	if s.listener == nil {
		return errors.New("http: Serve before Listen")
	}
	defer s.root.Close()
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: slow,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(logWriter(s.config.Log), "", 0),
	}
	defer context.AfterFunc(ctx, func() { h.Close() })()
	if err := h.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http on %s: %w", s.name, err)
	}
	return nil
}

// ServeHTTP answers GET and HEAD, with ranges.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := s.answer(w, r)
	if status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
	}
	s.logf("%s %q from %s: %d", r.Method, r.URL.Path, r.RemoteAddr, status)
}

// answer serves the file, or says with which status it is refused.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) int {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return http.StatusMethodNotAllowed
	}
	name := path.Clean("/" + r.URL.Path)
	for _, f := range s.config.Faults {
		if ok, _ := path.Match(f.Files, name[1:]); ok || f.Files == "" {
			return f.Status
		}
	}
	f, info, err := s.root.Open(name)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, rootfs.ErrNotRegular):
		return http.StatusForbidden
	case err != nil:
		return http.StatusNotFound
	}
	defer f.Close()
	// As a server that is not root would find it.
	if info.Mode().Perm()&0o004 == 0 {
		return http.StatusForbidden
	}
	// UEFI wants to be told that it is a program, and guesses from the name if not.
	if strings.HasSuffix(strings.ToLower(name), ".efi") {
		w.Header().Set("Content-Type", "application/efi")
	} else {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	http.ServeContent(w, r, name, info.ModTime(), f)
	return http.StatusOK
}

func (s *Server) logf(format string, a ...any) {
	if s.config.Log != nil {
		s.config.Log(fmt.Sprintf(format, a...))
	}
}

// logWriter passes on what net/http has to say.
type logWriter func(line string)

func (l logWriter) Write(b []byte) (int, error) {
	if l != nil {
		l(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}
