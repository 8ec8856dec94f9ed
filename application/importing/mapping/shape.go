package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// Row is a row of the file's beginning, decoded.
type Row struct {
	Line   int
	Fields []string
}

// HeaderWithin is among how many rows at a file's beginning its header is looked for.
const HeaderWithin = 1000

// plainly is among how many of them a row may be the header that names only one column of the table, or none.
const plainly = 60

// HeaderNames makes the names of columns from one or two header rows: an empty one gets its place, one that comes again gets its
// number. Over several columns of the second row stands the one name of the first.
func HeaderNames(rows ...[]string) []string {
	width := 0
	for _, row := range rows {
		width = max(width, len(row))
	}
	names := make([]string, width)
	seen := map[string]int{}
	above := ""
	for at := range names {
		top := cell(rows[0], at)
		names[at] = top
		if len(rows) == 2 {
			if top != "" {
				above = top
			}
			switch below := cell(rows[1], at); {
			case below == "":
			case above == "" || above == below:
				names[at] = below
			default:
				names[at] = above + " " + below
			}
		}
		if names[at] == "" {
			names[at] = fmt.Sprintf("column %d", at+1)
		}
		if seen[names[at]]++; seen[names[at]] > 1 {
			names[at] = fmt.Sprintf("%s #%d", names[at], seen[names[at]])
		}
	}
	return names
}

// cell is a field as a name: on one line, without needless spaces.
func cell(row []string, at int) string {
	if at >= len(row) {
		return ""
	}
	return strings.Join(strings.Fields(strings.TrimPrefix(row[at], "\ufeff")), " ")
}

// Header is where the header of a file was found.
type Header struct {
	Row   int // the index of its first row
	Rows  int // 1 or 2
	Names []string
	Known int      // how many of its columns the table has
	below []string // the second row of a double header
}

// FindHeader finds the header among the first rows of a file: the row that names most columns of the table, and looks less like
// data than what follows. ok is false where no row does.
func FindHeader(rows []Row, table *NameTable) (h Header, ok bool) {
	rows = rows[:min(len(rows), HeaderWithin)]
	usual := usualWidth(rows)
	best := 0
	for at, row := range rows {
		filled, data := 0, 0
		for _, field := range row.Fields {
			if field = strings.TrimSpace(field); field != "" {
				filled++
				if looksLikeData(field) {
					data++
				}
			}
		}
		if filled == 0 || data > 0 && data*3 >= filled || len(row.Fields) == 1 && usual > 1 {
			continue
		}
		one := Header{Row: at, Rows: 1, Names: HeaderNames(row.Fields)}
		one.Known = known(one, table)
		if len(row.Fields) < usual/2 || at >= plainly && one.Known < 2 {
			continue
		}
		late := min(at, plainly) / 4
		score := 10*one.Known + min(filled, usual) - 10*data - late
		candidate := one
		if at+1 < len(rows) && isSecondHeader(row.Fields, rows[at+1].Fields, rows[at+1:]) {
			both := Header{Row: at, Rows: 2, Names: HeaderNames(row.Fields, rows[at+1].Fields), below: rows[at+1].Fields}
			if both.Known = known(both, table); both.Known >= one.Known {
				score = 10*both.Known + usual - late + 1
				candidate = both
			}
		}
		if score > best {
			best, h, ok = score, candidate, true
		}
	}
	return h, ok && (h.Known > 0 || hasData(rows[h.Row+h.Rows:]))
}

// hasData reports whether a field of some rows is no name of a column.
func hasData(rows []Row) bool {
	for _, row := range rows {
		for _, field := range row.Fields {
			if looksLikeData(strings.TrimSpace(field)) {
				return true
			}
		}
	}
	return false
}

// usualWidth is the number of fields that most rows have. Rows of one field, as lines of text above a header are, count only where
// there are no others.
func usualWidth(rows []Row) (width int) {
	counts := map[int]int{}
	for _, row := range rows {
		counts[len(row.Fields)]++
	}
	if len(counts) > 1 {
		delete(counts, 1)
	}
	for n, count := range counts {
		if count > counts[width] || count == counts[width] && n > width {
			width = n
		}
	}
	return width
}

// known counts the columns of the table that names stand for, each once, with the parts of bills.
func known(h Header, table *NameTable) int {
	var found []string
	n := 0
	for at, name := range h.Names {
		column, _ := table.find(h, at)
		switch {
		case column != "" && !slices.Contains(found, column):
			found = append(found, column)
			n++
		case table.items[key(name)] || table.details[key(name)] != "":
			n++
		}
	}
	for _, join := range table.joins {
		if len(joined(h.Names, join)) > 0 {
			n++
		}
	}
	return n
}

// isSecondHeader reports whether two rows are one header: neither has data, there is data below, and the second alone would not do,
// because it lacks names that the first has, or has names twice.
func isSecondHeader(first, second []string, rows []Row) bool {
	lacks, twice, filled := false, false, 0
	seen := map[string]bool{}
	for at := range max(len(first), len(second)) {
		above, below := cell(first, at), cell(second, at)
		if looksLikeData(below) {
			return false
		}
		lacks = lacks || above != "" && below == ""
		twice = twice || below != "" && seen[below]
		seen[below] = true
		if below != "" {
			filled++
		}
	}
	if !lacks && !twice || filled < 2 {
		return false
	}
	return hasData(rows[1:min(len(rows), plainly)])
}

// looksLikeData reports whether a field is a number, a date, an address, a phone number or no text at all, and no name of a column.
func looksLikeData(text string) bool {
	if text == "" {
		return false
	}
	if isEmail(text) || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\n' && c != '\r' && c != '\t' }) {
		return true
	}
	digits := 0
	for _, c := range narrow(text) {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case strings.ContainsRune(` .,-+/():₩\$€£¥원년월일'’△▲`, c):
		default:
			return false
		}
	}
	return digits > 0
}

func isEmail(text string) bool {
	local, domain, found := strings.Cut(text, "@")
	return found && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(text, " ,;<>")
}

// Score says how much rows look like a table: how many fields are in rows that have the same number of them, more than one.
func Score(rows []Row) int {
	usual := usualWidth(rows)
	if usual < 2 {
		return 0
	}
	same := 0
	for _, row := range rows {
		if len(row.Fields) == usual {
			same++
		}
	}
	return same * (min(usual, 50) - 1)
}
