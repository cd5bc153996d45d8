package captures

// httpConn is what is known of an HTTP connection.
type httpConn struct{}

func (h *httpConn) gap(dir, n int) {}

func httpLooksLike(data []byte, dir int) bool { return false }

func (d *Decoder) httpStream(c *tcpConn, dir int, data []byte) {}
