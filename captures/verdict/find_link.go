package verdict

// Findings about the machine and its link, before any protocol.
func linkEntries() []Entry {
	return []Entry{{
		ID: "machine-silent", Title: "not one frame from the machine", Stops: []Stage{Power},
		Evidence: "No frame with the machine's MAC as its source.",
		Meaning: "The machine never used the network. It is off, has another MAC, does not boot from the network, " +
			"or its network card has no boot ROM that the firmware runs.",
		Hint:   "Check the MAC, the cable and the boot order, and that network boot is on in the firmware's set-up.",
		detect: machineSilent,
	}}
}

func machineSilent(c *client) []detection {
	f := &c.f
	if f.first.n > 0 {
		return nil
	}
	w := f.console.find(func(w *said) bool { return w.message.ends == givesUp })
	if !f.stopped() && w == nil {
		return nil
	}
	d := detection{proof: true}
	d.Summary = "No frame came from " + c.m.MAC
	switch {
	case w != nil:
		d.Summary += "; its console says " + quoted(w.text)
	case f.console.lines > 0:
		d.Summary += ", though its firmware runs: the console's last words are " + quoted(f.console.last.text)
	default:
		d.Summary += ", and its console is silent too"
	}
	d.Summary += "."
	return []detection{d}
}
