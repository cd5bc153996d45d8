package nfs

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// A handle is what a client holds instead of a path. It is a hash, so that a
// run gives the same handles as the run before it.
type handle [24]byte

// A node is what a handle stands for: a file that was at this path of an export
// when the handle was given out.
type node struct {
	export string // the export's path
	path   string // below the export, slashes between names; "" for its root
	dev    uint64
	ino    uint64
}

// handles remembers what was given out. It forgets nothing: a client may keep a
// handle for as long as it likes (RFC 1813, section 2.3.3), and there cannot be
// more than there are files.
type handles struct {
	mu    sync.RWMutex
	nodes map[handle]*node
}

// of gives the handle of a node.
func (t *handles) of(n node) handle {
	h := sha256.New()
	h.Write([]byte(n.export))
	h.Write([]byte{0})
	h.Write([]byte(n.path))
	h.Write([]byte{0})
	h.Write(binary.BigEndian.AppendUint64(nil, n.dev))
	h.Write(binary.BigEndian.AppendUint64(nil, n.ino))
	var key handle
	copy(key[:], h.Sum(nil))
	t.mu.RLock()
	_, ok := t.nodes[key]
	t.mu.RUnlock()
	if !ok {
		t.mu.Lock()
		if t.nodes == nil {
			t.nodes = map[handle]*node{}
		}
		t.nodes[key] = &n
		t.mu.Unlock()
	}
	return key
}

// find gives the node of a handle that was given out, else nil.
func (t *handles) find(b []byte) *node {
	if len(b) != len(handle{}) {
		return nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.nodes[handle(b)]
}
