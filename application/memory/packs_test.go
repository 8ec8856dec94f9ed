package memory_test

import (
	"errors"
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

func TestPacksKeepThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.Packs(t, func(testing.TB) port.Packs { return memory.NewPacks() })
	porttest.PackStore(t, func(testing.TB) porttest.PackStorage { return memory.NewPacks() })
}

func TestAPackThatIsDroppedOrSpoiledIsBadContent(t *testing.T) {
	t.Parallel()
	p := memory.NewPacks()
	refs, err := p.Put(t.Context(), "2026-11/a", [][]byte{[]byte("one"), []byte("two")})
	if err != nil {
		t.Fatal(err)
	}
	p.Spoil("2026-11/a", 3)
	if _, err := p.Get(t.Context(), refs[0], nil); err != nil {
		t.Errorf("the entry beside the spoiled one: %v", err)
	}
	if _, err := p.Get(t.Context(), refs[1], nil); !errors.Is(err, port.ErrContent) {
		t.Errorf("the spoiled entry: %v", err)
	}
	p.Drop("2026-11/a")
	if _, err := p.Get(t.Context(), refs[0], nil); !errors.Is(err, port.ErrContent) {
		t.Errorf("the dropped pack: %v", err)
	}
}
