package settle

import "context"

// ConsumeResults is the part of Run that consumes results, without the sweeps, which would find the same rows.
func (s *Settler) ConsumeResults(ctx context.Context) error { return s.consumeResults(ctx) }
