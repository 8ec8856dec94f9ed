// Package lookstest tests what customers and operators see, in a real browser: nothing overflows a phone, every word can be
// read in light and in dark, and nothing is fetched from anywhere.
//
// It needs Chromium; `make browser` installs it where it may. Without it the tests are skipped, unless
// BALSONG_TEST_BROWSER=required. With -update they write the screenshots of docs/images.
package lookstest
