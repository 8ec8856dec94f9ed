// Package memory holds in-memory ports: real implementations for tests of the use cases, safe for concurrent use,
// which pass the same suites as the adapters. Nothing is kept beyond the process.
package memory
