//go:build race

package bounce_test

// detector is how many times as much a program makes that runs with the race detector.
const detector = 2
