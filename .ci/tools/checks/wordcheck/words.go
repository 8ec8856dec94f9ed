package main

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// A word is not used; say is what to say instead.
type word struct {
	not    string
	parts  []string // not, in small letters; nil where it is matched as it is written
	say    string
	unless []string // what may stand around it, matched as it is written, in small letters
	files  []string // where it may stand: globs or folders
}

type words []word

var quoted = regexp.MustCompile("`([^`]+)`")

// readTable reads the rows `| not | say | unless | files: why |` below the heading "Words that are not used".
func readTable(text string) (all words, err error) {
	_, table, ok := strings.Cut(text, "## Words that are not used")
	if !ok {
		return nil, fmt.Errorf("%s has no heading \"Words that are not used\"", glossary)
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || strings.HasPrefix(cells[0], "-") || strings.TrimSpace(cells[0]) == "Not" {
			continue
		}
		files := inQuotes(cells[3])
		if len(files) > 0 && len(strings.Fields(quoted.ReplaceAllString(cells[3], ""))) < 3 {
			return nil, fmt.Errorf("%s: the exception %q has no reason", glossary, strings.TrimSpace(cells[3]))
		}
		for _, not := range inQuotes(cells[0]) {
			w := word{not: not, say: strings.TrimSpace(cells[1]), unless: inQuotes(strings.ToLower(cells[2])), files: files}
			if !strings.HasPrefix(not, "-") {
				w.parts = split(not)
			}
			all = append(all, w)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s names no word that is not used", glossary)
	}
	return all, nil
}

func inQuotes(cell string) (out []string) {
	for _, match := range quoted.FindAllStringSubmatch(cell, -1) {
		out = append(out, match[1])
	}
	return out
}

// find lists the words of a line that are not used, each once.
func (all words) find(file, line string) (found []word) {
	parts := split(line)
	small := strings.ToLower(line)
	for _, w := range all {
		if w.mayStandIn(file) {
			continue
		}
		if w.parts == nil && asWritten(line, w.not) || w.parts != nil && contains(parts, w.parts) && contains(split(w.without(small, line)), w.parts) {
			found = append(found, w)
		}
	}
	return found
}

// without takes what is allowed out of a line; the line is as it was written where nothing is.
func (w word) without(small, line string) string {
	for _, allowed := range w.unless {
		if strings.Contains(small, allowed) {
			line = strings.ReplaceAll(small, allowed, " ")
			small = line
		}
	}
	return line
}

func (w word) mayStandIn(file string) bool {
	for _, pattern := range w.files {
		if matched, _ := path.Match(pattern, file); matched || strings.HasPrefix(file, strings.TrimSuffix(pattern, "/")+"/") {
			return true
		}
	}
	return false
}

// asWritten reports whether a flag stands in a line, and not as the beginning of a longer one.
func asWritten(line, flag string) bool {
	for {
		_, after, ok := strings.Cut(line, flag)
		if !ok {
			return false
		}
		if after == "" || !unicode.IsLetter(rune(after[0])) && after[0] != '-' {
			return true
		}
		line = after
	}
}

// contains reports whether the words stand one after the other; the last may be in the plural.
func contains(line, words []string) bool {
	for i := 0; i+len(words) <= len(line); i++ {
		same := true
		for j, w := range words {
			same = same && (line[i+j] == w || j == len(words)-1 && line[i+j] == w+"s")
		}
		if same {
			return true
		}
	}
	return false
}

// split cuts a text into words in small letters, identifiers where their capitals are: inFlightLimit, HTTPServer, in_hand.
func split(text string) (out []string) {
	var at []rune
	flush := func() {
		if len(at) > 0 {
			out = append(out, strings.ToLower(string(at)))
			at = nil
		}
	}
	runes := []rune(text)
	for i, c := range runes {
		if !unicode.IsLetter(c) {
			if c != '\'' && c != '’' {
				flush()
			}
			continue
		}
		if unicode.IsUpper(c) && len(at) > 0 && (unicode.IsLower(at[len(at)-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			flush()
		}
		at = append(at, c)
	}
	flush()
	return out
}
