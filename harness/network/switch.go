package network

import (
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// A Switch says how the segment's bridge behaves. The zero value forwards from
// the first frame on.
type Switch struct {
	// ForwardDelay, if not zero, has the bridge run the spanning tree protocol:
	// a port that comes up listens for so long and learns for so long again
	// before it forwards (IEEE 802.1D; its default is 15 s, and the kernel allows 2
	// to 30 s). The bridge sends a BPDU every 2 s.
	ForwardDelay time.Duration
}

// Attributes of a bridge (linux/if_link.h).
const (
	bridgeForwardDelay = 1 // IFLA_BR_FORWARD_DELAY, in hundredths of a second
	bridgeSTPState     = 5 // IFLA_BR_STP_STATE
)

// Set makes the bridge behave so from now on. Ports that forward already go on
// doing so: it is those plugged in later that wait.
func (n *Network) Set(s Switch) error {
	if s.ForwardDelay == 0 {
		return nil
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(n.bridge.Attrs().Index)
	req.AddData(msg)
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	data.AddRtAttr(bridgeForwardDelay, nl.Uint32Attr(uint32(s.ForwardDelay/(10*time.Millisecond))))
	data.AddRtAttr(bridgeSTPState, nl.Uint32Attr(1))
	req.AddData(info)
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		return fmt.Errorf("network %s: spanning tree with a forward delay of %v: %w", n.Name(), s.ForwardDelay, err)
	}
	if err := n.addEar(); err != nil {
		return fmt.Errorf("network %s: a port to hear the bridge's BPDUs at: %w", n.Name(), err)
	}
	return nil
}

// earName is the interface at which the bridge's own frames come in.
const earName = "switch"

// addEar makes the bridge's BPDUs seen. A recorder takes what enters the ports,
// and these only leave; so one more port has a far end where they enter. Nothing
// else is flooded there, or the capture would have it twice.
func (n *Network) addEar() error {
	veth := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: earName + "-port", MasterIndex: n.bridge.Attrs().Index},
		PeerName:  earName,
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return err
	}
	if err := noFlood(veth.Attrs().Index); err != nil {
		return err
	}
	ear, err := netlink.LinkByName(earName)
	if err != nil {
		return err
	}
	return errors.Join(plug(ear), plug(veth))
}

// noFlood keeps from a port what is not addressed to somebody behind it.
func noFlood(index int) error {
	req := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_BRIDGE)
	msg.Index = int32(index)
	req.AddData(msg)
	port := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
	for _, a := range []int{nl.IFLA_BRPORT_UNICAST_FLOOD, nl.IFLA_BRPORT_MCAST_FLOOD, nl.IFLA_BRPORT_BCAST_FLOOD} {
		port.AddRtAttr(a, nl.Uint8Attr(0))
	}
	req.AddData(port)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}
