package verdict

import "github.com/pxeproof/pxeproof/captures"

// maxClients bounds the machines that a capture can show.
const maxClients = 4096

// discover makes a client of a host that asks in order to boot; nil if it does
// not, or not yet.
func (j *Judge) discover(e *captures.Event) *client {
	if e.Host == "" || e.Source != captures.Wire {
		return nil
	}
	boots := false
	switch e.Kind {
	case captures.DHCPDiscover, captures.DHCPRequest, captures.DHCPInform:
		boots = isBootClass(e.Text("dhcp.option.vendor_class_id")) || isIPXE(e) || e.Int("dhcp.option.client_architecture") >= 0
	case captures.BOOTPRequest, captures.TFTPRequest:
		boots = true
	}
	if !boots {
		if _, known := j.first[e.Host]; !known && len(j.first) < maxAddrs {
			j.first[e.Host] = *e
		}
		return nil
	}
	if len(j.clients) >= maxClients {
		return nil
	}
	c, err := j.newClient(Machine{MAC: e.Host}, false)
	if err != nil {
		return nil // cannot be: it expects nothing
	}
	if first, ok := j.first[e.Host]; ok {
		delete(j.first, e.Host)
		c.add(&first)
	}
	return c
}
