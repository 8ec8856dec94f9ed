// Command layercheck keeps the layers of the workspace apart.
//
// It is a tool of go vet, which loads every package, tests included, and fails on what does not compile:
//
//	go vet -vettool=bin/layercheck work
//
// It applies the rules that no linter knows: SQL outside a transaction, the environment, adapters that import each other.
// (Which layer may import what, and the clock, are rules of depguard and forbidigo in .golangci.yml.) Each finding names file
// and line, the rule, what was seen, and what to do. `layercheck help` lists the rules.
package main

import "golang.org/x/tools/go/analysis/unitchecker"

func main() { unitchecker.Main(environment, adapters, transactions) }
