package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A counted number stands in texts and comes from code: each match of text, whose group is the number, has to be the count.
type counted struct {
	text  *regexp.Regexp
	file  string // what is counted in
	count *regexp.Regexp
	what  string
}

const modelRuns = "docs/model/run.sh"

var numbers = []counted{
	{regexp.MustCompile(`(\d+) mutants`), modelRuns, regexp.MustCompile(`(?m)^[qf] fail m_`), "runs with one rule removed"},
	{regexp.MustCompile(`remove any of (\d+) rules`), modelRuns, regexp.MustCompile(`(?m)^[qf] fail m_`), "runs with one rule removed"},
	{regexp.MustCompile(`규칙 (\d+)개`), modelRuns, regexp.MustCompile(`(?m)^[qf] fail m_`), "runs with one rule removed"},
	{regexp.MustCompile(`(\d+) runs (?:with \d+ M states hold|of a Spin model hold)`), modelRuns, regexp.MustCompile(`(?m)^[qf] pass `), "runs that hold"},
	{regexp.MustCompile(`Spin 모델을 (\d+)가지로`), modelRuns, regexp.MustCompile(`(?m)^[qf] pass `), "runs that hold"},
	{regexp.MustCompile(`(?:quick|protocol:|quick:) (\d+) runs`), modelRuns, regexp.MustCompile(`(?m)^q `), "quick runs"},
}

// wrongNumbers lists the numbers of a text that are not what is counted. A text may break its lines anywhere.
func wrongNumbers(root, text string) (says []string, err error) {
	flat := strings.Join(strings.Fields(text), " ")
	for _, n := range numbers {
		for _, match := range n.text.FindAllStringSubmatch(flat, -1) {
			from, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(n.file)))
			if err != nil {
				return nil, err
			}
			if have := len(n.count.FindAll(from, -1)); match[1] != strconv.Itoa(have) {
				says = append(says, fmt.Sprintf("%q: %s has %d %s", match[0], n.file, have, n.what))
			}
		}
	}
	return says, nil
}
