package verdict

import (
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// Schema is the version of verdict.json; see the package's documentation.
const Schema = "pxeproof.verdict/1"

// A Verdict is the judgement of a run.
type Verdict struct {
	Schema  string          `json:"schema"` // Schema
	Status  Status          `json:"status"`
	Reasons []Doubt         `json:"reasons,omitempty"` // why it is Inconclusive
	End     End             `json:"end"`
	Clients []ClientVerdict `json:"clients"` // in the order of Expectations
}

// A ClientVerdict is the judgement of one machine.
type ClientVerdict struct {
	Host     string `json:"host"`
	Boot     int    `json:"boot,omitempty"` // which of the host's boots in this capture, from 2 on
	Name     string `json:"name,omitempty"`
	Firmware string `json:"firmware,omitempty"`
	ROM      string `json:"rom,omitempty"`
	Loader   string `json:"loader,omitempty"`

	Status  Status    `json:"status"`
	Reached Stage     `json:"reached"` // the last stage passed with all before it
	PowerOn time.Time `json:"power_on,omitzero"`
	Decided Seconds   `json:"decided,omitempty"` // when it was decided; zero while Pending

	Stages   []StageOutcome `json:"stages"` // those with expectations, in order
	Outcomes []Outcome      `json:"outcomes"`
	Findings []Finding      `json:"findings,omitempty"` // errors first
	Last     *Sight         `json:"last,omitempty"`     // if it did not pass: the last thing seen
	Next     *Hope          `json:"next,omitempty"`     // and what was expected next
}

// An Outcome is what became of one Expectation.
type Outcome struct {
	ID         string           `json:"id"`
	Stage      Stage            `json:"stage"`
	Title      string           `json:"title"` // what was expected
	Status     Status           `json:"status"`
	At         time.Time        `json:"at,omitzero"`
	After      Seconds          `json:"after,omitempty"` // since power-on
	Evidence   string           `json:"evidence,omitempty"`
	Frames     []captures.Frame `json:"frames,omitempty"`
	Mismatches []Mismatch       `json:"mismatches,omitempty"`
	Origin     Origin           `json:"origin,omitzero"`
}

// A Mismatch is a value that was seen and is not the expected one.
type Mismatch struct {
	Field  string `json:"field"`
	Want   string `json:"want"`
	Got    string `json:"got"`
	Origin Origin `json:"origin,omitzero"` // the line that wants it
}

// A StageOutcome is one rung: the outcomes of a stage in one.
type StageOutcome struct {
	Stage    Stage            `json:"stage"`
	Status   Status           `json:"status"`
	After    Seconds          `json:"after,omitempty"` // when the last of it was settled
	Evidence string           `json:"evidence,omitempty"`
	Frames   []captures.Frame `json:"frames,omitempty"`
}

// A Finding is a cause, or something worth knowing.
type Finding struct {
	ID       string           `json:"id"` // of the table; see Describe
	Severity Severity         `json:"severity"`
	Summary  string           `json:"summary"` // what was seen, in a sentence or two
	Hint     string           `json:"hint,omitempty"`
	Frames   []captures.Frame `json:"frames,omitempty"`
	Where    []Origin         `json:"where,omitempty"` // the lines to look at
}

// A Sight is something that was seen, in words.
type Sight struct {
	Text   string           `json:"text"`
	After  Seconds          `json:"after,omitempty"`
	Frames []captures.Frame `json:"frames,omitempty"`
}

// A Hope is something that was expected, in words.
type Hope struct {
	Text   string `json:"text"`
	Origin Origin `json:"origin,omitzero"`
}

// An Update is news while a machine boots: plain data, to be shown. One of
// Stage and Activity is set.
type Update struct {
	Host     string        `json:"host"`
	Name     string        `json:"name,omitempty"`
	After    Seconds       `json:"after,omitempty"` // since power-on
	Stage    *StageOutcome `json:"stage,omitempty"` // a stage that has just been settled
	Activity string        `json:"activity,omitempty"`
	Climbing Stage         `json:"climbing,omitempty"` // of Activity: the stage that it is on the way to
}

// An EndReason says why there are no more events.
type EndReason string

const (
	EndDecided     EndReason = "decided"     // every machine was decided; also the zero End's
	EndCapture     EndReason = "capture"     // the capture ends here
	EndTimeout     EndReason = "timeout"     // the boot was given no more time
	EndInterrupted EndReason = "interrupted" // somebody stopped the run: open machines are Inconclusive
	EndLab         EndReason = "lab"         // the lab broke: open machines are Inconclusive
)

// An End is how the capture ended.
type End struct {
	Reason  EndReason `json:"reason,omitempty"`
	Text    string    `json:"text,omitempty"`    // more, for people: "after 120 s"
	Dropped int       `json:"dropped,omitempty"` // frames that the recorder lost: the verdict is Inconclusive
	At      time.Time `json:"at,omitzero"`       // zero: the last event's time
}
