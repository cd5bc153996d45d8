// Package report shows a verdict to a person: a ladder that grows as a machine
// boots, one line a stage, then the findings, then one line that says PASS,
// FAIL or INCONCLUSIVE.
//
// A [Ladder] takes [verdict.Update]s and at the end the verdict. On a terminal
// it has colour, and a last line that lives for the moment; anywhere else it
// writes plain lines. [WriteVerdict] writes the same from a verdict alone; its
// plain form is verdict.txt.
package report
