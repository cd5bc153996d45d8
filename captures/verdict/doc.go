// Package verdict judges a boot: it holds what a capture and a console show
// against what a working boot must show, and names the cause where they differ.
//
// A [Judge] is given [Expectations] (data, usually predicted from configuration
// files) and then [captures.Event]s, one at a time, as they happen or from a
// file: the result is the same. Each expectation ends in an [Outcome]; what
// stopped a boot ends in a [Finding], whose ID is an [Entry] of a table that
// [All] and [Describe] give.
//
// # How it judges
//
//   - A machine has booted when every expectation of it that is not optional
//     was met, each by something seen: an expectation without evidence fails.
//   - It has failed when what was seen contradicts an expectation, when a
//     finding's evidence leaves no way on (a kernel panic, iPXE's "Nothing to
//     boot", an address that never answers ARP), or when the capture ends.
//     What was still to come is then Blocked.
//   - A finding is an error only if it stopped this boot. The same fact in a
//     boot that went well is a note, or a warning if it will stop another kind
//     of client.
//   - Frames lost by the recorder, a configuration that may mean something we
//     do not know ([Doubt]), or a lab that broke make it Inconclusive.
//
// A machine that is decided is closed: events that come later change nothing.
// Therefore a verdict made live, which ends the capture a moment after the
// decision, and one made from the whole capture are equal.
//
// # verdict.json
//
// [Verdict] in JSON has this form, in this order. Times are RFC 3339 with
// nanoseconds, spans are seconds with three decimals, counted from power-on,
// frames are objects with a number (and a file, if it is not the run's own
// capture); what is empty is left out. Names of things may be added within a
// version; a change of meaning changes the number behind the slash.
//
//	{
//	  "schema": "pxeproof.verdict/1",
//	  "status": "fail",                   pass, fail, inconclusive, or pending while live
//	  "reasons": [{"text", "where"}],     why it is inconclusive
//	  "end": {"reason", "text", "dropped"},  how the capture ended
//	  "clients": [{
//	    "host": "52:54:00:12:34:56",
//	    "boot": 2,                        which of the host's boots, from the second on
//	    "name": "client1",
//	    "firmware": "bios", "rom": "ipxe", "loader": "pxelinux",
//	    "status": "fail",
//	    "reached": "dhcp",                the last stage passed with all before it
//	    "power_on": "2026-01-02T03:04:05.6Z",
//	    "decided": 2.113,                 when it was decided
//	    "stages": [{"stage", "status", "after", "evidence", "frames"}],
//	    "outcomes": [{"id", "stage", "title", "status", "at", "after",
//	                  "evidence", "frames", "mismatches", "origin"}],
//	    "findings": [{"id", "severity", "summary", "hint", "frames", "where"}],
//	    "last": {"text", "after", "frames"},   of a failure: the last thing that was seen
//	    "next": {"text", "origin"}             and what was expected next
//	  }]
//	}
package verdict
