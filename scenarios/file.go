package scenarios

// The form of scenario.yaml. It says what the native files cannot; everything
// that they can say, they say.

type scenarioYAML struct {
	// About is one sentence for `pxeproof list`.
	About string `yaml:"about"`
	// Hosts are the server hosts.
	Hosts named[hostYAML] `yaml:"hosts"`
	// Machines are what boots.
	Machines named[machineYAML] `yaml:"machines"`
	// Assets are files that belong to a distribution or are made by pxeproof:
	// where in root/ they go, and what they are.
	Assets named[string] `yaml:"assets"`
	// Impair is what is wrong with the network: with the link of each machine
	// that says nothing else.
	Impair *at[impairYAML] `yaml:"impair"`
	// Fast saves iPXE its waiting: the built-in DHCP server tells it not to look
	// for a ProxyDHCP server (option 175.176), and a key ends its prompt. The one
	// is on the wire, the other not.
	Fast bool `yaml:"fast"`
	// Timeout ends a run that has proven nothing.
	Timeout at[duration] `yaml:"timeout"`
	// Provokes are the findings that this scenario is there to provoke. One with
	// any is meant to fail, or to pass with them.
	Provokes []string `yaml:"provokes"`
	// Expect adds to what the configs predict.
	Expect []at[expectYAML] `yaml:"expect"`
}

type hostYAML struct {
	Address at[string] `yaml:"address"`
	MAC     at[string] `yaml:"mac"`
	// Servers are what runs there, by protocol: dhcp, tftp, nfs, portmap, ra.
	Servers named[serverYAML] `yaml:"servers"`
}

type serverYAML struct {
	// Config is the server's file, as the server's host would name it. The
	// default is the first of the usual places that exists.
	Config at[string] `yaml:"config"`
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
