// Package generate makes billing data of any size out of nothing but a seed: the canonical CSV of made-up customers
// whose services, contracts, charges and tenure are distributed as in the sample data of package demodata, month
// after month. The same settings give the same bytes on every machine: all arithmetic is in integers, nothing depends
// on the order of a map or on how the work was split, and each customer has a random stream of its own.
// docs/guides/generate.md has the rule of each field.
package generate

// rules is raised with every change after which the same seed gives other bytes.
const rules = 1
