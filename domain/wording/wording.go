// Package wording holds what the codes of the domain mean, in the languages that people read. A code is stored and given
// to programs; its text is only shown. Count says numbers of things in English.
package wording

// Text is a clause without a full stop, in each language.
type Text struct{ English, Korean string }

// Entry is one code with its meaning.
type Entry[C ~string] struct {
	Code            C
	English, Korean string
}

// Table lists every code of a type, in a fixed order. It is the only place where a code is given a text.
type Table[C ~string] []Entry[C]

// Codes returns the codes in the order of the table.
func (t Table[C]) Codes() []C {
	codes := make([]C, len(t))
	for i, e := range t {
		codes[i] = e.Code
	}
	return codes
}

// Text returns the meaning of a code; the code itself, in both languages, if the table lacks it.
func (t Table[C]) Text(code C) Text {
	for _, e := range t {
		if e.Code == code {
			return Text{English: e.English, Korean: e.Korean}
		}
	}
	return Text{English: string(code), Korean: string(code)}
}
