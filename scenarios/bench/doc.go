// Package bench measures side by side, in one run: the same work is done in turn
// by what is measured and by what it is measured against, several times over,
// and what is reported is the ratio of the medians with its spread. Absolute
// times are of one machine and one moment.
package bench
