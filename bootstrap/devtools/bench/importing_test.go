package bench

import (
	"slices"
	"strings"
	"testing"
)

func TestRowsOfACopyThatFillTheirLastPieceLeaveNoEmptyOne(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", pieceSize-1) // and its line feed
	for name, lines := range map[string][]string{"no row": nil, "one": {"a"}, "a full piece": {full}, "a full piece and one more": {full, "a"}} {
		var text copyText
		for _, line := range lines {
			text.add(line)
		}
		pieces := text.all()
		if got, want := strings.Join(pieces, ""), strings.Join(append(slices.Clone(lines), ""), "\n"); got != want {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(want))
		}
		if slices.Contains(pieces, "") {
			t.Errorf("%s: a piece is empty, which COPY reads as a row without fields", name)
		}
	}
}
