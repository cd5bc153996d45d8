package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
)

// A Conn is the line between a sandbox and its parent: a stream of JSON values
// each way. One goroutine may send while another receives.
type Conn struct {
	nc     net.Conn
	mu     sync.Mutex // over enc
	enc    *json.Encoder
	dec    *json.Decoder
	onStop func()
	in     chan json.RawMessage // the child's side, from watchParent to Receive
}

// envelope is what goes over the socket: a value, or the request to stop.
type envelope struct {
	Stop  bool            `json:"stop,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

func wrapConn(nc net.Conn) *Conn {
	return &Conn{nc: nc, enc: json.NewEncoder(nc), dec: json.NewDecoder(nc)}
}

// childConn opens the socket that Start passed down.
func childConn() (*Conn, error) {
	c, err := newConn(os.NewFile(connFD, "parent"))
	if err != nil {
		return nil, err
	}
	c.in = make(chan json.RawMessage, 1)
	return c, nil
}

// Send sends one value to the other side.
func (c *Conn) Send(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.send(envelope{Value: b})
}

func (c *Conn) sendStop() error { return c.send(envelope{Stop: true}) }

func (c *Conn) send(e envelope) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enc.Encode(e)
}

// Receive waits for the other side's next value. It returns [io.EOF] when the
// other side has gone.
func (c *Conn) Receive(v any) error {
	if c.in != nil {
		b, ok := <-c.in
		if !ok {
			return io.EOF
		}
		return json.Unmarshal(b, v)
	}
	var e envelope
	if err := c.dec.Decode(&e); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return io.EOF
		}
		return err
	}
	return json.Unmarshal(e.Value, v)
}

// Close closes this side.
func (c *Conn) Close() error { return c.nc.Close() }

// watchParent is the child's reader. The parent's death is read as the end of
// the stream, and is the end of the sandbox.
func (c *Conn) watchParent() {
	for {
		var e envelope
		if err := c.dec.Decode(&e); err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintln(os.Stderr, "sandbox: the parent is gone:", err)
			}
			os.Exit(statusSetup)
		}
		if e.Stop {
			c.onStop()
			continue
		}
		c.in <- e.Value
	}
}
