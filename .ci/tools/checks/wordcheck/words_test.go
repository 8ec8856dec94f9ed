package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

const table = "# Glossary\n\n## Words that are not used\n\n| Not | Say | Unless | Except |\n|---|---|---|---|\n" +
	"| `desk`, `reception desk` | decrypt concurrency | | |\n| `flight` | delivery | `in flight` `inflight` `in_flight` | |\n| `--late` | `--allow-new` | | |\n" +
	"| `plant` | infrastructure | | `docs/history/` a record that is never rewritten |\n| `in hand` | in flight | | |\n"

func TestAWordIsFoundInIdentifiersTextsAndFlags(t *testing.T) {
	t.Parallel()
	all, err := readTable(table)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"type flight struct{}":           {"flight"},
		"func (s *Service) newFlights()": {"flight"},
		"InFlight, in flight, in_flight": nil,
		"an in flight flight":            {"flight"},
		"GET /desk":                      {"desk"},
		"a desktop, deskbound":           nil,
		"messagesInHand":                 {"in hand"},
		"10,000 in hand":                 {"in hand"},
		"in handling":                    nil,
		"balsong import --late now":      {"--late"},
		"--later, late":                  nil,
		"POWER_PLANT and HTTPPlant":      {"plant"},
	} {
		var got []string
		for _, w := range all.find("main.go", line) {
			got = append(got, w.not)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	if all.find("docs/history/one.md", "plant") != nil {
		t.Error("an exception is not one")
	}
}

func TestAnExceptionWithoutAReasonIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := readTable(table + "| `crew` | fleet | | `docs/history/` |\n"); err == nil {
		t.Error("it was accepted")
	}
}

func TestARepositoryWithAWordThatIsNotUsedFails(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{glossary: table, "main.go": "package main // the desk\n", "departure.go": "package main\n"} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}} {
		command := exec.Command("git", args...)
		command.Dir = root
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if n, err := check(root); err != nil || n != 1 {
		t.Errorf("%d findings, error %v", n, err)
	}
}

func TestANumberThatCodeCountsIsCountedAnew(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, filepath.FromSlash(modelRuns))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("f pass r_b2 bfs\nq fail m_one bfs\nq fail m_two bfs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"each of 2 mutants": 0, "each of 3\nmutants": 1, "the quick 2 runs": 0, "the quick 64 runs; 규칙 27개": 2} {
		if says, err := wrongNumbers(root, text); err != nil || len(says) != want {
			t.Errorf("%q: %q, %v, want %d", text, says, err, want)
		}
	}
}
