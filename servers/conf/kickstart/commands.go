package kickstart

// commands are those of all versions of the language from Red Hat Enterprise
// Linux 3 to Fedora 42, those without effect today among them.
var commands = []string{
	"auth", "authconfig", "authselect", "autopart", "autostep", "bootc", "bootloader", "btrfs", "cdrom",
	"clearpart", "cmdline", "device", "deviceprobe", "dmraid", "driverdisk", "eula", "fcoe", "firewall",
	"firstboot", "graphical", "group", "halt", "harddrive", "hmc", "ignoredisk", "install", "interactive",
	"iscsi", "iscsiname", "key", "keyboard", "lang", "langsupport", "liveimg", "logging", "logvol",
	"mediacheck", "method", "module", "monitor", "mount", "mouse", "multipath", "network", "nfs", "nvdimm",
	"ostreecontainer", "ostreesetup", "part", "partition", "poweroff", "raid", "rdp", "realm", "reboot",
	"repo", "reqpart", "rescue", "rhsm", "rootpw", "selinux", "services", "shutdown", "skipx", "snapshot",
	"sshkey", "sshpw", "syspurpose", "text", "timesource", "timezone", "unsupported_hardware", "updates",
	"upgrade", "url", "user", "vnc", "volgroup", "xconfig", "zerombr", "zfcp", "zipl",
}
