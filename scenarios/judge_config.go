package scenarios

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
)

// JudgeCaptureWith is JudgeCapture with the servers' configurations at hand: what
// they promise each machine of the capture is held against what it got, and
// findings point at their lines. dir is a scenario's folder, whose hosts have
// their addresses, or a folder that stands for the server's / (etc/dhcpd.conf,
// tftpboot/…), whose address is the one that answers in the capture. Nothing is
// started. Files that are there are held against the transfers; assets and other
// files that are not are taken as the capture shows them.
//
// If the configurations cannot be read, the verdict is JudgeCapture's and the
// error is an *InputError.
//
// The capture is read twice; what cannot be rewound is put into a temporary file.
func JudgeCaptureWith(r io.Reader, dir string) (verdict.Verdict, *captures.Timeline, error) {
	file, done, err := rewindable(r)
	if err != nil {
		return verdict.Verdict{}, nil, err
	}
	defer done()
	in, err := captures.NewScanner(file, captures.Options{})
	if err != nil {
		return verdict.Verdict{}, nil, &InputError{err}
	}
	sight := newSight()
	v, t, damage := judgeScan(in, nil, sight.see, verdict.Expectations{Schema: verdict.ExpectationsSchema}, verdict.Options{Discover: true}, nil)
	x, err := promised(dir, sight.facts(t, v.Clients))
	if err != nil {
		return v, t, &InputError{errors.Join(damage, err)}
	}
	err = judgePromised(&v, file, x)
	if damage != nil {
		err = errors.Join(err, &InputError{damage})
	}
	return v, t, err
}

// rewindable is a capture that can be read again, at its beginning.
func rewindable(r io.Reader) (file io.ReadSeeker, done func(), err error) {
	if s, ok := r.(io.ReadSeeker); ok {
		if _, err := s.Seek(0, io.SeekStart); err == nil {
			return s, func() {}, nil
		}
	}
	f, err := os.CreateTemp("", "pxeproof-*.pcapng")
	if err != nil {
		return nil, nil, err
	}
	done = func() {
		f.Close()
		os.Remove(f.Name())
	}
	if _, err = io.Copy(f, r); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("keeping the capture, to read it twice: %w", err)
	}
	return f, done, nil
}

