package doctor_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

func TestAStoreThatRefusesKeepsAServiceFromStartingAndOneThatIsDownDoesNot(t *testing.T) {
	t.Parallel()
	c := sound(t).S3
	if err := doctor.Refused(t.Context(), doctor.Components{S3: &c}, observe.Clock{}); err != nil {
		t.Errorf("a sound store: %v", err)
	}
	down := c
	down.Endpoint = "http://" + closedPort(t)
	if err := doctor.Refused(t.Context(), doctor.Components{S3: &down}, observe.Clock{}); err != nil {
		t.Errorf("a store that is down: %v", err)
	}
	wrong := c
	wrong.SecretKey = secret
	if err := doctor.Refused(t.Context(), doctor.Components{S3: &wrong}, observe.Clock{}); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "BALSONG_S3_SECRET_KEY") || strings.Contains(err.Error(), secret) {
		t.Errorf("a wrong key: %v", err)
	}
	wrong = c
	wrong.Bucket = unique()
	if err := doctor.Refused(t.Context(), doctor.Components{S3: &wrong}, observe.Clock{}); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "batch migrate") {
		t.Errorf("no bucket: %v", err)
	}
}
