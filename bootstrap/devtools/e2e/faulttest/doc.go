// Package faulttest takes PostgreSQL, Kafka, S3 and the gateway away, each at the start and in the middle of a month's
// dispatch, and gives each back. It holds only tests, which run the production apps, wired by their own fx options, on
// real components, which run as processes of their own and die by SIGKILL.
package faulttest
