// Package postgres stores targets, the delivery ledger and what operators decide in PostgreSQL (15 or later), behind
// the ports of application/port.
//
// What holds everywhere here: every statement runs in an explicit transaction, because outside of one the driver
// repeats a statement silently when its connection dies; statements work on whole pages (unnest of arrays, sorted by
// key) of one month, so that the planner prunes to one partition; the connections' planner settings (Open) make every
// statement go by its index whether or not the tables have statistics; errors are translated by SQLSTATE and carry no
// values of rows; times are UTC microseconds.
package postgres
