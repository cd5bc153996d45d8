package client

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

// Opcodes (RFC 1350 section 5, RFC 2347).
const (
	opRRQ   = 1
	opDATA  = 3
	opACK   = 4
	opERROR = 5
	opOACK  = 6
)

// maxPacket is the largest DATA packet there is (RFC 2348).
const maxPacket = 4 + 65464

// A transfer is one Fetch.
type transfer struct {
	TFTP
	result *Result
	socket *socket
	sum    hash.Hash

	request []byte
	ack     [4]byte
	// last is the newest block that came in order. It counts on past 65535.
	last int64
	// inWindow is how many of the blocks of this window have come.
	inWindow int
	// gap is set while the blocks that come follow one that is missing: it is
	// reported once.
	gap    bool
	began  bool // the server has answered
	agreed bool // with an OACK
}

// run does all of it. The socket is connected to the server's transfer
// identifier with its first answer.
func (t *transfer) run(name string) error {
	t.request = t.rrq(name)
	t.ack[1] = opACK
	t.socket.buffers(1, maxPacket)
	t.result.Began = time.Now()
	if err := t.socket.ask(t.request); err != nil {
		return err
	}
	tries := 0
	for {
		packets, err := t.socket.receive()
		switch {
		case errors.Is(err, errTimeout):
			t.result.Timeouts++
			if tries++; tries >= t.Tries {
				return fmt.Errorf("%w: nothing for %v after block %d", ErrSilence, time.Duration(tries)*t.Wait, t.last)
			}
			if err := t.again(); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		before := t.last
		for i := range packets {
			done, err := t.take(t.socket.packet(i))
			if done || err != nil {
				return err
			}
		}
		if t.last > before || before == 0 {
			tries = 0
		}
	}
}

// again repeats what the server may not have heard.
func (t *transfer) again() error {
	if !t.began {
		return t.socket.ask(t.request)
	}
	t.gap = false
	return t.acknowledge()
}

// take understands one packet.
func (t *transfer) take(b []byte) (done bool, err error) {
	if len(b) < 4 {
		return false, nil
	}
	if !t.began {
		t.result.Answered = time.Since(t.result.Began)
		if err := t.socket.follow(); err != nil {
			return false, err
		}
		t.began = true
	}
	switch binary.BigEndian.Uint16(b) {
	case opDATA:
		return t.data(binary.BigEndian.Uint16(b[2:]), b[4:])
	case opOACK:
		if t.last > 0 {
			return false, nil
		}
		if !t.agreed { // the same again needs only the same answer
			if err := t.agree(b[2:]); err != nil {
				return false, err
			}
			t.agreed = true
		}
		return false, t.acknowledge()
	case opERROR:
		text, _, _ := strings.Cut(string(b[4:]), "\x00")
		return false, &ServerError{binary.BigEndian.Uint16(b[2:]), text}
	}
	return false, nil
}

// data takes one block.
func (t *transfer) data(number uint16, b []byte) (done bool, err error) {
	if number != t.wire(t.last+1) {
		return false, t.stray(number)
	}
	t.last++
	t.gap = false
	t.result.Bytes += int64(len(b))
	t.result.Blocks++
	t.inWindow++
	if t.sum != nil {
		t.sum.Write(b)
	}
	if t.To != nil {
		if err := t.To(b); err != nil {
			return false, err
		}
	}
	if len(b) < t.result.BlockSize {
		t.result.Took = time.Since(t.result.Began)
		return true, t.acknowledge()
	}
	if t.inWindow >= t.result.WindowSize {
		return false, t.acknowledge()
	}
	return false, nil
}

// stray is a block that is not the next one. The last one again says that its
// acknowledgement was lost, which is repeated. In a window, one that is ahead
// shows a loss: the last good block is acknowledged, once (RFC 7440 section 4).
func (t *transfer) stray(number uint16) error {
	t.result.Stray++
	ahead := int16(number - t.wire(t.last))
	switch {
	case t.gap:
		return nil
	case ahead > 0:
		t.gap = true
		t.result.Gaps++
	case ahead < 0 || t.inWindow > 0:
		return nil
	}
	return t.acknowledge()
}

// wire is a block's number on the wire.
func (t *transfer) wire(n int64) uint16 {
	if n <= 65535 {
		return uint16(n)
	}
	return uint16(int64(t.Rollover) + (n-65536)%(65536-int64(t.Rollover)))
}

func (t *transfer) acknowledge() error {
	t.inWindow = 0
	binary.BigEndian.PutUint16(t.ack[2:], t.wire(t.last))
	return t.socket.send(t.ack[:])
}

// agree reads an OACK. A server may lower a value and may leave one out, and
// nothing else (RFC 2347).
func (t *transfer) agree(b []byte) error {
	words := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	for i := 0; i+1 < len(words); i += 2 {
		name, text := strings.ToLower(words[i]), words[i+1]
		value, err := strconv.ParseInt(text, 10, 64)
		ok := err == nil
		switch name {
		case "blksize":
			ok = ok && value >= 8 && value <= int64(t.BlockSize)
			t.result.BlockSize = int(value)
		case "windowsize":
			ok = ok && value >= 1 && value <= int64(t.WindowSize)
			t.result.WindowSize = int(value)
		case "tsize":
			ok = ok && value >= 0 && t.TSize
			t.result.Size = value
		case "timeout":
			ok = ok && t.AskTimeout > 0
		default:
			ok = false
		}
		if !ok {
			t.socket.send([]byte("\x00\x05\x00\x08an option that was not asked for\x00"))
			return fmt.Errorf("the server's OACK has %.100q = %.100q, which was not asked for", words[i], text)
		}
	}
	t.socket.buffers(min(t.result.WindowSize, maxBatch), 4+t.result.BlockSize)
	return nil
}

func (t *transfer) rrq(name string) []byte {
	b := []byte{0, opRRQ}
	add := func(words ...string) {
		for _, w := range words {
			b = append(append(b, w...), 0)
		}
	}
	add(name, "octet")
	if t.BlockSize != 0 {
		add("blksize", strconv.Itoa(t.BlockSize))
	}
	if t.WindowSize != 0 {
		add("windowsize", strconv.Itoa(t.WindowSize))
	}
	if t.AskTimeout > 0 {
		add("timeout", strconv.Itoa(int(t.AskTimeout.Seconds())))
	}
	if t.TSize {
		add("tsize", "0")
	}
	return b
}
