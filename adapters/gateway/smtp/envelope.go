package smtp

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/verp"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// installation is what tells this installation from every other.
type installation struct {
	id     string       // "": nothing does
	tokens *verp.Tokens // nil: bounces go to one address
}

// installed asks for the installation, once.
func (g *Gateway) installed(ctx context.Context) (*installation, error) {
	if known := g.installation.Load(); known != nil {
		return known, nil
	}
	id := ""
	if g.config.Installation != nil {
		var err error
		if id, err = g.config.Installation.ID(ctx); err != nil {
			return nil, fmt.Errorf("the installation's id cannot be read: %w", err)
		}
	}
	known, err := g.install(id)
	if err == nil {
		g.installation.Store(known)
	}
	return known, err
}

func (g *Gateway) install(id string) (known *installation, err error) {
	known = &installation{id: id}
	if g.bounces != nil {
		known.tokens, err = verp.New(id, g.config.EnvelopeSecrets...)
	}
	return known, err
}

// envelope reads where bounces go.
func (g *Gateway) envelope(c Config) (err error) {
	provider := c.Provider.Name
	switch {
	case verp.IsPattern(c.EnvelopeFrom):
		pattern, err := verp.ParsePattern(c.EnvelopeFrom)
		if err != nil {
			return gateway.ConfigError(provider, "envelope from", "%s", err)
		}
		g.bounces = &pattern
		if _, err := g.install(""); err != nil {
			return gateway.ConfigError(provider, "envelope secrets", "%s", err)
		}
	case len(c.EnvelopeSecrets) > 0:
		return gateway.ConfigError(provider, "envelope secrets", "are set, and the address that bounces go to has no %s", verp.Placeholder)
	case c.EnvelopeFrom != "":
		if g.envelopeFrom, err = recipient(c.EnvelopeFrom); err != nil {
			return gateway.ConfigError(provider, "envelope from", "is no e-mail address")
		}
	}
	return nil
}

// envelopeSender returns where the bounces of a delivery go.
func (g *Gateway) envelopeSender(d port.Delivery, from *installation) string {
	if g.bounces != nil {
		return g.bounces.Address(from.tokens.Token(d.Key))
	}
	return cmp.Or(g.envelopeFrom, g.senderIdentity(d.Content).from.Address)
}

// envelopeSenders lists what Check announces to the server: each sender, or an address as bounces go to, of no bill.
func (g *Gateway) envelopeSenders() []string {
	if g.bounces != nil {
		nobody, err := g.install("")
		if err != nil {
			return nil // not after New
		}
		return []string{g.bounces.Address(nobody.tokens.Token(key.Delivery{}))}
	}
	return slices.Compact([]string{cmp.Or(g.envelopeFrom, g.bills.from.Address), cmp.Or(g.envelopeFrom, g.advertising.from.Address)})
}
