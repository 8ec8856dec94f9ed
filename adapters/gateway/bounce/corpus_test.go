package bounce

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/domain/attempt"
)

// corpus is a collection of bounces that others gathered, with what they expect of each. `make bounces-check` installs them.
type corpus struct {
	name, from string
	mails      int                  // with an expectation
	rest       map[string]disagreed // what we do not read as they expect
}

// disagreed says why.
type disagreed struct{ who, why string }

// whoErrs are who may be wrong.
const (
	theirs    = "theirs"
	ours      = "ours"
	ambiguous = "ambiguous"
)

// expected is what a collection says of one mail; nil and "" where it says nothing.
type expected struct {
	bounce     *bool
	failed     []string
	delayed    []string
	recipients []string
	reason     string
}

// share is the part, in percent, that is read as its collection expects.
func (c corpus) share() int { return (c.mails - len(c.rest)) * 100 / c.mails }

func TestTheBouncesThatOthersGatheredAreReadAsTheyExpect(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("BALSONG_TEST_BOUNCES")
	if dir == "" {
		t.Skip("the collections are not there: `make bounces-check` installs them")
	}
	for _, c := range []struct {
		corpus
		load func(*testing.T, string) map[string]expected
	}{{flufl, loadFlufl}, {bounceParser, loadBounceParser}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mails := c.load(t, dir)
			if len(mails) != c.mails {
				t.Errorf("%d mails have an expectation, want %d: is it another version?", len(mails), c.mails)
			}
			for path, want := range mails {
				raw, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				name := filepath.Base(path)
				got := Parse(raw)
				why := want.differs(got)
				if _, listed := c.rest[name]; listed != (why != "") {
					t.Errorf("%s: listed as not read as expected: %t; it differs: %q, by the rule %q: %+v", name, listed, why, got.Rule, got.Reports)
				}
			}
		})
	}
}

// differs says in what a mail is not read as expected; "" if it is.
func (e expected) differs(got Mail) string {
	var failed, delayed []string
	is := false
	for _, r := range got.Reports {
		switch r.Kind {
		case Undelivered:
			is, failed = true, append(failed, strings.ToLower(r.Recipient))
		case Delayed:
			delayed = append(delayed, strings.ToLower(r.Recipient))
		default: // no bounce for either of them
		}
	}
	switch {
	case e.bounce != nil && *e.bounce != is:
		return "a bounce, or none"
	case e.failed != nil && !same(e.failed, failed):
		return "who failed: " + strings.Join(e.failed, " ")
	case e.delayed != nil && !same(e.delayed, delayed):
		return "who is delayed: " + strings.Join(e.delayed, " ")
	case e.recipients != nil && !same(e.recipients, append(failed, delayed...)):
		return "the recipients: " + strings.Join(e.recipients, " ")
	case e.reason != "" && is && !slices.Contains(reasons[e.reason], got.Reports[0].Class):
		return "the class: " + e.reason
	}
	return ""
}

// reasons are the classes that a reason of BounceParser can be.
var reasons = map[string][]attempt.FailureClass{
	"user_unknown":      {attempt.Permanent},
	"user_disabled":     {attempt.Permanent},
	"domain_error":      {attempt.Permanent, attempt.Temporary, attempt.Provider},
	"over_quota":        {attempt.Temporary},
	"spam":              {attempt.Provider, attempt.Content},
	"message_too_large": {attempt.Permanent, attempt.Temporary},
	"unknown":           {attempt.Permanent, attempt.Temporary, attempt.Provider, attempt.Content},
}

func same(want, got []string) bool {
	lower := make([]string, len(want))
	for i, one := range want {
		lower[i] = strings.ToLower(one)
	}
	slices.Sort(lower)
	got = slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s == "" })
	slices.Sort(got)
	return slices.Equal(slices.Compact(lower), slices.Compact(got))
}
