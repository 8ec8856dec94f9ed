// Package monitortest reads what the services measure while a month waits and goes out: the production apps, on real components.
// It holds only tests.
package monitortest
