package captures

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/captures/pcap"
	"github.com/pxeproof/pxeproof/captures/ring"
)

// A RecordConfig says what is recorded and where to.
type RecordConfig struct {
	// File is the pcapng file to be made, one interface a port. Empty: none.
	File string
	// Exclude names interfaces that are not recorded. A bridge belongs here: it
	// shows again what has entered at one of its ports. Loopback and what is
	// not Ethernet are never recorded.
	Exclude []string
	// Options are the decoder's.
	Options Options
	// Sink is called with the recorder and every event, in order, from one goroutine. It must
	// not block for long: the ring holds 64 MiB, or 4 s, of frames meanwhile. Nil: none.
	Sink func(*Recorder, Event)
	// Ring is the size of the ring; its zero value has good defaults.
	Ring ring.Config
}

// retire is how long a frame may wait in the ring before it is seen.
const retire = 8 * time.Millisecond

// patience is how long a mark may take through the ring before it is given up
// for lost, as it is when the ring was full.
const patience = time.Second

// A Recorder records the network of the namespace that it was made in.
type Recorder struct {
	config   RecordConfig
	ring     *ring.Ring
	file     *os.File // nil: none
	out      *pcap.Writer
	decoder  *Decoder
	group    errgroup.Group
	cancel   context.CancelFunc
	resting  chan struct{}
	rest     sync.Once
	finished sync.Once
	timeline Timeline
	err      error

	mu     sync.Mutex // over queue, closed and remarks
	queue  []Event    // injected, not yet taken by run
	closed bool       // nothing is taken any more
	queued chan struct{}
	// remarks are comments for frames to come; unsaid is how many there are.
	remarks []remark
	unsaid  atomic.Int32

	// What follows belongs to run.
	ports    map[int]*recordedPort // by interface index
	frames   int
	last     time.Time // of the last frame
	waiting  []waiting // injected, by time
	marked   uint64    // the last mark sent
	passed   uint64    // the last mark read, or given up
	omitted  int
	writeErr error // the first
	failed   chan struct{}
	cpu      time.Duration
}

// A waiting event was injected, and frames that are older may be in the ring
// still. They are all read once mark has been.
type waiting struct {
	Event
	mark uint64
}

// A recordedPort is an interface that frames came from.
type recordedPort struct {
	name     string
	excluded bool
	id       int // its number in the file
	frames   uint64
}

// Record begins to record. On return the ring is open: no frame that enters
// from then on is missed. When ctx ends the Recorder finishes, as by Close.
func Record(ctx context.Context, c RecordConfig) (*Recorder, error) {
	if c.Ring.Retire == 0 {
		c.Ring.Retire = retire
	}
	r := &Recorder{
		config:  c,
		decoder: NewDecoder(c.Options),
		ports:   make(map[int]*recordedPort),
		queued:  make(chan struct{}, 1),
		resting: make(chan struct{}),
		failed:  make(chan struct{}),
	}
	if c.File != "" {
		f, err := os.Create(c.File)
		if err != nil {
			return nil, fmt.Errorf("capture file: %w", err)
		}
		r.file, r.out = f, pcap.NewWriter(f, "pxeproof")
	}
	g, err := ring.Open(c.Ring)
	if err != nil {
		if r.file != nil {
			err = errors.Join(err, r.file.Close())
		}
		return nil, err
	}
	r.ring = g
	ctx, r.cancel = context.WithCancel(ctx)
	ready, resume, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	r.group.Go(func() error {
		for r.ring.Wait(0) == nil {
			select {
			case ready <- struct{}{}:
				<-resume
			case <-over:
				return nil
			}
		}
		return nil // the ring was closed
	})
	r.group.Go(func() error {
		defer close(over)
		return r.run(ctx, ready, resume)
	})
	return r, nil
}

// Inject puts an event that was not seen on the wire among those that were, in
// the order of their times. It does not block and may be called from any
// goroutine, the Sink's too. After Close it does nothing.
func (r *Recorder) Inject(e Event) {
	r.mu.Lock()
	if !r.closed {
		r.queue = append(r.queue, e)
	}
	r.mu.Unlock()
	select {
	case r.queued <- struct{}{}:
	default:
	}
}

