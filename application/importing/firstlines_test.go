package importing

import (
	"strconv"
	"testing"
)

func TestTheFirstLineOfEachCustomerIsRemembered(t *testing.T) {
	t.Parallel()
	var seen firstLines
	const customers = 100_000
	for n := range customers {
		if first, alike := seen.add("C-"+strconv.Itoa(n), uint32(n+2)); first != 0 || alike != 0 {
			t.Fatalf("customer %d on line %d, or like the one on line %d, it is said", n, first, alike)
		}
	}
	for n := range customers {
		if first, alike := seen.add("C-"+strconv.Itoa(n), 7); first != uint32(n+2) || alike != 0 {
			t.Fatalf("customer %d: line %d, %d", n, first, alike)
		}
		if first, alike := seen.add("c-"+strconv.Itoa(n), uint32(n+3)); first != 0 || alike != uint32(n+2) {
			t.Fatalf("a customer like %d: line %d, %d", n, first, alike)
		}
	}
	slots := 0
	for _, table := range seen.tables {
		slots += len(table.hashes)
	}
	if slots > 2*customers*3/2 {
		t.Fatalf("%d slots for %d customers", slots, customers)
	}
}
