// Package imagetest runs the built images under an OCI runtime, as a container platform would that gives them nothing: a root
// file system that cannot be written, no capability, no new privileges, the user of the image. What they stand on (PostgreSQL,
// Kafka, S3, the gateway simulator) listens on the loopback address of the machine, whose network they share.
package imagetest
