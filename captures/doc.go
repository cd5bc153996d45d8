// Package captures is the witness: it turns frames into events.
//
// Frames come from the lab's bridge ([Record]) or from a file ([Read]), and
// both feed one [Decoder], frame by frame, so that what is judged live is what
// is judged from the file. The decoder knows Ethernet with VLAN tags, Linux
// cooked captures, ARP, IPv4 and IPv6, ICMP, DHCP and BOOTP, TFTP, and over
// UDP and TCP Sun RPC with portmap, MOUNT and NFSv3; of plain HTTP the first
// lines, and of the spanning tree the BPDUs.
//
// An [Event] is a milestone; the frames that carry a file's bytes fold into
// its [Transfer]. Start with event.go and kinds.go, then decoder.go.
//
// Everything in a frame is taken to be hostile: lengths are checked, memory is
// bounded by [Limits], and no input makes the decoder panic.
package captures
