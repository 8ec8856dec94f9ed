package smtp

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
)

// Prepare makes sure that what a message and a login take is there (port.Preparer).
func (g *Gateway) Prepare(ctx context.Context) error {
	if err := g.installed(ctx); err != nil {
		return err
	}
	if err := g.config.References.Prepare(ctx); err != nil || g.config.Tokens == nil {
		return err
	}
	return g.config.Tokens.Prepare(ctx)
}

// installed asks for the installation's id, once.
func (g *Gateway) installed(ctx context.Context) error {
	if g.installation.Load() != nil {
		return nil
	}
	id, err := g.config.Installation.ID(ctx)
	if err != nil {
		return fmt.Errorf("the installation's id cannot be read: %w", err)
	}
	g.installation.Store(&id)
	return nil
}

// prepared reports whether Prepare has been called with success.
func (g *Gateway) prepared() bool {
	return g.installation.Load() != nil && (g.bounces == nil || g.config.References.Known() != nil)
}

// envelope reads where bounces go.
func (g *Gateway) envelope(c Config) (err error) {
	provider := c.Provider.Name
	switch {
	case IsPattern(c.EnvelopeFrom):
		pattern, err := ParsePattern(c.EnvelopeFrom)
		if err != nil {
			return gateway.ConfigError(provider, "envelope from", "%s", err)
		}
		if g.bounces = &pattern; c.References == nil {
			return gateway.ConfigError(provider, "references", "are not there, and the address that bounces go to has %s", Placeholder)
		}
	case c.EnvelopeFrom != "":
		if g.envelopeFrom, err = recipient(c.EnvelopeFrom); err != nil {
			return gateway.ConfigError(provider, "envelope from", "is no e-mail address")
		}
	}
	return nil
}

// envelopeSender returns where the bounces of a delivery go.
func (g *Gateway) envelopeSender(d port.Delivery) string {
	if g.bounces != nil {
		return g.bounces.Address(g.config.References.Known().To(d.Key))
	}
	return cmp.Or(g.envelopeFrom, g.senderIdentity(d.Content).from.Address)
}

// envelopeSenders lists what Check announces to the server: each sender, or an address as bounces go to, of no bill.
func (g *Gateway) envelopeSenders() []string {
	if g.bounces != nil {
		return []string{g.bounces.Address(g.config.References.OfNobody())}
	}
	return slices.Compact([]string{cmp.Or(g.envelopeFrom, g.bills.from.Address), cmp.Or(g.envelopeFrom, g.advertising.from.Address)})
}
