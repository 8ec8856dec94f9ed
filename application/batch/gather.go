package batch

import "time"

// Gather appends to items, up to max, what waits in a channel, and what comes until over delivers; a nil over takes only
// what waits already. It returns early when the channel is closed.
func Gather[T any](items []T, max int, in <-chan T, over <-chan time.Time) []T {
	for len(items) < max {
		select {
		case it, open := <-in:
			if !open {
				return items
			}
			items = append(items, it)
			continue
		default:
		}
		if over == nil {
			return items
		}
		select {
		case it, open := <-in:
			if !open {
				return items
			}
			items = append(items, it)
		case <-over:
			over = nil
		}
	}
	return items
}