// A remark is a comment for a frame that is to come.
type remark struct {
	port, text string
	frame      []byte
}

// Remark has the next frame that enters at a port, and is this one byte for
// byte, carry a comment in the file. It is for frames that the lab itself puts
// on the wire, so that nobody takes them for something else.
func (r *Recorder) Remark(port string, frame []byte, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remarks = append(r.remarks, remark{port, text, bytes.Clone(frame)})
	r.unsaid.Store(int32(len(r.remarks)))
}

// remarksOn are the comments on a frame, which have then been said.
func (r *Recorder) remarksOn(port string, frame []byte) (said []string) {
	if r.unsaid.Load() == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, m := range r.remarks {
		if m.port == port && bytes.Equal(m.frame, frame) {
			said = append(said, m.text)
			r.remarks = slices.Delete(r.remarks, i, i+1)
			break
		}
	}
	r.unsaid.Store(int32(len(r.remarks)))
	return said
}

// Rest says that no frame matters that enters from now on. Injected events do,
// until Close. It returns at once: a ring takes the kernel tens of milliseconds
// to take down, and the caller may have other things to end meanwhile.
func (r *Recorder) Rest() { r.rest.Do(func() { close(r.resting) }) }

// Close takes what is still in the ring, ends the recording and returns it.
// The error says that the recording is not whole: the file could not be
// written, or there were more events than Limits.Events. Lost frames are no
// error: see Timeline.Dropped.
func (r *Recorder) Close() (*Timeline, error) {
	r.finished.Do(func() {
		r.cancel()
		r.err = r.group.Wait()
	})
	return &r.timeline, r.err
}

// Failed is closed when a frame could not be written, such as to a full disk.
// The recording goes on, and Close says what it was.
func (r *Recorder) Failed() <-chan struct{} { return r.failed }

// CPU is the processor time that recording and decoding took, sink included. It
// is known after Close.
func (r *Recorder) CPU() time.Duration { return r.cpu }

// run is the one goroutine that touches ring, file and decoder.
func (r *Recorder) run(ctx context.Context, ready <-chan struct{}, resume chan<- struct{}) error {
	// A thread of its own, so that its processor time can be told.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadCPU()
	lost := time.NewTimer(time.Hour)
	lost.Stop()
	step := func(done <-chan struct{}) {
		select {
		case <-ready:
			r.readRing()
			resume <- struct{}{}
		case <-r.queued:
			r.takeQueue()
		case <-lost.C:
			r.readRing() // it may be there, and no one have had the time to say so
			r.pass(r.marked)
		case <-done:
		}
	}
	context.AfterFunc(ctx, r.Rest)
	for !r.isResting() {
		step(r.resting)
		if len(r.waiting) > 0 && r.marked == r.passed {
			r.mark()
			lost.Reset(patience)
		}
	}
	r.mark()
	lost.Reset(patience)
	for r.passed < r.marked {
		step(nil)
	}
	stats, serr := r.ring.Statistics()
	down := make(chan error, 1)
	go func() { down <- r.ring.Close() }()
	for closed := false; !closed; {
		select {
		case <-r.queued:
		case <-ctx.Done():
			r.mu.Lock()
			r.closed, closed = true, true
			r.mu.Unlock()
		}
		r.takeQueue()
		r.release(func(waiting) bool { return true })
	}
	r.decoder.Finish(r.event)
	err := errors.Join(serr, r.end(stats), <-down)
	r.cpu = threadCPU() - before
	return err
}

func (r *Recorder) isResting() bool {
	select {
	case <-r.resting:
		return true
	default:
		return false
	}
}

// readRing takes all blocks that are ready.
func (r *Recorder) readRing() {
	for r.takeQueue(); r.ring.Read(r.frame); r.takeQueue() {
	}
	if r.out != nil {
		// So that the file can be looked at while it grows, and is whole if
		// this process is killed.
		r.wrote(r.out.Flush())
	}
}

// mark sends the next mark. One that cannot be sent is as one that is lost.
func (r *Recorder) mark() {
	r.marked++
	_ = r.ring.Mark(r.marked)
}

// pass hands on the events that waited for marks up to n.
func (r *Recorder) pass(n uint64) {
	r.passed = max(r.passed, n)
	r.release(func(w waiting) bool { return w.mark <= r.passed })
}

