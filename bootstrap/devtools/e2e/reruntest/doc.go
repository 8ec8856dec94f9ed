// Package reruntest kills generate, import and render by SIGKILL in the middle of their work, each in a process of its
// own on real components, and runs them again: what they leave must be what they leave when nobody kills them. Nothing but
// tests is in here.
package reruntest
