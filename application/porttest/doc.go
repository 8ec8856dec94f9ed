// Package porttest holds the conformance suites of the ports: what a port's comment promises, as tests that the
// in-memory port and every adapter pass. A suite is a list of checks, one for each promise. Each suite is tested
// itself, by ports that are broken on purpose and that it must reject.
package porttest
