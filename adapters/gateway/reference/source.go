package reference

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Source gives the references of an installation (nil: of none, for a check), whose id it asks for once. Safe for concurrent use.
type Source struct {
	installation port.Installation
	secrets      []string
	known        atomic.Pointer[References]
}

// NewSource checks the secrets; it asks for nothing yet. ErrSecret.
func NewSource(installation port.Installation, secrets ...string) (*Source, error) {
	if _, err := New("", secrets...); err != nil {
		return nil, err
	}
	return &Source{installation: installation, secrets: secrets}, nil
}

// Prepare makes sure that the references are known. It may wait for the database, and so is called before a claim.
func (s *Source) Prepare(ctx context.Context) error {
	if s == nil || s.known.Load() != nil {
		return nil
	}
	id := ""
	if s.installation != nil {
		var err error
		if id, err = s.installation.ID(ctx); err != nil {
			return fmt.Errorf("the installation's id cannot be read: %w", err)
		}
	}
	known, err := New(id, s.secrets...)
	if err == nil {
		s.known.Store(known)
	}
	return err
}

// Secrets is how many secrets there are: as many references a delivery key may have had (References.All).
func (s *Source) Secrets() int {
	if s == nil {
		return 0
	}
	return len(s.secrets)
}

// Known returns the references; nil where there is no source, or before Prepare.
func (s *Source) Known() *References {
	if s == nil {
		return nil
	}
	return s.known.Load()
}

// To returns the reference to a delivery key; "" where there is no source. false before Prepare.
func (s *Source) To(d key.Delivery) (text string, prepared bool) {
	if s == nil {
		return "", true
	}
	known := s.known.Load()
	if known == nil {
		return "", false
	}
	return known.To(d), true
}

// OfNobody returns a reference that names no delivery key, for a check that sends nothing.
func (s *Source) OfNobody() string {
	nobody, err := New("", s.secrets...)
	if err != nil {
		return "" // not after NewSource
	}
	return nobody.To(key.Delivery{})
}
