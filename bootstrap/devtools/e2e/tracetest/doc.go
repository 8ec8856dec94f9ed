// Package tracetest runs the product's commands as processes and follows bills by the traces that they send. It draws one
// trace as a picture.
package tracetest
