// Package lintrules holds samples that break the rules which this project adds to the linters (.golangci.yml): who may import
// whom, and the clock and randomness of the machine. Its test shows that each of them still fails.
package lintrules
