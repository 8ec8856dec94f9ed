package mapping

// maxQuick is the longest text that quickNumber reads.
const maxQuick = 23

// quickNumber reads the usual form of an amount, -₩12,300.50 (or with the comma and the point changed), without a step through
// strings, and appends it to out. ok is false for everything else, which may be a number all the same.
func quickNumber(out, text []byte, comma bool) (decimal []byte, currencies []string, ok bool) {
	if len(text) > 0 && text[0] == '-' {
		out, text = append(out, '-'), text[1:]
	}
	for i := range marks {
		if sign := marks[i].sign; len(text) > len(sign) && string(text[:len(sign)]) == sign {
			text, currencies = text[len(sign):], marks[i].currencies
			break
		}
	}
	if len(text) == 0 || len(text) > maxQuick {
		return nil, nil, false
	}
	point, group := byte('.'), byte(',')
	if comma {
		point, group = ',', '.'
	}
	digits, grouped := 0, false // digits since the last separator
	for i, c := range text {
		switch {
		case '0' <= c && c <= '9':
			digits++
			out = append(out, c)
		case c == group && (digits == 3 || !grouped && digits > 0 && digits < 3):
			digits, grouped = 0, true
		case c == point && digits > 0 && (!grouped || digits == 3) && i < len(text)-1:
			return quickFraction(out, text[i+1:], currencies)
		default:
			return nil, nil, false
		}
	}
	return out, currencies, digits > 0 && (!grouped || digits == 3) && string(out) != "-0"
}

// quickFraction adds what stands behind the point, unless it is all zeros.
func quickFraction(whole, fraction []byte, currencies []string) (decimal []byte, _ []string, ok bool) {
	zeros := true
	for _, c := range fraction {
		if c < '0' || c > '9' {
			return nil, nil, false
		}
		zeros = zeros && c == '0'
	}
	if !zeros {
		whole = append(append(whole, '.'), fraction...)
	}
	return whole, currencies, string(whole) != "-0"
}

// quickDate reads 2026.11.25 and 2026/11/25, to the 28th. ok is false for everything else.
func quickDate(text []byte) (day []byte, ok bool) {
	if len(text) != 10 || text[4] != text[7] || text[4] != '.' && text[4] != '/' && text[4] != '-' {
		return nil, false
	}
	for i, c := range text {
		if i != 4 && i != 7 && (c < '0' || c > '9') {
			return nil, false
		}
	}
	month, date := (text[5]-'0')*10+text[6]-'0', (text[8]-'0')*10+text[9]-'0'
	if month < 1 || month > 12 || date < 1 || date > 28 {
		return nil, false
	}
	day = append(make([]byte, 0, 10), text...)
	day[4], day[7] = '-', '-'
	return day, true
}
