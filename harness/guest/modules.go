package guest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// module is a kernel module, decompressed.
type module struct {
	name string // of the file, without folder and compression: virtio_net.ko
	data []byte
}

// maxModule is far above any module's size; it bounds decompression.
const maxModule = 64 << 20

// loadModules reads the modules called names, and all that they depend on, from
// the modules' folder of a kernel, in an order in which they can be inserted.
// Modules that are built into the kernel are left out.
//
// It reads no modules.dep: that file is made by depmod when a kernel is
// installed, and a package that was only unpacked has none.
func loadModules(dir string, names []string) ([]module, error) {
	files, err := moduleIndex(dir, "modules.order")
	if err != nil {
		return nil, err
	}
	builtin, err := moduleIndex(dir, "modules.builtin")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var order []module
	seen := make(map[string]bool)
	var visit func(name, wantedBy string) error
	visit = func(name, wantedBy string) error {
		name = canonical(name)
		if seen[name] || builtin[name] != "" {
			return nil
		}
		seen[name] = true // before its dependencies, so that a circle ends
		file, ok := files[name]
		if !ok {
			return fmt.Errorf("the kernel's modules in %s have no %s, which %s needs", dir, name, wantedBy)
		}
		data, err := readModule(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		depends, err := dependsOf(data)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, file), err)
		}
		for _, d := range depends {
			if err := visit(d, name); err != nil {
				return err
			}
		}
		order = append(order, module{path.Base(file), data})
		return nil
	}
	for _, name := range names {
		if err := visit(name, "the machine"); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// canonical is a module's name as the kernel has it: files are named with
// either sign.
func canonical(name string) string {
	return strings.ReplaceAll(name, "-", "_")
}

// moduleIndex reads modules.order or modules.builtin: names to paths in dir,
// such as kernel/drivers/net/virtio_net.ko.
func moduleIndex(dir, name string) (map[string]string, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	index := make(map[string]string)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		file := path.Clean(strings.TrimSpace(lines.Text()))
		if !filepath.IsLocal(file) || path.Ext(file) != ".ko" {
			continue
		}
		index[canonical(strings.TrimSuffix(path.Base(file), ".ko"))] = file
	}
	return index, lines.Err()
}

// readModule reads a module that may be compressed, as distributions differ.
func readModule(file string) ([]byte, error) {
	for _, c := range []struct {
		suffix string
		open   func(io.Reader) (io.Reader, error)
	}{
		{"", func(r io.Reader) (io.Reader, error) { return r, nil }},
		{".xz", func(r io.Reader) (io.Reader, error) { return xz.NewReader(r, 0) }},
		{".zst", func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) }},
		{".gz", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	} {
		f, err := os.Open(file + c.suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r, err := c.open(bufio.NewReader(f))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		data, err := io.ReadAll(io.LimitReader(r, maxModule))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		return data, nil
	}
	return nil, fmt.Errorf("%s: %w", file, fs.ErrNotExist)
}

// dependsOf reads the names of the modules that a module depends on, which its
// build left in the section .modinfo as "depends=a,b".
func dependsOf(data []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("it is no kernel module: %w", err)
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return nil, errors.New("it is no kernel module: it has no section .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for field := range bytes.SplitSeq(info, []byte{0}) {
		if list, ok := bytes.CutPrefix(field, []byte("depends=")); ok && len(list) > 0 {
			return strings.Split(string(list), ","), nil
		}
	}
	return nil, nil
}
