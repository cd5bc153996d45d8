// Package check finds in a network boot's configuration files what can be
// found without booting: what a server's own reader takes amiss, and what one
// file says that another contradicts.
//
// [Paths] takes what a person names: a scenario's folder, a folder that stands
// for / of a server, the name of a scenario in the library, or single files.
// [Tree] does the same for a file system of any kind. The Report that they give
// writes itself as text for people, JSON, or SARIF for code review.
//
// Hosts and their addresses are known from a scenario.yaml alone. Without one
// only what the files themselves name counts; nothing is guessed.
//
// The facts across files are one file each here: lease.go (dhcpd.conf), tftp.go,
// loader.go (pxelinux), nfs.go, kickstart.go. rules.go is the table of their IDs.
package check
