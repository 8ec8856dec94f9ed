package settle

import "context"

// ReportSweep is the part of Run that sweeps reports.
func (s *Settler) ReportSweep() func(context.Context) (int, error) { return s.reportSweep() }

// ConsumeResults is the part of Run that consumes results, without the sweeps, which would find the same rows.
func (s *Settler) ConsumeResults(ctx context.Context) error { return s.consumeResults(ctx) }
