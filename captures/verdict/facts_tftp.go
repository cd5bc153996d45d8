package verdict

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// tftpFacts are the files that a machine asked for over TFTP.
type tftpFacts struct {
	byIndex map[int64]*fetch
	order   []*fetch
	done    int            // complete transfers
	got     map[string]int // names fetched whole, cleaned, and how often
	resent  int            // blocks sent again, over all
	blocks  int            // blocks, over all complete transfers
	worst   string         // the file with the most of them
	most    int
}

// A fetch is one file asked for.
type fetch struct {
	index    int64
	name     string
	to       netip.Addr
	asked    seen
	repeats  seen
	vain     int // repetitions since vainFrom: the RRQ, or its first answer
	vainFrom time.Time
	last     time.Time
	frames   []captures.Frame // RRQ and its repetitions, the first few
	oack     bool
	started  seen
	done     seen
	bytes    int64
	tsize    int64
	blksize  int64
	err      seen
	code     int64
	message  string
	byPeer   bool
	probed   bool
	stuck    bool // the client's own repetitions prove that it hears nothing more
	strayed  seen
	strayWho netip.Addr

	// From the Transfer, once it has ended or the capture has.
	known     bool
	moved     time.Time // when it last went on
	got       int64     // distinct bytes
	blocks    int
	resent    int
	fragments bool
}

// learn takes in what the capture knows of a transfer beyond its events.
func (t *fetch) learn(tr *captures.Transfer) {
	t.moved = tr.Moved
	t.known, t.got, t.blocks, t.resent, t.fragments = true, tr.Bytes, tr.Blocks, tr.Resent, tr.Fragments
	if tr.BlockSize > 0 {
		t.blksize = int64(tr.BlockSize)
	}
	if tr.Size >= 0 {
		t.tsize = tr.Size
	}
}

// answered says whether anybody said anything to the RRQ.
func (t *fetch) answered() bool {
	return t.oack || t.started.n > 0 || t.done.n > 0 || t.err.n > 0 && t.byPeer || t.strayed.n > 0
}

func newTFTPFacts() tftpFacts {
	return tftpFacts{byIndex: map[int64]*fetch{}, got: map[string]int{}}
}

func (f *facts) seeTFTP(e *captures.Event) {
	k := &f.tftp
	index := e.Int("tftp.transfer")
	t := k.byIndex[index]
	if t == nil {
		if e.Kind != captures.TFTPRequest && e.Kind != captures.TFTPStart && e.Kind != captures.TFTPDone && e.Kind != captures.TFTPError {
			return
		}
		if len(k.order) >= maxFetches {
			for _, old := range k.order[:maxFetches/2] {
				delete(k.byIndex, old.index)
			}
			k.order = append(k.order[:0], k.order[maxFetches/2:]...)
		}
		t = &fetch{index: index, name: e.Text("tftp.source_file"), tsize: -1}
		k.byIndex[index] = t
		k.order = append(k.order, t)
	}
	t.last = e.At
	switch e.Kind {
	case captures.TFTPRequest:
		t.asked.mark(e)
		t.vainFrom = e.At
		t.to = e.Addr("ip.dst")
		t.frames = append(t.frames, e.Frame)
	case captures.TFTPRepeated:
		t.repeats.mark(e)
		t.vain++
		if len(t.frames) < fewAsks {
			t.frames = append(t.frames, e.Frame)
		}
		f.mayProve()
	case captures.TFTPOack:
		t.oack = true
		t.vain, t.vainFrom = 0, e.At
		if n := e.Int("tftp.option.tsize"); n >= 0 {
			t.tsize = n
		}
		t.blksize = e.Int("tftp.option.blksize")
	case captures.TFTPStart:
		t.started.mark(e)
		t.vain, t.vainFrom = 0, e.At
	case captures.TFTPDone:
		t.done.mark(e)
		t.bytes = e.Int("tftp.bytes")
		n := k.count(t, e)
		if n >= loopFetches || n > 1 && f.osAt.n > 0 {
			f.mayProve()
		}
	case captures.TFTPError:
		t.err.mark(e)
		t.code, t.message, t.byPeer = e.Int("tftp.error.code"), e.Text("tftp.error.message"), e.Is("tftp.bypeer")
		t.probed = e.Is("tftp.probed") || !t.byPeer && t.oack && t.tsize >= 0 && t.started.n == 0
		f.mayProve()
	case captures.TFTPStalled:
		// What the server repeats proves nothing: the client may be busy.
		waited, _ := strconv.ParseFloat(e.Text("tftp.seconds"), 64)
		if !e.Is("tftp.bypeer") && e.Int("tftp.repeats") >= deadRequests && waited >= deadRequestSpan.Seconds() {
			t.stuck = true
			f.mayProve()
		}
	case captures.TFTPStray:
		t.strayed.mark(e)
		t.strayWho = e.Addr("ip.src")
	}
}

// count adds a whole transfer; times is how often its file has come by now.
func (k *tftpFacts) count(t *fetch, e *captures.Event) (times int) {
	k.done++
	if name := cleanName(t.name); len(k.got) < maxFetches || k.got[name] > 0 {
		k.got[name]++
	}
	resent := int(max(0, e.Int("tftp.resent")))
	k.resent += resent
	if resent > k.most {
		k.most, k.worst = resent, t.name
	}
	if size := e.Int("tftp.option.blksize"); size > 0 && t.bytes >= 0 {
		k.blocks += int(t.bytes/size) + 1
	}
	return k.got[cleanName(t.name)]
}

// fetched says whether a file of this name came whole.
func (k *tftpFacts) fetched(name string) bool { return k.got[cleanName(name)] > 0 }

// anyFetched says whether a file of such a name came whole.
func (k *tftpFacts) anyFetched(ok func(name string) bool) bool {
	for name := range k.got {
		if ok(name) {
			return true
		}
	}
	return false
}

// anyAsked says whether a file of such a name was asked for.
func (k *tftpFacts) anyAsked(ok func(name string) bool) bool {
	return slices.ContainsFunc(k.order, func(t *fetch) bool { return ok(t.name) })
}
