package doctor

import (
	"fmt"
	"os"
	"time"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/secrets"
	"github.com/balsong/balsong/domain/wording"
)

// oldKeyset is when a keyset that has not changed should be rotated.
const oldKeyset = 365 * 24 * time.Hour

func keyset(c config.Keys, clock port.Clock) []Finding {
	p := component{name: "keyset", checked: "BALSONG_KEYSET"}
	if c.Source != "" {
		p.checked = c.Source
	}
	if c.Keyset == "" {
		p.add(Problem, "there is none", "make one: balsong keyset new --file keyset.json, and set BALSONG_KEYSET_FILE")
		return p.list
	}
	if _, err := crypto.New([]byte(c.Keyset)); err != nil {
		p.add(Problem, err.Error(), "a keyset is made by `balsong keyset new`; take the right one from where it is kept: nothing else opens what it sealed")
		return p.list
	}
	keys, err := crypto.Keys([]byte(c.Keyset))
	if err != nil {
		p.add(Problem, err.Error(), "take the right one from where it is kept")
		return p.list
	}
	text := wording.Count(len(keys), "key", "keys")
	for _, k := range keys {
		if k.Primary {
			text += fmt.Sprintf(", %d seals", k.ID)
		}
	}
	p.add(OK, text, "")
	reference, _, _ := secrets.Parse(c.Source)
	if info, err := os.Stat(reference.Name); reference.Kind == secrets.File && err == nil {
		p.file(info, c, clock)
	}
	return p.list
}

func (p *component) file(info os.FileInfo, c config.Keys, clock port.Clock) {
	if info.Mode().Perm()&0o077 != 0 && c.KMSKey == "" {
		p.add(Advice, fmt.Sprintf("others may read the file (mode %04o)", info.Mode().Perm()), "chmod 600, or wrap it: balsong keyset wrap")
	}
	if age := clock.Now().Sub(info.ModTime()); age > oldKeyset {
		p.add(Advice, fmt.Sprintf("the file has not changed for %d days", int(age.Hours()/24)), "rotate the key: docs/operations/keys.md")
	}
}
