package batch

import "time"

// Gather adds to items, up to max, what is there in a channel, and what comes until over; a nil over takes only what is
// there. It ends early when the channel is closed or stop ends.
func Gather[T any](items []T, max int, in <-chan T, over <-chan time.Time, stop <-chan struct{}) []T {
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
		case <-stop:
			return items
		}
	}
	return items
}
