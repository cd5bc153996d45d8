package captures

import "net/netip"

// A tftpTransfer is a Transfer under way.
type tftpTransfer struct {
	*Transfer
	index  int64
	write  bool // WRQ: the client sends the DATA
	bound  bool // the server's TID is known
	heard  bool // the client has answered to that TID
	oacked bool
	agreed bool // the client has sent its first ACK
	// group is where its DATA goes, if that is known, and grouped says that some
	// has come that way.
	group   netip.AddrPort
	grouped bool
	over    bool
	asks    tftpOptions
	strays  []netip.Addr
	middle  bool // the request was not seen
	// How often each side has sent the same again since something moved.
	repeats  [2]int // 0: the client, 1: the server
	fromPeer bool   // what is being looked at is the server's
	tftpBlocks
}

// A tftpEnd is one direction of a transfer whose TIDs are known.
type tftpEnd struct {
	t        *tftpTransfer
	byClient bool
}

// A tftpTracker finds the transfer that a datagram belongs to.
type tftpTracker struct {
	flows   map[flow]tftpEnd
	clients map[netip.AddrPort]*tftpTransfer // by the client's TID: the newest
	order   fifo[*tftpTransfer]              // by age, to forget the oldest
	guesses map[flow]tftpGuess
	groups  tftpGroups
	ahead   budget // of blocks before their turn

	// The flows of the last two frames, as DATA and ACK take turns.
	lastFlow [2]flow
	lastEnd  [2]tftpEnd
	lastSlot int
}

func newTFTPTracker(limit int) tftpTracker {
	return tftpTracker{
		flows:   make(map[flow]tftpEnd),
		clients: make(map[netip.AddrPort]*tftpTransfer),
		guesses: make(map[flow]tftpGuess),
		ahead:   budget{limit: limit},
	}
}

func (k *tftpTracker) find(f flow) (tftpEnd, bool) {
	for i := range k.lastFlow {
		if k.lastFlow[i] == f && k.lastEnd[i].t != nil {
			return k.lastEnd[i], true
		}
	}
	e, ok := k.flows[f]
	if ok {
		k.lastSlot ^= 1
		k.lastFlow[k.lastSlot], k.lastEnd[k.lastSlot] = f, e
	}
	return e, ok
}

// forget drops a transfer from the look-up tables. Frames of it that come
// later are nobody's.
func (k *tftpTracker) forget(t *tftpTransfer) {
	k.unbind(t)
	if k.clients[t.Client] == t {
		delete(k.clients, t.Client)
	}
	t.stopHash(&k.ahead)
}

func (k *tftpTracker) unbind(t *tftpTransfer) {
	if t.bound {
		f := flow{t.Client.Addr(), t.Server.Addr(), t.Client.Port(), t.Server.Port()}
		if k.flows[f].t == t {
			delete(k.flows, f)
			delete(k.flows, f.reverse())
		}
		t.bound = false
	}
	k.lastEnd = [2]tftpEnd{}
}

// restart forgets what an answer brought that the client did not take.
func (k *tftpTracker) restart(t *tftpTransfer) {
	t.stopHash(&k.ahead)
	t.tftpBlocks, t.oacked, t.agreed = newTFTPBlocks(), false, false
	t.Bytes, t.Blocks, t.Resent = 0, 0, 0
	t.Size, t.BlockSize, t.WindowSize = -1, tftpDefaultBlock, 1
}

// bind fixes the server's TID.
func (k *tftpTracker) bind(t *tftpTransfer, server netip.AddrPort) {
	k.unbind(t)
	t.Server, t.bound = server, true
	f := flow{t.Client.Addr(), server.Addr(), t.Client.Port(), server.Port()}
	k.flows[f] = tftpEnd{t, true}
	k.flows[f.reverse()] = tftpEnd{t, false}
}
