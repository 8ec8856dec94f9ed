package httpgateway

import (
	"strings"

	"github.com/balsong/balsong/domain/channel"
)

// korea is the country code whose numbers the contract shows without it.
const korea = "+82"

// addressee returns a destination as the contract shows it: a Korean number in the digits that are dialled in the country
// (01012345678, whether it was 010-1234-5678 or +821012345678), a number of another country in E.164. A push token stays as it is.
func addressee(kind channel.Kind, destination string) string {
	if kind == channel.Push {
		return destination
	}
	if national, korean := strings.CutPrefix(destination, korea); korean {
		destination = "0" + national
	}
	if strings.IndexByte(destination, '-') < 0 {
		return destination
	}
	return strings.ReplaceAll(destination, "-", "")
}
