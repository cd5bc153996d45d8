package verdict

import "net/netip"

func sameAddr(a, b netip.Addr) bool { return a == b }
