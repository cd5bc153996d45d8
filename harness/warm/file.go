package warm

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// A snapshot's file begins with the machine's state, as QEMU wrote it, so that
// QEMU can be given the file as it is. What it is a state of comes behind:
//
//	state | About, in JSON | length of the JSON, 4 bytes | CRC-32C of all before, 4 bytes | magic
//
// Numbers are little-endian. A file that was cut off has no magic at its end.
const (
	magic       = "pxewarm1"
	trailerSize = 4 + 4 + len(magic)
	maxAbout    = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// About says what a snapshot is of.
type About struct {
	Key     string    `json:"key"`
	Machine string    `json:"machine"` // for people: "bios, virtio-net-pci 52:54:00:12:34:56, 512 MiB"
	QEMU    string    `json:"qemu"`    // its version
	Made    time.Time `json:"made"`
	// Frames are what the machine had sent, the DISCOVER among them.
	Frames [][]byte `json:"frames"`
}

// A CorruptError says that a snapshot's file cannot be used.
type CorruptError struct {
	Path string
	Err  error
}

func (e *CorruptError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }
func (e *CorruptError) Unwrap() error { return e.Err }

// A Snapshot is a machine's state that can be resumed, once Check has found it
// whole.
type Snapshot struct {
	About
	state *os.File
	path  string
	size  int64
	sum   uint32
}

// Check reads all of the file. The error is a [*CorruptError] if it is damaged.
// That takes longer than all that Open does, and can be done while the QEMU is
// started that is to be given the State.
func (s *Snapshot) Check() error {
	sum, err := checksum(io.NewSectionReader(s.state, 0, s.size-int64(trailerSize)+4))
	if err == nil && sum != s.sum {
		err = errors.New("the checksum is wrong")
	}
	if err != nil {
		return &CorruptError{s.path, err}
	}
	return nil
}

// State is the file with the state at its beginning, where it stands.
func (s *Snapshot) State() *os.File { return s.state }

// Close lets the file go.
func (s *Snapshot) Close() error { return s.state.Close() }

// finish completes a file whose state has been written.
func finish(f *os.File, a About) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if len(text) > maxAbout {
		return fmt.Errorf("the machine has sent too much before its DISCOVER: %d bytes", len(text))
	}
	// Where QEMU has left off does not show in this descriptor's position if it
	// wrote by offsets.
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	text = binary.LittleEndian.AppendUint32(text, uint32(len(text)))
	if _, err := f.Write(text); err != nil {
		return err
	}
	sum, err := checksum(io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return err
	}
	_, err = f.Write(append(binary.LittleEndian.AppendUint32(nil, sum), magic...))
	return err
}

func checksum(r io.Reader) (uint32, error) {
	h := crc32.New(castagnoli)
	_, err := io.CopyBuffer(struct{ io.Writer }{h}, r, make([]byte, 1<<18))
	return h.Sum32(), err
}

// open opens a file and reads its end.
func open(path string) (*Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	a, size, sum, err := about(f)
	if err != nil {
		f.Close()
		return nil, &CorruptError{path, err}
	}
	return &Snapshot{a, f, path, size, sum}, nil
}

// readAbout reads the end of a file alone.
func readAbout(path string) (About, error) {
	s, err := open(path)
	if err != nil {
		return About{}, err
	}
	return s.About, s.Close()
}

// about reads what comes behind the state, and the file's size and checksum.
func about(f interface {
	io.ReaderAt
	io.Seeker
}) (a About, size int64, sum uint32, err error) {
	if size, err = f.Seek(0, io.SeekEnd); err != nil {
		return a, 0, 0, err
	}
	if _, err = f.Seek(0, io.SeekStart); err != nil {
		return a, 0, 0, err
	}
	var end [trailerSize]byte
	if size < int64(len(end)) {
		return a, size, 0, errors.New("it is cut off")
	}
	if _, err = f.ReadAt(end[:], size-int64(len(end))); err != nil {
		return a, size, 0, err
	}
	if string(end[8:]) != magic {
		return a, size, 0, errors.New("it is cut off, or no snapshot")
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	if n > maxAbout || n > size-int64(len(end)) {
		return a, size, 0, errors.New("its description is longer than the file")
	}
	text := make([]byte, n)
	if _, err = f.ReadAt(text, size-int64(len(end))-n); err != nil {
		return a, size, 0, err
	}
	if err = json.Unmarshal(text, &a); err != nil {
		return About{}, size, 0, fmt.Errorf("its description: %w", err)
	}
	return a, size, binary.LittleEndian.Uint32(end[4:]), nil
}
