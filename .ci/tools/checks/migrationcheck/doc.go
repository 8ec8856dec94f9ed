// Package migrationcheck holds the tests of the rules for migrations: what is wrong with one is seen by squawk, and what squawk does not know by the tests here.
package migrationcheck
