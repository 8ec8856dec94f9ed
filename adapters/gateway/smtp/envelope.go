package smtp

import (
	"cmp"
	"context"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/email"
	"github.com/balsong/balsong/application/port"
)

// Prepare makes sure that what a message and a login take is there (port.Preparer).
func (g *Gateway) Prepare(ctx context.Context) error {
	if err := g.writer.Prepare(ctx); err != nil {
		return err
	}
	if err := g.config.References.Prepare(ctx); err != nil || g.config.Tokens == nil {
		return err
	}
	return g.config.Tokens.Prepare(ctx)
}

// prepared reports whether Prepare has been called with success.
func (g *Gateway) prepared() bool {
	return g.writer.Prepared() && (g.bounces == nil || g.config.References.Known() != nil)
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
		if g.envelopeFrom, err = email.Recipient(c.EnvelopeFrom); err != nil {
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
	return cmp.Or(g.envelopeFrom, g.writer.From(d.Content))
}

// envelopeSenders lists what Check announces to the server: each sender, or an address as bounces go to, of no bill.
func (g *Gateway) envelopeSenders() []string {
	if g.bounces != nil {
		return []string{g.bounces.Address(g.config.References.OfNobody())}
	}
	if g.envelopeFrom != "" {
		return []string{g.envelopeFrom}
	}
	return g.writer.Senders()
}
