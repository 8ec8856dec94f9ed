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
		if first, twice := seen.add("C-"+strconv.Itoa(n), uint32(n+2)); twice {
			t.Fatalf("customer %d on line %d, it is said", n, first)
		}
	}
	for n := range customers {
		if first, twice := seen.add("C-"+strconv.Itoa(n), 7); !twice || first != uint32(n+2) {
			t.Fatalf("customer %d: line %d, %t", n, first, twice)
		}
	}
	slots := 0
	for _, table := range seen.tables {
		slots += len(table.hashes)
	}
	if slots > customers*3/2 {
		t.Fatalf("%d slots for %d customers", slots, customers)
	}
}
