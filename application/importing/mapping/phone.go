package mapping

import "strings"

// phone writes a phone number as billing data has it: +14155550100 for "+1 (415) 555-0100", 010… for what a spreadsheet
// made 10…, and a number without a calling code with the given one. What it does not understand stays as it is, and is
// judged with the rest of the row.
func phone(text []byte, code string) string {
	plain := len(text) > 2 && text[0] == '0' && text[1] == '1'
	for _, c := range text {
		plain = plain && (c == '-' || '0' <= c && c <= '9')
	}
	if plain && code == "82" {
		return string(text)
	}
	if code == "82" && len(text) == 10 && text[0] == '1' && text[1] == '0' && digitsOnly(string(text)) {
		return "0" + string(text)
	}
	said := strings.TrimSpace(narrow(string(text)))
	said = strings.TrimPrefix(strings.TrimPrefix(said, "tel:"), "'")
	international := strings.HasPrefix(said, "+")
	if international {
		said = strings.Replace(said[1:], "(0)", "", 1)
	}
	digits := strings.Map(func(c rune) rune {
		if strings.ContainsRune(" -.()/", c) {
			return -1
		}
		return c
	}, said)
	if !digitsOnly(digits) {
		return string(text)
	}
	if rest, found := strings.CutPrefix(digits, "00"); found && !international && len(rest) >= 8 {
		digits, international = rest, true
	}
	switch {
	case international:
		return "+" + digits
	case code == "":
		return string(text)
	case code == "82":
		return korean(digits)
	case strings.HasPrefix(digits, code) && len(digits) >= 11:
		return "+" + digits
	default:
		return "+" + code + strings.TrimPrefix(digits, "0")
	}
}

// korean writes a Korean number that has no plus sign.
func korean(digits string) string {
	switch {
	case len(digits) == 10 && strings.HasPrefix(digits, "10"): // a spreadsheet took the zero away
		return "0" + digits
	case len(digits) == 12 && strings.HasPrefix(digits, "8210"):
		return "+" + digits
	default:
		return digits
	}
}
