package scenarios

// The form of scenario.yaml. It says what the native files cannot; everything
// that they can say, they say.

type scenarioYAML struct {
	// About is one sentence for `pxeproof list`.
	About string `yaml:"about"`
	// Hosts are the server hosts.
	Hosts named[hostYAML] `yaml:"hosts"`
	// Network is what is between them. Default: a switch that forwards at once.
	Network networkYAML `yaml:"network"`
	// Machines are what boots.
	Machines named[machineYAML] `yaml:"machines"`
	// Assets are files that belong to a distribution or are made by pxeproof:
	// where in root/ they go, and what they are.
	Assets named[string] `yaml:"assets"`
	// Files are the files to take for assets, by the asset's name: {kernel:
	// my/vmlinuz}. A relative path counts from the scenario's folder. They come
	// before what the environment says, and --asset before them.
	Files named[string] `yaml:"files"`
	// Modes are the permissions of files in root/ that are not 0644, in octal:
	// "0600". Git would not keep them.
	Modes named[string] `yaml:"modes"`
	// Impair is what is wrong with the network: with the link of each machine
	// that says nothing else.
	Impair *at[impairYAML] `yaml:"impair"`
	// Payload is what boots in the place of a distribution's kernel: "probe" is a
	// tiny one that says what came over the wire and powers off. The default is
	// the kernel that is named.
	Payload at[string] `yaml:"payload"`
	// Fast saves iPXE its waiting: the built-in DHCP server tells it not to look
	// for a ProxyDHCP server (option 175.176), and a key ends its prompt. The one
	// is on the wire, the other not.
	Fast bool `yaml:"fast"`
	// Cold has the machines boot from their beginning every time, and not where
	// they ask for an address, from a snapshot of an earlier boot.
	Cold bool `yaml:"cold"`
	// Timeout ends a run that has proven nothing.
	Timeout at[duration] `yaml:"timeout"`
	// Provokes are the findings that this scenario is there to provoke. One with
	// any is meant to fail, or to pass with them.
	Provokes []string `yaml:"provokes"`
	// Twin names the scenario of the library that is this one without its fault,
	// and passes without findings.
	Twin string `yaml:"twin"`
	// Matrix are variants of the scenario: the same servers and files, another
	// machine. They are run side by side.
	Matrix named[variantYAML] `yaml:"matrix"`
	// Expect adds to what the configs predict.
	Expect []at[expectYAML] `yaml:"expect"`
}

type networkYAML struct {
	// STP has the switch run the spanning tree protocol, and is its forward
	// delay, 2s to 30s (IEEE 802.1D; switches come with 15s): a machine's port
	// forwards nothing for twice as long.
	STP at[duration] `yaml:"stp"`
}

type hostYAML struct {
	Address at[string] `yaml:"address"`
	MAC     at[string] `yaml:"mac"`
	// MTU is that of its interface, in bytes, 576 to 1500. Default: 1500.
	MTU at[int] `yaml:"mtu"`
	// Servers are what runs there, by protocol: dhcp, http, nfs, portmap, ra,
	// tftp; and acd, a host that defends its address.
	Servers named[serverYAML] `yaml:"servers"`
}

type serverYAML struct {
	// Config is the server's file, as the server's host would name it. The
	// default is the first of the usual places that exists.
	Config at[string] `yaml:"config"`
	// Root is the document root of an http server. Default: /var/www/html.
	Root at[string] `yaml:"root"`
	// Faults are what is wrong with the server on purpose: a mapping for dhcp and
	// nfs, a list for tftp and http. Default: nothing.
	Faults later `yaml:"faults"`
	// The rest is the tftp server's alone. BlkSize clamps the blksize that it
	// agrees to, in bytes. WindowSize has it agree to windowsize, up to so many
	// blocks, though in.tftpd before 5.3, which it plays, knows none. Rollover is
	// the number of the block after 65535, for the few clients that want 1.
	// Multicast has it agree to multicast (RFC 2090): "239.255.0.0:1758" is the
	// first address of the groups, and their port. MTFTP are files that it gives
	// out by PXE's own multicast. Engine is what moves the blocks: own or pin.
	BlkSize    at[int]         `yaml:"blksize"`
	WindowSize at[int]         `yaml:"windowsize"`
	Rollover   at[int]         `yaml:"rollover"`
	Multicast  at[string]      `yaml:"multicast"`
	MTFTP      []at[mtftpYAML] `yaml:"mtftp"`
	Engine     at[string]      `yaml:"engine"`
}

// mtftpYAML is a file of MTFTP (PXE 2.1, 4.2): what the sub-options 1 to 3 of
// option 43 tell the client, which the DHCP server's own file has to say.
type mtftpYAML struct {
	File string `yaml:"file"`
	// Group is where the data goes, an address and the clients' port.
	Group string `yaml:"group"`
	// Port is where requests come.
	Port uint16 `yaml:"port"`
}

type machineYAML struct {
	MAC      at[string] `yaml:"mac"`
	UUID     at[string] `yaml:"uuid"`
	Firmware at[string] `yaml:"firmware"`
	NIC      at[string] `yaml:"nic"`
	ROM      at[string] `yaml:"rom"`
	Memory   at[int]    `yaml:"memory"`
	CPUs     at[int]    `yaml:"cpus"`
	Reboots  bool       `yaml:"reboots"`
	// Impair is what is wrong with the machine's link.
	Impair *at[impairYAML] `yaml:"impair"`
	// SecureBoot has UEFI firmware with Microsoft's keys verify what it starts.
	SecureBoot at[bool] `yaml:"secure-boot"`
}

// A variantYAML is one column of a matrix.
type variantYAML struct {
	// Machine takes the place of the scenario's one machine.
	Machine machineYAML `yaml:"machine"`
	// Provokes are the findings that this variant is there to provoke.
	Provokes []string `yaml:"provokes"`
}

type expectYAML struct {
	// Machine is whose; may be left out where there is one.
	Machine string `yaml:"machine"`

	// Transfer names a file as the machine asks for it; Rate and Resent bound
	// it (">= 1 MB/s", "<= 2"), Stage is the stage it belongs to.
	Transfer string `yaml:"transfer"`
	Rate     string `yaml:"rate"`
	Resent   string `yaml:"resent"`

	// Console is text that a console line must hold.
	Console string `yaml:"console"`
	// Seen and Absent are kinds of event: "dhcp.nak".
	Seen   string `yaml:"seen"`
	Absent string `yaml:"absent"`
}
