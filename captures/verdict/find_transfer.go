package verdict

import (
	"fmt"
	"slices"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// Findings about transfers that began and went wrong, or went slowly.
func transferEntries() []Entry {
	return []Entry{{
		ID: "tftp-reply-from-elsewhere", Title: "the answer came from another address", Stops: fileStages, Else: Warning,
		Evidence: "DATA, OACK or ERROR from an address that the RRQ did not go to.",
		Meaning:  "RFC 1350 lets the port change, not the address. A server with several addresses answers from that of its route; most clients drop such packets.",
		Hint:     "Bind the TFTP server to the address that next-server names (in.tftpd --address), or name the address that it answers from.",
		Over:     []string{"tftp-no-answer", "tftp-stalled", "tftp-error"},
		detect:   tftpElsewhere,
	}, {
		ID: "tftp-rollover", Title: "the transfer broke where the block number wraps", Stops: fileStages,
		Evidence: "A transfer that ends at block 65535, or goes wrong right after it.",
		Meaning: "TFTP counts blocks with 16 bits. After 65535 some go on with 0, some with 1, and some not at all; RFC 1350 does not say. " +
			"At a blksize of 512 that is 32 MB, at 1408 it is 92 MB.",
		Hint:   "Let the client have a larger blksize, or use a server that wraps as this client does (dnsmasq, in.tftpd -R).",
		Over:   []string{"tftp-stalled", "tftp-error", "tftp-truncated"},
		detect: tftpRollover,
	}, {
		ID: "tftp-fragmented", Title: "blocks come in IP fragments", Stops: fileStages,
		Evidence: "DATA in IP fragments: the negotiated blksize and 32 bytes of headers are more than the MTU.",
		Meaning:  "Each lost fragment costs the whole block, and many boot ROMs and firewalls drop fragments altogether: the transfer then stalls at its first full block.",
		Hint:     "Limit the block size to 1468 (MTU 1500): in.tftpd -B 1468, dnsmasq --tftp-mtu=1500.",
		Over:     []string{"tftp-stalled"},
		detect:   tftpFragmented,
	}, {
		ID: "tftp-stalled", Title: "a transfer began and did not go on", Stops: fileStages,
		Evidence: "OACK or DATA, and then the same again without an ACK, or nothing more.",
		Meaning:  "One direction is lost: the client does not hear the DATA, or its ACKs do not arrive. Firewalls that allow port 69 alone do this, as the transfer runs on another port.",
		Hint:     "Capture on both sides to see which packets arrive. Allow UDP between the client and the server's ephemeral ports.",
		detect:   tftpStalled,
	}, {
		ID: "tftp-truncated", Title: "fewer bytes came than the file has", Stops: Stages(),
		Evidence: "A transfer whose last block came before as many bytes as tsize announces, or as the file on disk has.",
		Meaning:  "The server ended the file early: it could not read on, the file was being written, or the server ends at a block number it cannot count past.",
		Hint:     "Compare the size on the server with that of the finding.",
		Over:     []string{"file-differs"},
		detect:   tftpTruncated,
	}, {
		ID: "tftp-retransmits", Title: "blocks were sent again",
		Evidence: "DATA blocks that the capture shows more than once.",
		Meaning:  "Packets or their acknowledgements are lost. TFTP without windowsize waits for a timeout at each, often a second or more.",
		Hint:     "Look for duplex mismatch, overload or a bad cable between client and server.",
		detect:   tftpRetransmits,
	}}
}

func tftpElsewhere(c *client) []detection {
	for _, t := range slices.Backward(c.f.tftp.order) {
		if t.strayed.n == 0 {
			continue
		}
		d := detection{bystander: c.f.tftp.fetched(t.name)}
		d.proof = c.f.stopped() || c.f.gaveUp(t.strayed.at) != nil
		d.Summary = fmt.Sprintf("The RRQ for %s went to %s, and %s answered.", quoted(t.name), t.to, t.strayWho)
		d.Frames = []captures.Frame{t.asked.frame, t.strayed.frame}
		if ask := c.f.arps[t.strayWho]; ask != nil && ask.n >= deadAsks && ask.last.Sub(ask.at) >= deadSpan && len(c.f.net.owners[t.strayWho]) == 0 {
			d.Summary += fmt.Sprintf(" The client asked ARP for %s %s, and nobody has it.", t.strayWho, times(ask.n))
			d.proof = true
		}
		d.Where = c.origins("dhcp.ip.server")
		return []detection{d}
	}
	return nil
}

// stalled is the latest transfer that began, has not ended, and is not known
// to go on. Nil if there is none.
func (c *client) stalled() *fetch {
	k := &c.f.tftp
	if len(k.order) == 0 {
		return nil
	}
	t := k.order[len(k.order)-1]
	if t.done.n > 0 || t.err.n > 0 || !t.oack && t.started.n == 0 {
		return nil
	}
	if !c.ended(t) || c.underWay(t) {
		return nil
	}
	return t
}

// slowBlock is a pause in a transfer that is worth a word. Who hears nothing
// repeats himself sooner: clients and servers after 1 s, or less.
const slowBlock = 3 * time.Second

// underWay says whether a transfer was still going on at the end, which was not
// the machine's own.
func (c *client) underWay(t *fetch) bool {
	return c.f.over && c.f.off.n == 0 && t.known && !t.moved.IsZero() && c.f.overAt.Sub(t.moved) < slowBlock
}

func tftpStalled(c *client) []detection {
	t := c.stalled()
	if t == nil {
		return nil
	}
	d := detection{proof: true}
	switch {
	case t.known && t.blocks == 0 || t.started.n == 0:
		d.Summary = fmt.Sprintf("%s answered the RRQ for %s with an OACK, and no DATA followed", t.to, quoted(t.name))
	case t.known:
		d.Summary = fmt.Sprintf("The transfer of %s stopped after %s", quoted(t.name), size(t.got))
		if t.tsize > 0 {
			d.Summary += " of " + size(t.tsize)
		}
		if t.resent > 0 {
			d.Summary += fmt.Sprintf("; DATA was sent again %s without an ACK", times(t.resent))
		}
	default:
		d.Summary = fmt.Sprintf("The transfer of %s began and did not end", quoted(t.name))
	}
	d.Summary += c.f.then(t.asked.at) + "."
	d.Frames = framesOf(t.asked.frame, t.started.frame)
	d.Where = c.fileOrigins(t.name)
	return []detection{d}
}

func tftpFragmented(c *client) []detection {
	for _, t := range slices.Backward(c.f.tftp.order) {
		if !t.fragments {
			continue
		}
		d := detection{bystander: c.f.tftp.fetched(t.name)}
		d.proof = c.ended(t)
		d.Summary = fmt.Sprintf("The DATA of %s comes in IP fragments: blksize %d.", quoted(t.name), t.blksize)
		d.Frames = framesOf(t.asked.frame, t.started.frame)
		return []detection{d}
	}
	return nil
}

// Around the block at which 16 bits end: a server may stop before it, at it, or
// after one that it cannot number.
const (
	wrapFrom = 65534
	wrapTo   = 65537
)

func tftpRollover(c *client) []detection {
	for _, t := range slices.Backward(c.f.tftp.order) {
		short := t.done.n == 0 || t.tsize > t.bytes
		if !t.known || t.blocks < wrapFrom || t.blocks > wrapTo || !short || t.done.n == 0 && t.err.n == 0 && c.stalled() != t {
			continue
		}
		d := detection{proof: c.ended(t)}
		d.Summary = fmt.Sprintf("The transfer of %s ended after %d blocks of %d bytes, where the block number wraps", quoted(t.name), t.blocks, t.blksize)
		if t.tsize > 0 {
			d.Summary += fmt.Sprintf("; the file has %s", size(t.tsize))
		}
		d.Summary += "."
		d.Frames = framesOf(t.asked.frame, t.done.frame, t.err.frame)
		d.Where = c.fileOrigins(t.name)
		return []detection{d}
	}
	return nil
}

func tftpTruncated(c *client) []detection {
	list := c.mismatches(func(r *rule, m *Mismatch) bool { return shorter(m) })
	if len(list) > 0 {
		return list
	}
	for _, t := range slices.Backward(c.f.tftp.order) {
		if t.done.n == 0 || t.tsize <= t.bytes || t.tsize < 0 {
			continue
		}
		d := detection{proof: c.f.stopped() || c.f.gaveUp(t.done.at) != nil}
		d.Summary = fmt.Sprintf("%s came with %d bytes, and tsize had announced %d.", quoted(t.name), t.bytes, t.tsize)
		d.Frames = framesOf(t.asked.frame, t.done.frame)
		d.Where = c.fileOrigins(t.name)
		return []detection{d}
	}
	return nil
}

// fewResent is how many blocks sent again are not worth a word.
const fewResent = 3

func tftpRetransmits(c *client) []detection {
	k := &c.f.tftp
	if k.resent < fewResent {
		return nil
	}
	d := detection{}
	d.Summary = fmt.Sprintf("%d of %d blocks were sent again", k.resent, k.blocks)
	if k.blocks > 0 {
		d.Summary += fmt.Sprintf(" (%.2g %%)", 100*float64(k.resent)/float64(k.blocks))
	}
	d.Summary += fmt.Sprintf(", most of them of %s (%d).", quoted(k.worst), k.most)
	return []detection{d}
}
