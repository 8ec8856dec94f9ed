package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// noise is how far a median may lie beyond the other run's own spread before it is called a change.
const noise = 0.10

// Compare reads two reports that WriteJSON wrote and tells, stage by stage, what changed: by the share of the baseline
// where there is one, which a faster or busier machine changes little, else by processor time. What is worse beyond the spread of the runs and 10% is
// marked; warnings is how many are. It is no judgement: a machine that does other work makes noise.
func Compare(out io.Writer, older, newer string) (warnings int, err error) {
	var reports [2]Report
	for i, path := range []string{older, newer} {
		content, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		if err := json.Unmarshal(content, &reports[i]); err != nil {
			return 0, fmt.Errorf("%s is no result of `balsong-dev bench --json`: %w", path, err)
		}
	}
	return compare(out, &reports[0], &reports[1]), nil
}

func compare(out io.Writer, older, newer *Report) (warnings int) {
	before := map[string]*Stage{}
	for _, s := range older.Stages {
		before[s.Name] = s
	}
	rows := [][]any{{"stage", "by", "before", "now", "change", ""}}
	for _, now := range newer.Stages {
		then, there := before[now.Name]
		if !there {
			rows = append(rows, []any{now.Name, "", "–", "", "", "is new"})
			continue
		}
		row, worse := change(then, now)
		if rows = append(rows, row); worse {
			warnings++
		}
	}
	table(out, rows...)
	if warnings > 0 {
		fmt.Fprintf(out, "WARNING: %d of %d stages are worse than the spread of the runs and %.0f%% explain. Measure again on a quiet machine before you believe it.\n",
			warnings, len(newer.Stages), 100*noise)
	}
	return warnings
}

// change compares a stage with what it was; worse where it lies below what the spread and noise explain.
func change(then, now *Stage) (row []any, worse bool) {
	if then.Share.Median > 0 && now.Share.Median > 0 {
		ratio := now.Share.Median / then.Share.Median
		worse = now.Share.Median < then.Share.Min*(1-noise) && now.Share.Max < then.Share.Median*(1-noise)
		return []any{now.Name, "share of baseline", perCent(then.Share), perCent(now.Share), percentage(ratio), verdictOf(worse)}, worse
	}
	was, is := Total(then.MicrosPerRow), Total(now.MicrosPerRow)
	worse = is > was*(1+2*noise) // of one number, without a spread
	return []any{now.Name, "processor µs a row", was, is, percentage(is / max(was, 0.001)), verdictOf(worse)}, worse
}

// Total is the sum of what processes used.
func Total(values map[string]float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum
}

func percentage(ratio float64) string { return fmt.Sprintf("%+.0f%%", 100*(ratio-1)) }

func verdictOf(worse bool) string {
	if worse {
		return "WORSE"
	}
	return ""
}
