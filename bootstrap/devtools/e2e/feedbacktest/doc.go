// Package feedbacktest reports what became of bills to the production apps on real components, as providers do, and as others do who
// are none. It holds only tests.
package feedbacktest
