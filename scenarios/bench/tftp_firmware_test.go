package bench

import (
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/scenarios"
)

// Every firmware's scenario is one, with each clamp, and names what it is to
// fetch.
func TestFirmwareScenarios(t *testing.T) {
	for _, name := range Firmwares() {
		for _, clamp := range Clamps {
			row := &FirmwareRow{Firmware: name, Clamp: clamp}
			folder := t.TempDir()
			if err := row.lay(folder); err != nil {
				t.Fatal(err)
			}
			s, err := scenarios.Load(folder)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if len(s.Machines) != 1 || !strings.Contains(s.About, name) {
				t.Errorf("%s: %+v", name, s)
			}
		}
	}
}

func TestFirmwareText(t *testing.T) {
	var b strings.Builder
	writeFirmware(&b, []FirmwareRow{
		{Firmware: "ipxe", Clamp: 512, BlockSize: 512, WindowSize: 1, File: "vmlinuz", Bytes: 8e6, Rate: Sample{2}, Accel: "tcg"},
		{Firmware: "ipxe", Clamp: 1468, BlockSize: 1432, WindowSize: 1, File: "vmlinuz", Bytes: 8e6, Rate: Sample{5}, Accel: "tcg"},
		{Firmware: "grub", Clamp: 512, Failed: "it fetched no large file"},
	})
	for _, want := range []string{"With ipxe let the server give blksize 1432: 2.5 times the rate of 512", "grub, blksize at most 512: it fetched no large file"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, b.String())
		}
	}
}