// frame records one frame.
func (r *Recorder) frame(f *ring.Frame) {
	if f.Mark != 0 {
		r.pass(f.Mark)
		return
	}
	p := r.ports[f.Index]
	if p == nil {
		p = r.newPort(f)
	}
	if p.excluded {
		return
	}
	if len(r.waiting) > 0 {
		r.release(func(w waiting) bool { return !w.At.After(f.At) })
	}
	r.frames++
	p.frames++
	r.last = f.At
	if r.out != nil {
		r.wrote(r.out.Packet(p.id, f.At, f.Data, f.Length, r.remarksOn(p.name, f.Data)...))
	}
	r.decoder.Frame(FrameInfo{Number: r.frames, At: f.At, Port: p.name, Link: LinkEthernet, Length: f.Length}, f.Data, r.event)
}

func (r *Recorder) newPort(f *ring.Frame) *recordedPort {
	name, err := r.ring.InterfaceName(f.Index)
	if err != nil {
		name = fmt.Sprintf("gone%d", f.Index) // unplugged since
	}
	p := &recordedPort{name: name, excluded: !f.Ethernet || slices.Contains(r.config.Exclude, name)}
	if !p.excluded && r.out != nil {
		p.id, err = r.out.Interface(name, uint16(LinkEthernet))
		r.wrote(err)
	}
	r.ports[f.Index] = p
	return p
}

func (r *Recorder) wrote(err error) {
	if err != nil && r.writeErr == nil {
		r.writeErr = err
		close(r.failed)
	}
}

// event keeps an event and hands it on.
func (r *Recorder) event(e Event) {
	if len(r.timeline.Events) < r.decoder.limits.Events {
		r.timeline.Events = append(r.timeline.Events, e)
	} else {
		r.omitted++
	}
	if r.config.Sink != nil {
		r.config.Sink(r, e)
	}
}

// takeQueue sorts the injected events in.
func (r *Recorder) takeQueue() {
	r.mu.Lock()
	queue := r.queue
	r.queue = nil
	r.mu.Unlock()
	for _, e := range queue {
		i := len(r.waiting)
		for i > 0 && e.At.Before(r.waiting[i-1].At) {
			i--
		}
		r.waiting = slices.Insert(r.waiting, i, waiting{e, r.marked + 1})
	}
}

// release hands on the injected events up to the first that is not ripe.
func (r *Recorder) release(ripe func(waiting) bool) {
	n := 0
	for n < len(r.waiting) && ripe(r.waiting[n]) {
		r.event(r.waiting[n].Event)
		n++
	}
	r.waiting = slices.Delete(r.waiting, 0, n)
}

// end completes the file and the timeline.
func (r *Recorder) end(stats ring.Statistics) error {
	var errs []error
	if r.out != nil {
		r.statistics(stats)
		r.wrote(r.out.Flush())
		r.wrote(r.file.Close())
	}
	if r.writeErr != nil {
		errs = append(errs, fmt.Errorf("writing the capture: %w", r.writeErr))
	}
	if r.omitted > 0 {
		errs = append(errs, fmt.Errorf("the recording makes more than %d events; %d were left out", r.decoder.limits.Events, r.omitted))
	}
	r.timeline.Transfers = r.decoder.Transfers()
	r.timeline.Frames, r.timeline.Last = r.frames, r.last
	r.timeline.Dropped = int(stats.Dropped)
	return errors.Join(errs...)
}

// statistics writes how many frames were seen and lost. One ring serves all
// ports, so the loss is nobody's in particular: it is with the first port.
func (r *Recorder) statistics(s ring.Statistics) {
	at := r.last
	if at.IsZero() {
		at = time.Now()
	}
	lost := s.Dropped
	ports := make([]*recordedPort, 0, len(r.ports))
	for _, p := range r.ports {
		if !p.excluded {
			ports = append(ports, p)
		}
	}
	slices.SortFunc(ports, func(a, b *recordedPort) int { return a.id - b.id })
	for _, p := range ports {
		r.wrote(r.out.Statistics(p.id, at, p.frames+lost, lost))
		lost = 0
	}
}

// threadCPU is the processor time of this thread.
func threadCPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
