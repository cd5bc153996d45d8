package check

import (
	"bytes"
	"path"
	"regexp"
	"strings"
)

// A kind is whose configuration a file is.
type kind int

const (
	kindUnknown kind = iota
	kindDHCP
	kindDnsmasq
	kindKea
	kindXinetd
	kindTFTPDefault
	kindExports
	kindKickstart
	kindPXELinux
)

// signs are how a file shows its kind: by the name that it usually has, and
// else by what only such files say. The first that fits counts.
var signs = []struct {
	kind    kind
	name    *regexp.Regexp // of the last part of the path
	content *regexp.Regexp
}{
	{kindDnsmasq, regexp.MustCompile(`dnsmasq.*\.conf|\.dnsmasq$`),
		regexp.MustCompile(`(?m)^\s*(dhcp-(range|boot|host|option|match)|pxe-service|tftp-root)\s*=`)},
	{kindKea, regexp.MustCompile(`^kea.*\.(conf|json)$`), regexp.MustCompile(`"Dhcp4"\s*:`)},
	{kindDHCP, regexp.MustCompile(`dhcpd.*\.conf|\.dhcpd$`),
		regexp.MustCompile(`(?m)^\s*(subnet\s+\S+\s+netmask|shared-network|ddns-update-style|option\s+domain-name-servers|host\s+\S+\s*\{)`)},
	{kindXinetd, regexp.MustCompile(`^xinetd|\.xinetd$`), regexp.MustCompile(`(?m)^\s*service\s+\S+\s*$`)},
	{kindTFTPDefault, regexp.MustCompile(`^tftpd-hpa`), regexp.MustCompile(`(?m)^\s*TFTP_[A-Z]+=`)},
	{kindExports, regexp.MustCompile(`^exports|\.exports$`), regexp.MustCompile(`(?m)^/\S*\s+\S+\([a-z_,]+\)`)},
	{kindKickstart, regexp.MustCompile(`^(ks|kickstart)([.-].*)?$|\.ks$`),
		regexp.MustCompile(`(?m)^(%packages|rootpw|bootloader|clearpart|autopart|part|lang|keyboard)\b`)},
	{kindPXELinux, regexp.MustCompile(`^(pxelinux|syslinux|isolinux)\.cfg$`),
		regexp.MustCompile(`(?mi)^\s*(label|default|kernel|append|menu\s+label)\s`)},
}

// kindOf recognises a file; kindUnknown if it looks like nothing that is read
// here. What xinetd's tftp is called says nothing, so its content decides.
func kindOf(name string, src []byte) kind {
	if bytes.IndexByte(src, 0) >= 0 {
		return kindUnknown
	}
	if k := kindByName(name); k != kindUnknown {
		return k
	}
	if strings.Contains(path.Dir(name), "pxelinux.cfg") {
		return kindPXELinux
	}
	for _, s := range signs {
		if s.content.Match(src) {
			return s.kind
		}
	}
	return kindUnknown
}

// kindByName recognises a file by its name alone.
func kindByName(name string) kind {
	for _, s := range signs {
		if s.name.MatchString(path.Base(name)) {
			return s.kind
		}
	}
	return kindUnknown
}
