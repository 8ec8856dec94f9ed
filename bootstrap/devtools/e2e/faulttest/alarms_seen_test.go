package faulttest_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"sync"
)

const rulesFile = "../../../../deploy/prometheus/rules.yaml"

// byReplayAlone are the alarms that no test raises on real components, with the reason.
var byReplayAlone = map[string]string{
	"BalsongKafkaDisk":      "a disk of the machine would have to be filled",
	"BalsongDatabaseDisk":   "as BalsongKafkaDisk",
	"BalsongReportsRefused": "the feedback service does not run here; application/feedback counts what the rule reads",
	"BalsongReportsStray":   "as BalsongReportsRefused",
	"BalsongReportsSilent":  "as BalsongReportsRefused",
	"BalsongStandbyLag":     "the embedded PostgreSQL has no program for a standby",
}

// seen are the alarms that the tests have seen raised, and cleared.
var seen = struct {
	mu              sync.Mutex
	raised, cleared map[string]bool
}{raised: map[string]bool{}, cleared: map[string]bool{}}

func sees(alarms map[string]bool, alarm string) {
	seen.mu.Lock()
	defer seen.mu.Unlock()
	alarms[alarm] = true
}

// unseen says which alarms of the rules no test has seen raised and cleared, where all tests of alarms ran (make alarms).
func unseen() (wrong []string) {
	if which := flag.Lookup("test.run").Value.String(); os.Getenv("BALSONG_TEST_PROMTOOL") == "" || which != "" && which != "Alarm" {
		return nil
	}
	rules, err := os.ReadFile(rulesFile)
	if err != nil {
		return []string{err.Error()}
	}
	all := regexp.MustCompile(`- alert: (\w+)`).FindAllSubmatch(rules, -1)
	for _, found := range all {
		name := string(found[1])
		if _, alone := byReplayAlone[name]; seen.raised[name] == alone || seen.cleared[name] == alone {
			wrong = append(wrong, fmt.Sprintf("%s: raised on real components is %v, cleared is %v", name, seen.raised[name], seen.cleared[name]))
		}
	}
	if len(all) < 20 {
		wrong = append(wrong, fmt.Sprintf("%s has only %d rules", rulesFile, len(all)))
	}
	return wrong
}
