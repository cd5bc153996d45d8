package captures

// Transfer is the transfer of an index, as the field tftp.transfer or
// nfs.transfer of an event has it, with what is known of it by now. ok is false
// if there is none. Like Frame it is for the Decoder's one goroutine, so it may
// be called from within emit.
func (d *Decoder) Transfer(i int) (t Transfer, ok bool) {
	if i < 0 || i >= len(d.transfers) {
		return Transfer{}, false
	}
	return *d.transfers[i], true
}

// Transfer is the decoder's. It may be called from within Sink, or after Close.
func (r *Recorder) Transfer(i int) (t Transfer, ok bool) { return r.decoder.Transfer(i) }
