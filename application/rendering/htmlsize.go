package rendering

import (
	"fmt"
	"sort"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// MaxHTML is how many bytes of HTML an e-mail should have at most: Gmail shows the first 102 kB, and the rest behind a link.
const MaxHTML = 100_000

// HTMLSize is how much HTML the templates make of a language's bills.
type HTMLSize struct {
	Language string
	Sample   int // bytes of the first sample bill
	Longest  int // bytes of the same with as many items as a bill may have
	Items    int // how many items such a bill may have and stay below MaxHTML; bill.MaxItems: all
}

// String says for people where a mail is cut.
func (s HTMLSize) String() string {
	if s.Sample > MaxHTML {
		return fmt.Sprintf("%s: a sample bill has %d kB of HTML: Gmail cuts a mail after 102 kB, and hides what follows", s.Language, kilobytes(s.Sample))
	}
	return fmt.Sprintf("%s: a bill of %d items has %d kB of HTML, and from %d items on more than 100 kB: Gmail cuts a mail after 102 kB, and hides what follows (how to pay belongs above the items)",
		s.Language, bill.MaxItems, kilobytes(s.Longest), s.Items+1)
}

// SaidHTMLSize says how much HTML an e-mail has, and whether Gmail hides a part of it.
func SaidHTMLSize(bytes int) string {
	said := fmt.Sprintf("HTML %d kB", kilobytes(bytes))
	if bytes > MaxHTML {
		said += ": Gmail hides what is beyond 102 kB"
	}
	return said
}

func kilobytes(n int) int { return (n + 999) / 1000 }

// Oversized returns the sizes of the languages in which a bill may have more HTML than MaxHTML.
func (t *Templates) Oversized() (list []HTMLSize, err error) {
	for _, tag := range Languages {
		billed := Samples(tag)[0].Bill
		size := func(items int) int {
			few := billed
			few.Items = make([]bill.Item, items)
			for i := range few.Items {
				few.Items[i] = billed.Items[i%len(billed.Items)]
			}
			made, failed := t.Statement(few, sampleMonth, policy.Transactional)
			if failed != nil {
				err = failed
			}
			return len(made[channel.Email].HTML)
		}
		s := HTMLSize{Language: tag, Sample: size(len(billed.Items)), Longest: size(bill.MaxItems), Items: bill.MaxItems}
		if s.Longest > MaxHTML {
			s.Items = max(0, sort.Search(bill.MaxItems, func(items int) bool { return size(items) > MaxHTML })-1)
		}
		if s.Sample > MaxHTML || s.Items < bill.MaxItems {
			list = append(list, s)
		}
	}
	return list, err
}
