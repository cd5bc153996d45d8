// Package scenarios is where configurations and the wire meet. It reads a
// scenario, predicts from its configuration files what a working boot must show,
// runs the boot in a lab, and has it judged.
//
// A newcomer starts at [Load], which opens a scenario by its name, and [Run],
// which boots it. Of the other files, predict.go turns configurations into
// expectations, services.go turns them into servers, and inside.go is the half
// of a run that happens in the sandbox.
package scenarios
