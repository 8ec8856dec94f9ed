package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/docpage"
)

// measured is a report of one stage whose runs have these shares of the baseline, and this processor time a row.
func measured(micros float64, shares ...float64) *Report {
	s := &Stage{Name: "render", Label: "a label", Baseline: "the same by hand", Rows: 1000, Target: Target{Share: 0.5}}
	for _, share := range shares {
		s.Runs = append(s.Runs, StageRun{Rows: 1000, Seconds: 1, BaselineSeconds: share, CPU: map[string]float64{"<render>": micros * 1000 / 1e6}})
	}
	s.summarize()
	return &Report{What: All, Stages: []*Stage{s}}
}

func TestWhatTheSpreadExplainsIsNoChange(t *testing.T) {
	t.Parallel()
	old := measured(50, 0.50, 0.55, 0.60)
	for what, c := range map[string]struct {
		now  *Report
		warn int
	}{
		"the same":            {measured(50, 0.50, 0.55, 0.60), 0},
		"within the spread":   {measured(50, 0.47, 0.48, 0.50), 0},
		"less, but one is so": {measured(50, 0.30, 0.40, 0.56), 0},
		"less in every run":   {measured(50, 0.30, 0.33, 0.36), 1},
		"more":                {measured(50, 0.80, 0.85, 0.90), 0},
	} {
		var out bytes.Buffer
		if got := compare(&out, old, c.now); got != c.warn || strings.Contains(out.String(), "WARNING") != (c.warn > 0) {
			t.Errorf("%s: %d warnings\n%s", what, got, out.String())
		}
	}
	bare, slower := measured(50, 0), measured(65, 0)
	var out bytes.Buffer
	if compare(&out, bare, bare) != 0 || compare(&out, bare, slower) != 1 {
		t.Errorf("without a baseline:\n%s", out.String())
	}
}

func TestThePageTakesTheTableBetweenItsMarks(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "performance.md")
	write := func(content string) {
		if err := os.WriteFile(page, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report := measured(50, 0.50, 0.55, 0.60)
	write("no marks")
	if err := report.Document(page); !errors.Is(err, docpage.ErrNoPlace) {
		t.Errorf("without marks: %v", err)
	}
	write("before\n<!-- measured: written by `balsong-dev bench all --doc` -->\nold\n<!-- end of measured -->\nafter\n")
	for range 2 {
		if err := report.Document(page); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	if !strings.HasPrefix(text, "before\n") || !strings.HasSuffix(text, "\nafter\n") || strings.Contains(text, "old") || strings.Count(text, "| render |") != 1 {
		t.Errorf("the page is\n%s", text)
	}
	if !strings.Contains(text, "55% (50–60)") || !strings.Contains(text, "reached") {
		t.Errorf("the table is\n%s", text)
	}
	report.What = Render
	if err := report.Document(page); !errors.Is(err, docpage.ErrNoPlace) {
		t.Errorf("one stage alone would drop the others: %v", err)
	}
	picture, err := os.ReadFile(filepath.Join(filepath.Dir(page), pictures[All]))
	if err != nil || xml.Unmarshal(picture, new(struct{ XMLName xml.Name })) != nil || !strings.Contains(string(picture), "&lt;render&gt;: 50.0 µs") {
		t.Errorf("the picture is %s (%v)", picture, err)
	}
}

func TestALongRunHasAPlaceOfItsOwn(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "performance.md")
	whole, life := measured(50, 0.5), measured(60, 0.5)
	whole.What, life.What = Whole, Life
	if err := os.WriteFile(page, []byte(longMarks(Whole)+longMarks(Life)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(whole.Document(page), life.Document(page)); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(page)
	if text := string(content); err != nil || strings.Contains(text, "old") || strings.Index(text, "50.0") > strings.Index(text, "60.0") || strings.Count(text, "| render |") != 2 {
		t.Errorf("the page is (%v)\n%s", err, text)
	}
}

func TestOurPageHasAPlaceForEachRunThatIsWrittenDown(t *testing.T) {
	t.Parallel()
	for _, what := range []string{All, Growth, Whole, Life} {
		if err := CanDocument(what, "../../../docs/performance.md"); err != nil {
			t.Error(err)
		}
	}
	if err := CanDocument(Migrations, "../../../docs/operations/upgrades.md"); err != nil {
		t.Error(err)
	}
}

func longMarks(what string) string {
	return fmt.Sprintf("<!-- %[1]s: written by `balsong-dev bench %[1]s --doc` --> old <!-- end of %[1]s -->\n", what)
}

func TestAllIsEverythingThatIsNotLong(t *testing.T) {
	t.Parallel()
	all := []string{Import, Mapped, Render, Dispatch, Line, SMTP, Delivery, Reports, IdleServices}
	if got := chosen(All); len(got) != len(all) || slices.ContainsFunc(got, func(m measurement) bool { return !slices.Contains(all, m.name) }) {
		t.Errorf("%s is %d measurements, want %v", All, len(got), all)
	}
	names, what := Names()
	if says := fmt.Sprintf("all but the last %d", len(measurements)-len(all)); len(names) != len(what) || what[len(what)-1] != says {
		t.Errorf("the help says %q of %v, want %q", what[len(what)-1], names, says)
	}
	if len(chosen(Month)) != 1 || len(chosen("")) != 0 {
		t.Error("a name chooses one measurement, and no name none")
	}
}

func TestThePageTakesTheGrowthAndItsPicture(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(page, []byte("before "+longMarks(Growth)+" after"), 0o600); err != nil {
		t.Fatal(err)
	}
	month := func(rows int, grown float64) *Stage {
		run := StageRun{Rows: growthPage, Seconds: 0.04 * grown, BaselineSeconds: 0.04, CPU: map[string]float64{"page": 0.03 * grown, "settle": 0.01 * grown}}
		s := &Stage{Name: fmt.Sprintf("%d rows", rows), Rows: growthPage, Baseline: "the smallest month", Target: Target{Share: 1 / growthFlat}, Runs: []StageRun{run, run}}
		s.summarize()
		return s
	}
	report := &Report{What: Growth, Stages: []*Stage{month(1_000_000, 1), month(10_000_000, 1.1), month(50_000_000, 1.2)}}
	if err := report.Document(page); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before ", " after", "µs a row", "| 1000000 rows | 2 × 1000 |", "91% (91–91) | page 33.0, settle 11.0 |", "| ≥ 87% | reached |", "| MISSED: share |"} {
		if !strings.Contains(string(written), want) {
			t.Errorf("the page lacks %q:\n%s", want, written)
		}
	}
	picture, err := os.ReadFile(filepath.Join(filepath.Dir(page), pictures[Growth]))
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(picture, new(struct{})); err != nil || strings.Contains(string(picture), "NaN") {
		t.Errorf("the picture cannot be drawn (%v):\n%s", err, picture)
	}
}
