package porttest

import (
	"regexp"
	"testing"
)

// Installation runs the suite of port.Installation.
func Installation(t *testing.T, open OpenStorage) { Run(t, InstallationChecks(), open) }

// InstallationChecks are the promises of port.Installation.
func InstallationChecks() []Check[Storage] {
	return []Check[Storage]{onStage("has an id that stays the same", installationID)}
}

func installationID(s *stage) {
	first, second := given(s.Installation.ID(s.ctx))(s), given(s.Installation.ID(s.ctx))(s)
	if first != second || !regexp.MustCompile(`^[0-9a-z]{6,32}$`).MatchString(first) {
		s.Errorf("the id is %q, then %q", first, second)
	}
}
