package scenarios

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/guest"
	"github.com/pxeproof/pxeproof/harness/guest/probe"
	"github.com/pxeproof/pxeproof/harness/qemu"
)

// overrides are the files to be taken for assets: those of the person who runs
// the scenario, and then those of its author.
func (s *Scenario) overrides(person map[string]string) map[string]string {
	all := map[string]string{}
	for _, f := range s.Files {
		file := f.Path
		if !filepath.IsAbs(file) {
			// The file of a scenario in one file lies in a folder too.
			dir := s.Dir
			if strings.HasSuffix(dir, archive) {
				dir = filepath.Dir(dir)
			}
			file = filepath.Join(dir, file)
		}
		all[f.Name] = file
	}
	maps.Copy(all, person)
	return all
}

// FindAssets says what each asset is and where, once for every name. It builds
// those that are made.
func (s *Scenario) FindAssets(ctx context.Context, store *assets.Store) ([]assets.Asset, error) {
	return atOnce(s.assetFinders(ctx, store))
}

// A finder finds one asset.
type finder func() (assets.Asset, error)

// atOnce has finders work at once, as some files are large to read. Of several
// errors it returns that of the first.
func atOnce(finders []finder) ([]assets.Asset, error) {
	found, errs := make([]assets.Asset, len(finders)), make([]error, len(finders))
	var finding errgroup.Group
	finding.SetLimit(runtime.GOMAXPROCS(0))
	for i, find := range finders {
		finding.Go(func() error {
			found[i], errs[i] = find()
			return nil
		})
	}
	_ = finding.Wait()
	return found, cmp.Or(errs...)
}

// assetFinders are the scenario's own, once for every name.
func (s *Scenario) assetFinders(ctx context.Context, store *assets.Store) []finder {
	var all []finder
	for i, a := range s.Assets {
		if slices.ContainsFunc(s.Assets[:i], func(b Asset) bool { return b.Name == a.Name }) {
			continue
		}
		all = append(all, func() (assets.Asset, error) {
			found, err := s.findAsset(ctx, store, a.Name)
			if err != nil {
				err = fmt.Errorf("%s: %w", a.Pos, err)
			}
			return found, err
		})
	}
	return all
}

// firmwareFiles names OVMF's two flash images, as assets: the code, and the
// variables that a machine gets a copy of. For Secure Boot these hold
// Microsoft's keys.
func firmwareFiles(f qemu.Firmware) (code, vars string) {
	if f.SecureBoot {
		return "OVMF_CODE.ms.fd", "OVMF_VARS.ms.fd"
	}
	return "OVMF_CODE.fd", "OVMF_VARS.fd"
}

// firmwareFinders are for what the machines start with that QEMU does not bring.
func (s *Scenario) firmwareFinders(ctx context.Context, store *assets.Store) []finder {
	var names []string
	for _, m := range s.Machines {
		if m.Firmware.Kind != "uefi" {
			continue
		}
		code, vars := firmwareFiles(m.Firmware)
		for _, name := range []string{code, vars} {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	var all []finder
	for _, name := range names {
		all = append(all, func() (assets.Asset, error) { return store.Find(ctx, name) })
	}
	return all
}

// Assets that this program has or makes itself, by what their names begin with.
const (
	madePrefix  = "initrd:"
	probePrefix = "probe:"
	zerosPrefix = "zeros:" // so many MiB of them
)

// isKernel says whether an asset is a distribution's kernel.
func isKernel(asset string) bool { return asset == "kernel" || asset == "kernel-cloud" }

// maxZeros bounds them, in MiB.
const maxZeros = 256

// zeros makes a file of a given size of nothing, for what depends on size alone.
func zeros(store *assets.Store, name, size string) (assets.Asset, error) {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 1 || n > maxZeros {
		return assets.Asset{}, &InputError{fmt.Errorf("the asset %s: write its size in MiB, 1 to %d", name, maxZeros)}
	}
	cache, err := store.CacheDir()
	if err != nil {
		return assets.Asset{}, err
	}
	path := filepath.Join(cache, "zeros", size)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return assets.Asset{}, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return assets.Asset{}, err
	}
	return assets.Asset{Name: name, Path: path}, errors.Join(f.Truncate(n<<20), f.Close())
}

func (s *Scenario) findAsset(ctx context.Context, store *assets.Store, name string) (assets.Asset, error) {
	if s.Probe && isKernel(name) {
		return probeAsset(store, name, probe.Kernel)
	}
	if program, ok := strings.CutPrefix(name, probePrefix); ok {
		switch program {
		case "kernel":
			return probeAsset(store, name, probe.Kernel)
		case "nbp":
			return probeAsset(store, name, probe.NBP)
		case "efi":
			return probeAsset(store, name, probe.EFI)
		}
		return assets.Asset{}, &InputError{fmt.Errorf("no probe is called %q; there are kernel, nbp and efi", program)}
	}
	if size, ok := strings.CutPrefix(name, zerosPrefix); ok {
		return zeros(store, name, size)
	}
	payload, made := strings.CutPrefix(name, madePrefix)
	if !made {
		a, err := store.Find(ctx, name)
		// A file that was named for it and does not serve is wrong input; that
		// the distribution's is not there is a lack of this machine's.
		if missing, ok := errors.AsType[*assets.NotFoundError](err); err != nil && (!ok || missing.Unfit != nil) {
			err = &InputError{err}
		}
		return a, err
	}
	spec := guest.Spec{Payload: guest.Payload(payload), NIC: s.Machines[0].NICs[0].Model}
	if needs := spec.Payload.Needs(s.kernelAsset()); slices.Contains(needs, s.kernelAsset()) {
		// The modules are those of the kernel that it is booted with.
		var err error
		if spec.Kernel, err = store.Kernel(ctx, s.kernelAsset()); err != nil {
			return assets.Asset{}, err
		}
	}
	path, err := guest.Build(ctx, store, spec)
	return assets.Asset{Name: name, Path: path}, err
}

// probeAsset lays one of the probe's programs out as a file.
func probeAsset(store *assets.Store, name string, program []byte) (assets.Asset, error) {
	sum := probe.Digest(program)
	path, err := store.Made(sum+".probe", func(path string) error { return os.WriteFile(path, program, 0o644) })
	return assets.Asset{Name: name, Path: path, SHA256: sum}, err
}
