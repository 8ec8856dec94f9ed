package bench

import (
	"strconv"
	"strings"
	"testing"
)

func TestPiecesOfAFileHoldEachLineOnce(t *testing.T) {
	t.Parallel()
	var whole strings.Builder
	for n := range 5000 {
		whole.WriteString("line " + strconv.Itoa(n) + strings.Repeat("x", n%97) + "\n")
	}
	for _, of := range []int{1, 3, 7} {
		var lines []string
		for n := range of {
			size := int64(whole.Len())
			err := eachPiece(strings.NewReader(whole.String()), size*int64(n)/int64(of), size*int64(n+1)/int64(of), func(piece string) error {
				lines = append(lines, piece)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if strings.Join(lines, "\n")+"\n" != whole.String() {
			t.Errorf("in %d parts other lines come out", of)
		}
	}
}
