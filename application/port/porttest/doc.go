// Package porttest holds the conformance suites of the ports: what a port's comment promises, as tests that the
// in-memory port and every adapter pass alike. A suite is a list of checks, one a promise; each suite is itself
// tested by ports that are broken on purpose and that it must reject.
package porttest
