package captures

// The kinds of event. The comment behind each names its fields, in order;
// a field in [brackets] is there only if the frame had it. Addresses are
// netip.Addr, MACs net.HardwareAddr, numbers int64, yes-or-no bool, everything
// else string; raw option bytes are []byte.
const (
	// Link and addresses.
	LinkFirst  Kind = "link.first"  // the first frame from this machine's MAC: eth.src eth.type
	ARPRequest Kind = "arp.request" // arp.src.hw_mac arp.src.proto_ipv4 arp.dst.proto_ipv4
	ARPReply   Kind = "arp.reply"   // arp.src.hw_mac arp.src.proto_ipv4 arp.dst.hw_mac arp.dst.proto_ipv4
	STP        Kind = "stp.bpdu"    // the first BPDU on a port, and every one that changes: stp.root.hw stp.port

	// DHCP for IPv4 (RFC 2131), BOOTP and ProxyDHCP on port 4011 included. The
	// Host is the client's chaddr, both ways. Fields of all: udp.srcport
	// udp.dstport ip.src ip.dst dhcp.id dhcp.secs dhcp.flags.bc
	// dhcp.ip.client dhcp.ip.your dhcp.ip.server dhcp.ip.relay [dhcp.server]
	// [dhcp.file] (the header's sname and file, as options where option
	// overload, 52, says so), then [dhcp.option.dhcp_server_id]
	// [dhcp.option.requested_ip_address] [dhcp.option.ip_address_lease_time]
	// [dhcp.option.subnet_mask] [dhcp.option.router] (first address)
	// [dhcp.option.vendor_class_id] (60) [dhcp.option.user_class] (77, bytes)
	// [dhcp.option.client_architecture] (93, first) [dhcp.option.uuid] (97, bytes)
	// [dhcp.option.tftp_server_name] (66) [dhcp.option.bootfile_name] (67)
	// [dhcp.option.vendor_specific] (43, bytes) [dhcp.option.tftp_server_address] (150)
	// [dhcp.option.etherboot] (175, bytes) [dhcp.option.pxelinux_config] (209)
	// [dhcp.option.pxelinux_path_prefix] (210) [dhcp.option.message] (56)
	// [dhcp.checksum.bad] (true) [dhcp.checksum.partial] (true: the UDP checksum
	// was left to the network card and the capture is from before it).
	DHCPDiscover Kind = "dhcp.discover"
	DHCPOffer    Kind = "dhcp.offer"
	DHCPRequest  Kind = "dhcp.request"
	DHCPDecline  Kind = "dhcp.decline"
	DHCPAck      Kind = "dhcp.ack"
	DHCPNak      Kind = "dhcp.nak"
	DHCPRelease  Kind = "dhcp.release"
	DHCPInform   Kind = "dhcp.inform"
	BOOTPRequest Kind = "bootp.request" // no option 53
	BOOTPReply   Kind = "bootp.reply"

	// TFTP. The Host is the client's MAC. DATA and ACK fold into the Transfer.
	// Every event of a transfer has tftp.transfer: its index in
	// Timeline.Transfers.
	TFTPRequest  Kind = "tftp.rrq"          // tftp.transfer ip.src udp.srcport ip.dst udp.dstport tftp.source_file tftp.type [tftp.option.blksize] [tftp.option.tsize] [tftp.option.timeout] [tftp.option.windowsize] [tftp.option.multicast]
	TFTPRepeated Kind = "tftp.rrq.repeated" // the same RRQ from the same TID again: tftp.transfer tftp.source_file ip.dst
	TFTPWrite    Kind = "tftp.wrq"          // as tftp.rrq, tftp.destination_file for the file
	TFTPOack     Kind = "tftp.oack"         // tftp.transfer ip.src udp.srcport and the options as above
	TFTPError    Kind = "tftp.error"        // tftp.transfer ip.src ip.dst tftp.error.code tftp.error.message tftp.source_file tftp.bypeer tftp.probed (the client wanted the size alone: see Probed)
	TFTPStart    Kind = "tftp.start"        // the first DATA: tftp.transfer ip.src udp.srcport tftp.source_file
	TFTPDone     Kind = "tftp.done"         // the last ACK: tftp.transfer tftp.source_file tftp.bytes tftp.option.blksize tftp.option.windowsize tftp.resent tftp.seconds (a decimal string)
	TFTPStalled  Kind = "tftp.stalled"      // a side has sent the same OACK, DATA or ACK three times over and the other says nothing (given again for each time after that, to the eighth, and then at every doubling): tftp.transfer tftp.source_file tftp.block (the wire's number, 0 for OACK) tftp.repeats (how often it was sent again) tftp.seconds (a decimal string: since anything new was sent) tftp.bypeer (true: the client is silent, the server repeats)
	TFTPStray    Kind = "tftp.stray"        // DATA, OACK or ERROR for a transfer, from another address than was asked: tftp.transfer ip.src ip.dst

	// ICMP and IPv6 neighbour discovery.
	ICMPUnreachable Kind = "icmp.unreachable" // icmp.code ip.src ip.dst, and of the packet inside: icmp.ip.dst icmp.udp.dstport
	RouterSolicit   Kind = "icmpv6.rs"        // ipv6.src
	RouterAdvert    Kind = "icmpv6.ra"        // ipv6.src
	NeighborSolicit Kind = "icmpv6.ns"        // ipv6.src icmpv6.nd.ns.target_address

	// Sun RPC (RFC 5531), over UDP and TCP. Call and reply make one event, at
	// the reply; a call without a reply is given when the capture ends, with
	// rpc.answered false. Fields of all: rpc.xid rpc.program rpc.version
	// rpc.procedure ip.src (client) ip.dst (server) udp.dstport or tcp.dstport
	// rpc.answered [rpc.replystat] [rpc.state_accept] [rpc.state_reject].
	PortmapGetport Kind = "portmap.getport" // + portmap.prog portmap.vers portmap.proto portmap.port
	PortmapOther   Kind = "portmap.call"    // any other procedure
	MountMnt       Kind = "mount.mnt"       // + mount.path mount.status
	MountUmnt      Kind = "mount.umnt"      // + mount.path
	MountOther     Kind = "mount.call"
	NFSLookup      Kind = "nfs.lookup" // + nfs.name nfs.status nfs.path (the export's path as mounted and the names below it, "/root/inst/ks"; "?/ks" if the mount was not seen)
	NFSAccess      Kind = "nfs.access" // an ACCESS that does not grant to read a file, or to look into a directory: + [nfs.path] nfs.access_check (what was asked) nfs.access_rights (what was granted)
	NFSOpen        Kind = "nfs.read"   // the first READ of a file: + [nfs.transfer] (not if unanswered) [nfs.path] [nfs.status]
	NFSDone        Kind = "nfs.done"   // EOF was read: nfs.transfer [nfs.path] nfs.bytes
	NFSError       Kind = "nfs.error"  // any other procedure whose status is not OK, a later READ that failed, and any NFS call that RPC refused or nobody answered: + [nfs.path] [nfs.status]
	RPCOther       Kind = "rpc.call"   // any other program, and NFS of another version: the first of each procedure, and every one that failed

	// HTTP, plain, first line and status alone.
	HTTPRequest  Kind = "http.request"  // http.request.method http.request.uri http.host ip.dst tcp.dstport
	HTTPResponse Kind = "http.response" // http.response.code [http.request.uri] [http.content_length] [http.transfer] (of a GET that was granted)
	HTTPDone     Kind = "http.done"     // the last byte of a GET's answer: http.transfer http.request.uri http.bytes

	// TCP.
	TCPRefused Kind = "tcp.refused" // SYN answered by RST: ip.dst tcp.dstport
	TCPSyn     Kind = "tcp.syn"     // ip.dst tcp.dstport (not repeated)

	// Console (Source Console): text is the line without colour codes and
	// carriage returns.
	ConsoleLine Kind = "console.line" // text

	// The lab's own (Source Harness). A link's events have the Port that the
	// link begins at. The recorder is on that side: a frame for the machine is in
	// the capture and may be lost after; a frame of the machine's that is lost is
	// not in it, and one that comes twice is twice.
	LinkImpaired   Kind = "link.impaired"   // a link is bad on purpose: link.impairment (as scenario.yaml has it) link.seed
	LinkLost       Kind = "link.lost"       // it lost a frame (the first 1,000 of each link): link.to_machine link.number (of the frame, in its direction) link.reason ("loss", "mtu", "queue") frame.len
	LinkDone       Kind = "link.done"       // all that it did, once a direction: link.to_machine link.frames link.lost link.too_long link.overflow link.duplicated link.reordered
	MachineStarted Kind = "machine.started" // machine accel [snapshot] (the machine was not switched on but resumed at its first DISCOVER, from the snapshot of this key)
	MachineOff     Kind = "machine.off"     // machine reason ("guest-shutdown", "guest-reset", "host-qmp-quit", "guest-panic")
	MachineDied    Kind = "machine.died"    // machine status stderr: QEMU itself ended when nobody asked it to
	ServerSays     Kind = "server.log"      // server text
)