// judgePromised judges again those machines that boot once, by what the
// configurations promise, and takes that judgement where the capture proves it.
// It proves nothing by ending early.
func judgePromised(v *verdict.Verdict, file io.ReadSeeker, x verdict.Expectations) error {
	boots := map[string]int{}
	for i := range v.Clients {
		boots[v.Clients[i].Host]++
	}
	x.Machines = slices.DeleteFunc(x.Machines, func(m verdict.Machine) bool { return boots[m.MAC] != 1 })
	// What the servers made of a directive that is unknown here, the capture shows.
	x.Doubts = nil
	if len(x.Machines) == 0 {
		return nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in, err := captures.NewScanner(file, captures.Options{Digest: func(captures.Transfer) bool { return true }})
	if err != nil {
		return err
	}
	again, t, err := judgeScan(in, nil, nil, x, verdict.Options{Discover: true}, nil)
	if t == nil {
		return err // of the expectations; damage is known already
	}
	for i := range v.Clients {
		c := &v.Clients[i]
		k := slices.IndexFunc(again.Clients, func(a verdict.ClientVerdict) bool { return a.Host == c.Host })
		if k < 0 || boots[c.Host] != 1 || !proves(&again.Clients[k], c) {
			continue
		}
		promised := again.Clients[k]
		further(&promised, c)
		*c = promised
		v.Reasons = slices.DeleteFunc(v.Reasons, func(d verdict.Doubt) bool { return strings.HasPrefix(d.Text, c.Host+": ") })
	}
	v.Status = verdict.Pass
	for i := range v.Clients {
		if v.Clients[i].Status == verdict.Fail {
			v.Status = verdict.Fail
		}
	}
	if len(v.Reasons) > 0 {
		v.Status = verdict.Inconclusive
	}
	return nil
}

// further adds to a judgement by the configurations the rungs that they promise
// nothing of and the capture shows: a loader's configuration may be unreadable
// here, and the machine boots all the same.
func further(promised, discovered *verdict.ClientVerdict) {
	if promised.Status != verdict.Pass {
		return
	}
	for _, s := range discovered.Stages {
		if s.Status != verdict.Pass || s.Stage <= promised.Reached ||
			slices.ContainsFunc(promised.Stages, func(p verdict.StageOutcome) bool { return p.Stage == s.Stage }) {
			continue
		}
		promised.Stages = append(promised.Stages, s)
		promised.Reached, promised.Decided = s.Stage, max(promised.Decided, discovered.Decided)
		for _, o := range discovered.Outcomes {
			if o.Stage == s.Stage && o.Status == verdict.Pass {
				promised.Outcomes = append(promised.Outcomes, o)
			}
		}
	}
}

// proves says whether the judgement by the configurations is the better one.
func proves(promised, discovered *verdict.ClientVerdict) bool {
	switch {
	case promised.Status == verdict.Pass:
		return discovered.Status != verdict.Fail
	case promised.Status != verdict.Fail || discovered.Status == verdict.Pass:
		// A machine that boots by other files than these boots nevertheless.
		return false
	case discovered.Status == verdict.Fail:
		return true
	}
	// What is merely not seen may have come before or after the capture.
	return slices.ContainsFunc(promised.Outcomes, func(o verdict.Outcome) bool { return len(o.Mismatches) > 0 })
}

// promised is what the configurations in a folder promise the machines of a
// capture.
func promised(dir string, w *wireFacts) (verdict.Expectations, error) {
	s, root, err := captured(dir, w)
	if err != nil {
		return verdict.Expectations{}, err
	}
	s.expect = nil
	for i := range w.machines {
		m := &w.machines[i]
		for _, own := range s.Machines {
			if own.NICs[0].MAC.String() == m.NICs[0].MAC.String() {
				m.Name = own.Name
			}
		}
	}
	s.Machines = w.machines
	c, err := s.configs(root)
	if err != nil {
		return verdict.Expectations{}, err
	}
	defer c.close()
	c.wire = w
	for _, a := range s.Assets {
		// Whether it was there nobody can know; the capture says it if not.
		for _, t := range c.tftp {
			if name, ok := strings.CutPrefix(a.Path, strings.TrimSuffix(t.conf.Root().Text, "/")+"/"); ok {
				if _, seen := w.size("/" + name); !seen {
					w.files["/"+name] = 1
				}
			}
		}
	}
	return c.predict()
}

// captured is the scenario that a folder makes of the servers in a capture, and
// the folder that is their /.
func captured(dir string, w *wireFacts) (*Scenario, string, error) {
	fi, err := os.Stat(dir)
	if err == nil && !fi.IsDir() {
		err = fmt.Errorf("%s is no folder; name a scenario's, or one that stands for the server's /", dir)
	}
	if err != nil {
		return nil, "", err
	}
	if _, err := os.Stat(filepath.Join(dir, File)); err == nil {
		s, err := Open(os.DirFS(dir), filepath.Base(dir), filepath.Clean(dir))
		return s, filepath.Join(dir, rootDir), err
	}
	s := &Scenario{Name: filepath.Base(dir), Dir: filepath.Clean(dir), fsys: os.DirFS(dir), bare: true}
	h := Host{Name: "server"}
	for _, protocol := range []string{"dhcp", "tftp", "nfs"} {
		for _, p := range usualConfigs[protocol] {
			if fi, err := fs.Stat(s.fsys, p[1:]); err == nil && fi.Mode().IsRegular() {
				h.Servers = append(h.Servers, Service{Protocol: protocol, Config: p})
				break
			}
		}
	}
	if len(h.Servers) == 0 {
		return nil, "", fmt.Errorf("%s: there is neither a %s nor any of the servers' files (%s and the like) in it",
			dir, File, path.Join(dir, usualConfigs["dhcp"][0]))
	}
	s.Hosts = []Host{h}
	if err := s.address(dir, w); err != nil {
		return nil, "", err
	}
	return s, dir, nil
}

// address finds where the only host is: it is the server that answered in a
// subnet of its own configuration, else its next-server.
func (s *Scenario) address(dir string, w *wireFacts) error {
	h := &s.Hosts[0]
	// The reading that counts is still to come, and reports what is wrong.
	c, err := s.unplaced(dir)
	if err != nil {
		return err
	}
	defer c.close()
	var candidates []netip.Addr
	candidates = append(candidates, w.servers...)
	for _, d := range c.dhcp {
		for _, m := range w.machines {
			p := prediction{configs: c, m: m, machine: verdict.Machine{MAC: m.NICs[0].MAC.String()}}
			for _, n := range d.conf.Networks() {
				at := netip.PrefixFrom(n.Addr().Next(), n.Bits())
				if a := d.conf.Answer(p.query(), at).SIAddr.Value; a.Is4() && !a.IsUnspecified() {
					candidates = append(candidates, a)
				}
			}
		}
		for _, a := range candidates {
			for _, n := range d.conf.Networks() {
				if n.Contains(a) {
					h.Address = netip.PrefixFrom(a, n.Bits())
					return nil
				}
			}
		}
	}
	if len(c.dhcp) == 0 && len(candidates) > 0 {
		h.Address = netip.PrefixFrom(candidates[0], 24) // of which nothing depends
		return nil
	}
	return fmt.Errorf("%s: no DHCP server answers in the capture from a subnet that is declared here, and no next-server names one: "+
		"make it a scenario (pxeproof new) to say which address the server has", dir)
}

// unplaced reads the configurations without knowing where their host is.
func (s *Scenario) unplaced(dir string) (*configs, error) {
	c, err := openConfigs(s, dir)
	if err != nil {
		return nil, err
	}
	for _, sv := range s.Hosts[0].Servers {
		if err := c.read(s.Hosts[0], sv); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}
