package captures

import "fmt"

// Held says what a Decoder holds back beyond its limits, or less than nothing;
// "" if all is well.
func (d *Decoder) Held() string {
	for name, b := range map[string]budget{
		"streams":   d.tcp.held,
		"blocks":    d.tftp.ahead,
		"fragments": {d.fragments.held, d.fragments.limit + maxDatagram + datagramCost}, // the one at hand is kept
	} {
		if b.used < 0 || b.used > b.limit {
			return fmt.Sprintf("%s: %d bytes of %d", name, b.used, b.limit)
		}
	}
	return ""
}
