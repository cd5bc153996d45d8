package check

// The IDs of what is found across files. The readers have their own, with the
// reader's name in front.
const (
	nextServerMissing = "next-server-missing"
	nextServerNobody  = "next-server-nobody"
	rangeHoldsRouter  = "range-holds-router"
	rangeHoldsServer  = "range-holds-server"
	routerOutside     = "router-outside-subnet"

	tftpRootMissing = "tftp-root-missing"
	bootfileUnset   = "bootfile-unset"
	bootfileMissing = "bootfile-missing"
	bootfileCase    = "bootfile-case"
	bootfilePrefix  = "bootfile-prefix"

	ldlinuxMissing  = "ldlinux-missing"
	configMissing   = "pxelinux-config-missing"
	defaultMissing  = "pxelinux-default-missing"
	kernelMissing   = "pxelinux-kernel-missing"
	initrdMissing   = "pxelinux-initrd-missing"
	initrdForgotten = "pxelinux-initrd-forgotten"

	ksServerNobody = "ks-server-nobody"
	ksNotExported  = "ks-not-exported"
	ksNotAllowed   = "ks-client-not-allowed"
	ksFileMissing  = "ks-file-missing"
	ksFileCase     = "ks-file-case"

	exportMissing   = "export-missing"
	exportNotSubnet = "export-not-for-subnet"

	kickstartReboots     = "kickstart-reboot-loop"
	kickstartInRange     = "kickstart-address-in-range"
	kickstartNobody      = "kickstart-server-nobody"
	kickstartNotExported = "kickstart-dir-not-exported"
)

// A Rule is what a finding's ID stands for.
type Rule struct {
	ID string `json:"id"`
	// About is one sentence without a full stop.
	About string `json:"about"`
}

// Rules are those of this package, in the order of a boot.
func Rules() []Rule {
	return []Rule{
		{nextServerMissing, "A boot file is given, but not the server that has it"},
		{nextServerNobody, "next-server is an address that nobody in the scenario has"},
		{rangeHoldsRouter, "A dynamic range holds the router's address"},
		{rangeHoldsServer, "A dynamic range holds a server's address"},
		{routerOutside, "The router is in none of the link's subnets"},
		{tftpRootMissing, "The folder that the TFTP server gives out is not there"},
		{bootfileUnset, "A machine of the scenario is given no boot file"},
		{bootfileMissing, "The boot file is not in the TFTP server's folder"},
		{bootfileCase, "The boot file is there under a name with other capitals"},
		{bootfilePrefix, "The boot file's path does not fit the TFTP server's root (-s)"},
		{ldlinuxMissing, "PXELINUX 5 and later need ldlinux.c32 beside pxelinux.0"},
		{configMissing, "PXELINUX finds no configuration under any of its names"},
		{defaultMissing, "What PXELINUX is to boot is neither a label nor a file"},
		{kernelMissing, "A label's kernel is not in the TFTP server's folder"},
		{initrdMissing, "A label's initrd is not in the TFTP server's folder"},
		{initrdForgotten, "A label loads no initrd, though one lies beside its kernel"},
		{ksServerNobody, "The kickstart file is to come from an address that nobody in the scenario has"},
		{ksNotExported, "The kickstart file is in no exported folder"},
		{ksNotAllowed, "The kickstart file's folder is not exported to the clients"},
		{ksFileMissing, "The kickstart file is not there"},
		{ksFileCase, "The kickstart file is there under a name with other capitals"},
		{exportMissing, "An exported folder is not there"},
		{exportNotSubnet, "An export's clients are not those of the subnet that boots"},
		{kickstartReboots, "The machine installs itself again and again"},
		{kickstartInRange, "A kickstart file's fixed address lies in a dynamic range"},
		{kickstartNobody, "The installation's server is nobody in the scenario"},
		{kickstartNotExported, "The installation's folder is not exported"},
	}
}
