package captures

import (
	"bytes"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// Plain HTTP/1 (RFC 9112): request and status lines, and how many bytes of a
// body went by. Bodies are not looked at.

const (
	maxHTTPHead    = 16 << 10
	maxHTTPWaiting = 64 // requests on a connection without a response
)

// An httpConn is what is known of a connection that carries HTTP.
type httpConn struct {
	half    [2]httpHalf
	waiting []httpRequest
	body    httpTransfer // the response under way; its Transfer is nil if none is kept
}

type httpTransfer struct {
	*Transfer
	index int64
}

type httpRequest struct {
	method, uri string
	frame       Frame
	at          time.Time
}

// bodyKind is what comes after the head.
type bodyKind uint8

const (
	bodyNone       bodyKind = iota // a head is next
	bodyLength                     // as many bytes as left says
	bodyChunks                     // left is of this chunk; at 0 a chunk's line is next
	bodyUntilClose                 // all that comes
	bodyTrailer                    // after the last chunk, up to an empty line
	bodyLost                       // not in step: wait for a segment that begins with a head
)

type httpHalf struct {
	kind bodyKind
	left int64
	head []byte // of a head, a chunk's line or a trailer, not yet whole
}

// httpLooksLike says whether data begins with a request (dir 0) or a response.
func httpLooksLike(data []byte, dir int) bool {
	if dir == 1 {
		return bytes.HasPrefix(data, []byte("HTTP/1."))
	}
	for _, m := range []string{"GET ", "HEAD ", "POST ", "PUT ", "OPTIONS ", "DELETE "} {
		if bytes.HasPrefix(data, []byte(m)) {
			return true
		}
	}
	return false
}

// httpGap says that n bytes are missing; -1: nobody knows how many.
func (d *Decoder) httpGap(c *tcpConn, dir, n int) {
	if c.http == nil {
		return
	}
	h := &c.http.half[dir]
	switch {
	case n >= 0 && (h.kind == bodyLength || h.kind == bodyChunks) && int64(n) <= h.left:
		h.left -= int64(n)
		if h.kind == bodyLength && h.left == 0 {
			d.httpBodyEnd(c, dir)
		}
	case h.kind == bodyUntilClose:
	default:
		h.lose(&d.tcp.held)
	}
}

// lose gives the stream up until a head is seen to begin.
func (h *httpHalf) lose(room *budget) {
	room.free(len(h.head))
	h.kind, h.head = bodyLost, nil
}

// drop gives back what the connection holds.
func (h *httpConn) drop(room *budget) {
	if h == nil {
		return
	}
	for dir := range h.half {
		h.half[dir].lose(room)
	}
	for _, q := range h.waiting {
		room.free(q.cost())
	}
	h.waiting = nil
}

// cost is what a request costs while it waits for its response.
func (q *httpRequest) cost() int { return 128 + len(q.method) + len(q.uri) }

// httpStream takes the next bytes of a connection.
func (d *Decoder) httpStream(c *tcpConn, dir int, b []byte) {
	if c.http == nil {
		c.http = &httpConn{}
		if c.half[dir].middle {
			c.http.half[0].kind, c.http.half[1].kind = bodyLost, bodyLost
		}
	}
	h := &c.http.half[dir]
	if h.kind == bodyLost {
		if !httpLooksLike(b, dir) {
			return
		}
		h.kind = bodyNone
	}
	for len(b) > 0 {
		switch {
		case h.kind == bodyLost:
			return
		case h.kind == bodyUntilClose:
			d.httpCount(c, dir, len(b))
			return
		case h.kind == bodyLength || h.kind == bodyChunks && h.left > 0:
			n := int(min(h.left, int64(len(b))))
			h.left -= int64(n)
			b = b[n:]
			d.httpCount(c, dir, n)
			if h.left == 0 && h.kind == bodyLength {
				d.httpBodyEnd(c, dir)
			}
		default:
			b = d.httpLines(c, dir, b)
		}
	}
}

// httpLines takes a head, a chunk's line or a trailer off b, or what there is
// of it.
func (d *Decoder) httpLines(c *tcpConn, dir int, b []byte) (rest []byte) {
	h := &c.http.half[dir]
	end := "\n"
	if h.kind == bodyNone {
		end = "\r\n\r\n"
	}
	// The end may lie across two segments.
	seen := len(h.head)
	more := b[:min(len(b), maxHTTPHead-seen)]
	if !d.tcp.held.take(len(more)) {
		h.lose(&d.tcp.held)
		return nil
	}
	h.head = append(h.head, more...)
	i := bytes.Index(h.head[max(0, seen-len(end)+1):], []byte(end))
	if i < 0 {
		if len(h.head) >= maxHTTPHead {
			h.lose(&d.tcp.held)
		}
		return nil
	}
	n := max(0, seen-len(end)+1) + i + len(end)
	lines := string(h.head[:n])
	d.tcp.held.free(len(h.head))
	h.head = nil
	switch h.kind {
	case bodyNone:
		d.httpHead(c, dir, lines)
	case bodyChunks:
		d.httpChunk(c, dir, strings.TrimSpace(lines))
	case bodyTrailer:
		if strings.TrimSpace(lines) == "" {
			d.httpBodyEnd(c, dir)
		}
	}
	return b[n-seen:]
}

// httpChunk reads a chunk's line. The empty line after a chunk is one too.
func (d *Decoder) httpChunk(c *tcpConn, dir int, line string) {
	h := &c.http.half[dir]
	size, _, _ := strings.Cut(line, ";")
	if size == "" {
		return
	}
	n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
	switch {
	case err != nil || n < 0:
		h.kind = bodyLost
	case n == 0:
		h.kind = bodyTrailer
	default:
		h.left = n
	}
}

// An httpMessage is a head, read.
type httpMessage struct {
	first   []string // the words of the first line
	host    string
	length  int64 // -1: not said
	chunked bool
}

func readHTTPHead(head string) httpMessage {
	lines := strings.Split(head, "\r\n")
	m := httpMessage{first: strings.SplitN(lines[0], " ", 3), length: -1}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = textproto.TrimString(value)
		switch strings.ToLower(name) {
		case "host":
			m.host = value
		case "content-length":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
				m.length = n
			}
		case "transfer-encoding":
			m.chunked = strings.EqualFold(value, "chunked")
		}
	}
	return m
}

