package verdict

import "github.com/pxeproof/pxeproof/captures"

const guestError = "pxeproof: error mounting nfs:192.168.1.103:/root/inst: Permission denied"

func getport(port int64, answered bool) []captures.Field {
	return []captures.Field{field("portmap.prog", int64(100005)), field("portmap.vers", int64(3)), field("portmap.port", port), field("rpc.answered", answered)}
}

var nfsFaults = map[string][]fault{
	"nfs-portmap-unreachable": {{
		tape: func() *tape {
			return running().wire(captures.TCPRefused, field("ip.dst", addr(server)), field("tcp.dstport", int64(111))).say(guestError)
		},
		early: true, stage: Files, says: []string{"refuses port 111"}, frames: 1,
	}, {
		tape:  func() *tape { return running().rpc(captures.PortmapGetport, getport(0, true)...).say(guestError) },
		early: true, stage: Files, says: []string{"knows no port for MOUNT"}, frames: 1,
	}, { // a call without an answer is told when the capture ends
		tape: func() *tape {
			return running().wire(captures.PortmapGetport, append([]captures.Field{field("ip.dst", addr(server))}, getport(-1, false)...)...)
		},
		stage: Files, says: []string{"does not answer"}, frames: 1,
	}},
	"nfs-no-answer": {{
		tape: func() *tape {
			return running().rpc(captures.PortmapGetport, getport(2049, true)...).
				wire(captures.TCPRefused, field("ip.dst", addr(server)), field("tcp.dstport", int64(2049))).say(guestError)
		},
		early: true, stage: Files, says: []string{"refuses port 2049"}, frames: 1,
	}, {
		tape: func() *tape {
			return running().wire(captures.MountMnt, field("ip.dst", addr(server)), field("rpc.answered", false), field("rpc.program", int64(100005)), field("mount.path", "/root/inst"))
		},
		stage: Files, says: []string{"no reply to a call of MOUNT"}, frames: 1,
	}},
	"nfs-version": {{
		tape: func() *tape {
			return running().wire(captures.RPCOther, field("ip.dst", addr(server)), field("rpc.answered", true), field("rpc.program", int64(100003)), field("rpc.version", int64(3)), field("rpc.state_accept", int64(2))).say(guestError)
		},
		early: true, stage: Files, says: []string{"does not serve NFS version 3"}, frames: 1,
	}},
	"nfs-mount-denied": {{
		tape: func() *tape {
			return running().rpc(captures.MountMnt, field("mount.path", "/root/inst/"), field("mount.status", int64(13))).say(guestError)
		},
		early: true, stage: Files, says: []string{"denies the MOUNT", "status 13"}, where: "tftpboot/pxelinux.cfg/default:6:1", frames: 1,
	}},
	"nfs-no-such-export": {{
		tape: func() *tape {
			return running().rpc(captures.MountMnt, field("mount.path", "/root/inst"), field("mount.status", int64(2))).say(guestError)
		},
		early: true, stage: Files, says: []string{"no directory"}, frames: 1,
	}},
	"nfs-no-such-file": {{
		tape: func() *tape {
			return running().rpc(captures.MountMnt, field("mount.path", "/root/inst"), field("mount.status", int64(0))).
				rpc(captures.NFSLookup, field("nfs.name", "ks"), field("nfs.path", ksPath), field("nfs.status", int64(2))).say(guestError)
		},
		early: true, stage: Files, says: []string{ksPath}, where: "tftpboot/pxelinux.cfg/default:6:1", frames: 1,
	}},
	"nfs-permission": {{
		tape: func() *tape {
			return running().rpc(captures.MountMnt, field("mount.path", "/root/inst"), field("mount.status", int64(0))).
				rpc(captures.NFSError, field("nfs.path", ksPath), field("nfs.status", int64(13))).say(guestError)
		},
		early: true, stage: Files, says: []string{"read", ksPath}, frames: 1,
	}, {
		tape: func() *tape {
			return running().rpc(captures.MountMnt, field("mount.path", "/root/inst"), field("mount.status", int64(0))).
				rpc(captures.NFSAccess, field("nfs.path", ksPath), field("nfs.access_check", int64(0x2d)), field("nfs.access_rights", int64(0))).say(guestError)
		},
		early: true, stage: Files, says: []string{"grant", ksPath}, frames: 1,
	}},
}
