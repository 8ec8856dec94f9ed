package batch

// Queued is how many items wait for a batch.
func (b *Batcher[In, Out]) Queued() int { return len(b.queue) }