func (d *Decoder) httpHead(c *tcpConn, dir int, head string) {
	m := readHTTPHead(head)
	if len(m.first) < 2 {
		c.http.half[dir].kind = bodyLost
		return
	}
	if dir == 0 {
		d.httpRequest(c, m)
	} else {
		d.httpResponse(c, m)
	}
}

func (d *Decoder) httpRequest(c *tcpConn, m httpMessage) {
	h := &c.http.half[0]
	switch {
	case m.chunked:
		h.kind = bodyChunks
	case m.length > 0:
		h.kind, h.left = bodyLength, m.length
	}
	m.first[0], m.first[1], m.host = clip(m.first[0], maxFileName), clip(m.first[1], maxFileName), clip(m.host, maxFileName)
	q := httpRequest{m.first[0], m.first[1], d.frame(), d.p.At}
	if len(c.http.waiting) < maxHTTPWaiting && d.tcp.held.take(q.cost()) {
		c.http.waiting = append(c.http.waiting, q)
	}
	d.event(c.host, HTTPRequest, []Field{
		{"http.request.method", m.first[0]},
		{"http.request.uri", m.first[1]},
		{"http.host", m.host},
		{"ip.dst", c.server.Addr()},
		{"tcp.dstport", int64(c.server.Port())},
	})
}

func (d *Decoder) httpResponse(c *tcpConn, m httpMessage) {
	code, err := strconv.ParseInt(m.first[1], 10, 32)
	if err != nil {
		c.http.half[1].kind = bodyLost
		return
	}
	if code >= 100 && code < 200 {
		return // "continue": the response is yet to come
	}
	var q httpRequest
	if len(c.http.waiting) > 0 {
		q = c.http.waiting[0]
		c.http.waiting = c.http.waiting[1:]
		d.tcp.held.free(q.cost())
	}
	f := []Field{{"http.response.code", code}}
	if q.uri != "" {
		f = append(f, Field{"http.request.uri", q.uri})
	}
	if m.length >= 0 {
		f = append(f, Field{"http.content_length", m.length})
	}
	empty := q.method == "HEAD" || code == 204 || code == 304
	if q.method == "GET" && code >= 200 && code < 300 && !empty {
		t, index := d.newTransfer(Transfer{
			Protocol: "http", Host: c.host, Client: c.client, Server: c.server, Asked: c.server.Addr(),
			Name: q.uri, Size: m.length, WindowSize: 1,
		})
		if t != nil {
			t.Start, t.Begun = q.frame, q.at
			c.http.body = httpTransfer{t, index}
			f = append(f, Field{"http.transfer", index})
		}
	}
	d.event(c.host, HTTPResponse, f)
	h := &c.http.half[1]
	switch {
	case empty || !m.chunked && m.length == 0:
		d.httpBodyEnd(c, 1)
	case m.chunked:
		h.kind, h.left = bodyChunks, 0
	case m.length > 0:
		h.kind, h.left = bodyLength, m.length
	default:
		h.kind = bodyUntilClose
	}
}

// httpCount adds body bytes to the transfer.
func (d *Decoder) httpCount(c *tcpConn, dir, n int) {
	if t := c.http.body.Transfer; dir == 1 && t != nil {
		t.Bytes += int64(n)
		t.Last = d.p.At
	}
}

// httpBodyEnd says that a message is whole.
func (d *Decoder) httpBodyEnd(c *tcpConn, dir int) {
	c.http.half[dir].kind = bodyNone
	if t := c.http.body; dir == 1 && t.Transfer != nil {
		c.http.body = httpTransfer{}
		t.Status, t.End, t.Ended, t.Last = Complete, d.frame(), d.p.At, d.p.At
		d.event(c.host, HTTPDone, []Field{
			{"http.transfer", t.index},
			{"http.request.uri", t.Name},
			{"http.bytes", t.Bytes},
		})
	}
}

// httpClosed says that a side has closed its half of the connection.
func (d *Decoder) httpClosed(c *tcpConn, dir int, reset bool) {
	if c.http == nil || c.http.body.Transfer == nil {
		return
	}
	t := c.http.body
	switch {
	case dir == 1 && !reset && c.http.half[1].kind == bodyUntilClose:
		d.httpBodyEnd(c, 1)
	case dir == 1 || reset:
		c.http.body = httpTransfer{}
		t.Status, t.End, t.Ended = Failed, d.frame(), d.p.At
		t.ByPeer = dir == 1
		t.Message = "the connection was closed in the middle"
	}
}
