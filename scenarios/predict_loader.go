package scenarios

import (
	"github.com/pxeproof/pxeproof/servers/conf/grub"
	"github.com/pxeproof/pxeproof/servers/conf/ipxe"
)

// grub expects what GRUB's network image asks for, if it is known where it looks.
func (p *prediction) grub(b *bootAnswer) error {
	tree := p.tftpTree(b.from)
	defer tree.close()
	_, image, err := tree.Read(b.file)
	if err != nil || !grub.Embeds(image) {
		return nil
	}
	client := grub.Client{MAC: p.m.NICs[0].MAC, Addr: b.address, Server: b.from}
	return p.loaded(grub.Predict(client, tree), tree, b, grub.ConfigNames(client))
}

// ipxe expects what a script has iPXE ask for. The script is the boot file
// itself, and expected as that.
func (p *prediction) ipxe(b *bootAnswer) error {
	tree := p.tftpTree(b.from)
	defer tree.close()
	got := ipxe.Predict(ipxe.Client{MAC: p.m.NICs[0].MAC, UUID: p.m.UUID, Addr: b.address, Gateway: b.gateway, Mask: b.mask,
		Server: b.from, BootFile: b.file, EFI: p.m.Firmware.Kind == "uefi"}, tree)
	got.Lookups = got.Lookups[1:]
	return p.loaded(got, tree, b, nil)
}
