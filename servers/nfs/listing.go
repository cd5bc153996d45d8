package nfs

import (
	"hash/fnv"
	"io"
	"io/fs"
	"sync"
)

// maxListed is how many files are remembered, in all the folders that somebody
// reads, beyond those of the folder read last. A client that comes back to a
// folder that is forgotten goes on where it was if nothing has changed there,
// and else starts anew.
const maxListed = 1 << 18

// listings keeps folders as they were when READDIR began. A cookie is a place
// in that list, so that files which come and go meanwhile move nothing.
type listings struct {
	mu     sync.Mutex
	kept   []listing // the oldest first
	listed int       // files in kept
}

type listing struct {
	verifier uint64
	contents []fs.FileInfo
}

// add remembers a folder and gives its cookie verifier: a hash of its names, so
// that a folder which has not changed has the same again.
func (l *listings) add(export, path string, contents []fs.FileInfo) uint64 {
	h := fnv.New64a()
	for _, s := range []string{export, path} {
		io.WriteString(h, s)
		h.Write([]byte{0})
	}
	for _, c := range contents {
		io.WriteString(h, c.Name())
		h.Write([]byte{0})
	}
	verifier := h.Sum64()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, k := range l.kept {
		if k.verifier == verifier {
			l.listed -= len(k.contents)
			l.kept = append(l.kept[:i], l.kept[i+1:]...)
			break
		}
	}
	l.kept = append(l.kept, listing{verifier, contents})
	l.listed += len(contents)
	for l.listed > maxListed && len(l.kept) > 1 {
		l.listed -= len(l.kept[0].contents)
		l.kept = append(l.kept[:0], l.kept[1:]...)
	}
	return verifier
}

func (l *listings) get(verifier uint64) []fs.FileInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.kept {
		if k.verifier == verifier {
			return k.contents
		}
	}
	return nil
}
