package channelhalt

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// size is how many answers a window has.
const size = 500

// Bounds of the evidence.
const (
	mostWords   = 3   // texts of providers that it names
	longestWord = 100 // characters of one
)

// Answer is what became of a message that a provider took, or refused because of the customer.
type Answer struct {
	Provider string
	Refused  bool
	Words    string // the provider's, with no destination in them
}

// window is the last answers of a channel.
type window struct {
	answers []Answer // a ring once it has size of them
	next    int      // to be replaced
	refused int
}

func (w *window) add(a Answer) {
	if a.Refused {
		w.refused++
	}
	if len(w.answers) < size {
		w.answers = append(w.answers, a)
		return
	}
	if w.answers[w.next].Refused {
		w.refused--
	}
	w.answers[w.next] = a
	w.next = (w.next + 1) % size
}

// over reports whether more than a share of a full window, in percent, are refusals, also while it is not full.
func (w *window) over(share int) bool { return w.refused*100 > share*size }

// evidence says how many of the answers are refusals, by whom, and their most frequent words.
func (w *window) evidence(what string) string {
	all, refused, words := map[string]int{}, map[string]int{}, map[string]int{}
	for _, a := range w.answers {
		all[a.Provider]++
		if a.Refused {
			refused[a.Provider]++
			words[general(a.Words)]++
		}
	}
	text := fmt.Sprintf("%d of the last %d %s", w.refused, len(w.answers), what)
	for i, provider := range slices.Sorted(maps.Keys(refused)) {
		between := ", "
		if i == 0 {
			between = ": "
		}
		text += fmt.Sprintf("%s%s %d of %d", between, provider, refused[provider], all[provider])
	}
	said := slices.SortedFunc(maps.Keys(words), func(a, b string) int {
		return cmp.Or(cmp.Compare(words[b], words[a]), cmp.Compare(a, b))
	})
	for i, each := range said[:min(mostWords, len(said))] {
		between := ", "
		if i == 0 {
			between = "; most often "
		}
		text += fmt.Sprintf(`%s"%s" (%d)`, between, each, words[each])
	}
	return text
}

// general is a provider's words without what is of one message alone, so that equal ones are counted as one: queue ids, and for safety
// whatever could be an address or a number of a customer.
func general(words string) string {
	fields := strings.Fields(words)
	for i, field := range fields {
		if isOfOne(field) {
			fields[i] = "…"
		}
	}
	if len(fields) == 0 {
		return "no words"
	}
	text := []rune(strings.Join(fields, " "))
	if len(text) > longestWord {
		text = append(text[:longestWord:longestWord], '…')
	}
	return string(text)
}

// isOfOne reports whether a word may name a message or a customer. "550", "5.1.1" and "30005" are codes.
func isOfOne(word string) bool {
	digits, letters := 0, 0
	for _, r := range word {
		switch {
		case r == '@':
			return true
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	return digits >= 6 || digits > 0 && letters > 0 && digits+letters >= 10
}
