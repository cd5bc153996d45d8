package scaffold

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"text/template"
)

var document = template.Must(template.New("scenario.yaml").Parse(`about: {{.About}}

# The machines that serve, by name. The files that they serve are in root/, which
# stands for / there; they are copies, and the configurations are verbatim.
hosts:
  server:
    address: {{.Address}}  # {{.AddressWhy}}
    servers:
      dhcp: {config: {{.DHCP}}}
{{- if .TFTP}}
      tftp: {config: {{.TFTP}}}
{{- end}}
{{- if .NFS}}
      nfs: {config: {{.NFS}}}
      portmap: {}
{{- end}}
      # Router advertisements. Take the mark away if a router of your network sends
      # them; without any, iPXE waits for some 13 seconds.
      # ra: {}

# The machines that boot, each from its network card.
machines:
  client:
{{- if .MAC}}
    mac: {{.MAC}}  # {{.MACWhy}}
{{- end}}
    firmware: bios
    nic: virtio-net-pci  # e1000 is known to older kernels
{{- if .Memory}}
    memory: {{.Memory}}  # MiB
{{- end}}
{{- if .Assets}}

# Files that were not there, and what stands in for them: those of the distribution
# (pxeproof assets lists them) and those that pxeproof makes. Put a file of your own
# in its place in root/ and take the line out.
assets:
{{- range .Assets}}
  {{.Path}}: {{.Name}}
{{- end}}
{{- end}}

# What a working boot must show follows from the files. Expect more of it here:
# expect:
#   - transfer: {{.Example}}
#     rate: ">= 1 MB/s"
`))

// writeYAML writes scenario.yaml.
func (m *material) writeYAML(file string) error {
	type assetLine struct{ Path, Name string }
	d := struct {
		About, Address, AddressWhy string
		DHCP, TFTP, NFS            string
		MAC, MACWhy                string
		Memory                     int
		Assets                     []assetLine
		Example                    string
	}{
		About:   quote("What " + m.dhcp.from + " and the files that go with it boot"),
		Address: m.server.address.String(), AddressWhy: m.server.why,
		DHCP:   quote(m.dhcp.to),
		Memory: m.machine.memory,
		// A line of comment has no room for an odd name.
		Example: "pxelinux.cfg/default",
	}
	if m.tftp != nil {
		d.TFTP = quote(m.tftp.to)
	}
	if m.nfs != nil {
		d.NFS = quote(m.nfs.to)
	}
	if m.machine.mac != nil {
		d.MAC, d.MACWhy = quote(m.machine.mac.String()), m.machine.why
	}
	for _, a := range m.assets {
		d.Assets = append(d.Assets, assetLine{quote(a.path), quote(a.name)})
	}
	var b bytes.Buffer
	if err := document.Execute(&b, d); err != nil {
		return err
	}
	return os.WriteFile(filepath.Clean(file), b.Bytes(), 0o644)
}

// quote writes a string of which YAML would make something else in double
// quotes, whose escapes are Go's as far as they are used here.
func quote(s string) string {
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case r == '/', r == '.', r == '-', r == '_', r == ' ':
		default:
			return strconv.Quote(s)
		}
	}
	return s
}
