package main

import (
	"fmt"
	"go/token"
	"path/filepath"
	"sort"
)

// A rule has a name, which findings carry, and one sentence for people.
type rule struct{ name, says string }

var (
	ruleAdapter     = rule{"adapter", "an adapter imports neither another adapter nor bootstrap; migrations import nothing of the project"}
	ruleEnvironment = rule{"env", "only bootstrap reads the environment; tests elsewhere read BALSONG_TEST_… alone"}
	ruleSQL         = rule{"sql-tx", "SQL that writes runs on a transaction: lib/pq repeats a statement outside one when the connection breaks"}
	ruleLayout      = rule{"layout", "every package of the workspace belongs to a layer"}
	ruleBuild       = rule{"build", "every package compiles, or nothing about it is known"}

	allRules = []rule{ruleAdapter, ruleEnvironment, ruleSQL, ruleLayout, ruleBuild}
)

// A finding is one breach: where, which rule, what was seen, what to do.
type finding struct {
	position token.Position // Filename is relative to the workspace
	rule     rule
	seen, do string
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d:%d: [%s] %s: %s", f.position.Filename, f.position.Line, f.position.Column, f.rule.name, f.seen, f.do)
}

// report collects findings and what was looked at.
type report struct {
	root            string
	packages, files int
	findings        []finding
	known           map[string]bool
}

// add keeps a finding once: a file with in-package tests is loaded twice.
func (r *report) add(position token.Position, breached rule, seen, do string) {
	if relative, err := filepath.Rel(r.root, position.Filename); err == nil && position.Filename != "" {
		position.Filename = filepath.ToSlash(relative)
	}
	found := finding{position: position, rule: breached, seen: seen, do: do}
	if text := found.String(); !r.known[text] {
		r.known[text] = true
		r.findings = append(r.findings, found)
	}
}

func (r *report) sort() {
	sort.Slice(r.findings, func(i, j int) bool {
		a, b := r.findings[i].position, r.findings[j].position
		if a.Filename != b.Filename {
			return a.Filename < b.Filename
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return r.findings[i].String() < r.findings[j].String()
	})
}
