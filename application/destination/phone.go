package destination

import (
	"errors"
	"fmt"
	"strings"

	"github.com/balsong/balsong/application/bill/plainjson"
)

// ErrNotMobile says that a number is a phone number, and none that takes a text message.
var ErrNotMobile = errors.New("is no mobile number")

var (
	errNoPhone   = errors.New("is neither +<country><number> (E.164) nor a Korean mobile number such as 010-1234-5678")
	errTrunkZero = errors.New("has a 0 behind the country code, where E.164 has none (+8210…, not +82010…)")
)

// parsePhone accepts E.164 ("+821012345678") and Korean mobile numbers ("010-1234-5678", "01012345678"), which it
// returns with hyphens. ErrNotMobile for Korean numbers of another kind. Errors never contain the value.
func parsePhone(text string) (string, error) {
	if number, international := strings.CutPrefix(text, "+"); international {
		if err := checkE164(number); err != nil {
			return "", err
		}
		return text, nil
	}
	if isKoreanMobile(text) {
		return text[:3] + "-" + text[3:len(text)-4] + "-" + text[len(text)-4:], nil
	}
	digits := strings.ReplaceAll(text, "-", "")
	if parts := strings.Split(text, "-"); len(parts) == 3 && len(parts[0]) == 3 && len(parts[2]) == 4 && isKoreanMobile(digits) {
		return text, nil
	}
	if kind := koreanKind(strings.NewReplacer("-", "", " ", "", ".", "", "(", "", ")", "").Replace(text)); kind != "" {
		return "", fmt.Errorf("%w, but %s", ErrNotMobile, kind)
	}
	return "", errNoPhone
}

// trunkZeros are country codes with a 0 behind them that is dialled only inside of the country.
var trunkZeros = []string{
	"310", "320", "330", "410", "430", "440", "460", "490", "600", "610", "620", "630", "640", "660", "810", "820", "840", "860", "910",
}

// checkE164 checks the digits behind the plus.
func checkE164(number string) error {
	if len(number) < 7 || len(number) > 15 || number[0] == '0' || !plainjson.AllDigits(number) {
		return errNoPhone
	}
	for _, zero := range trunkZeros {
		if strings.HasPrefix(number, zero) {
			return errTrunkZero
		}
	}
	national, korean := strings.CutPrefix(number, "82")
	switch {
	case korean && isKoreanMobile("0"+national):
		return nil
	case korean:
		kind := koreanKind("0" + national)
		if kind == "" {
			kind = koreanKind(national)
		}
		if kind != "" {
			return fmt.Errorf("%w, but %s", ErrNotMobile, kind)
		}
		return errNoPhone
	case number[0] == '1' && (len(number) != 11 || number[1] < '2'):
		return errNoPhone // North America
	default:
		return nil
	}
}

// isKoreanMobile reports whether digits are a Korean mobile number: 010, 011, 016 to 019.
func isKoreanMobile(digits string) bool {
	return len(digits) >= 10 && len(digits) <= 11 && plainjson.AllDigits(digits) && digits[:2] == "01" && strings.IndexByte("016789", digits[2]) >= 0
}

// koreanKinds are the Korean numbers that take no text message, by how they begin, the longer ones first.
var koreanKinds = []struct {
	begin             []string
	shortest, longest int
	kind              string
}{
	{[]string{"050"}, 10, 12, "a Korean virtual number (050…)"},
	{[]string{"070"}, 10, 11, "a Korean internet phone (070)"},
	{[]string{"080"}, 9, 11, "a Korean toll-free number (080)"},
	{[]string{"060"}, 9, 11, "a Korean paid service (060)"},
	{[]string{"02"}, 9, 10, "a Korean landline (02)"},
	{[]string{"031", "032", "033", "041", "042", "043", "044", "051", "052", "053", "054", "055", "061", "062", "063", "064"}, 9, 11, "a Korean landline (031 to 064)"},
	{[]string{"15", "16", "18"}, 8, 8, "a Korean service number (15…, 16…, 18…)"},
}

// koreanKind says which kind of Korean number digits are that is no mobile number; "" for none.
func koreanKind(digits string) string {
	if !plainjson.AllDigits(digits) {
		return ""
	}
	for _, k := range koreanKinds {
		for _, begin := range k.begin {
			if strings.HasPrefix(digits, begin) && len(digits) >= k.shortest && len(digits) <= k.longest {
				return k.kind
			}
		}
	}
	return ""
}
