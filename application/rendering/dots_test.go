package rendering_test

import (
	"mime/quotedprintable"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// A line of a mail that begins with a dot has to be changed on its way by SMTP: a mail without one goes out as it is.
func TestNoLineOfAMailBeginsWithADot(t *testing.T) {
	t.Parallel()
	for _, language := range rendering.Languages {
		for _, sample := range rendering.Samples(language) {
			made, err := rendering.ShippedTemplates().Statement(sample.Bill, november, policy.Transactional)
			if err != nil {
				t.Fatal(err)
			}
			for what, text := range map[string]string{"HTML": made[channel.Email].HTML, "text": made[channel.Email].Text} {
				var mail strings.Builder
				encoder := quotedprintable.NewWriter(&mail)
				if _, err := encoder.Write([]byte(text)); err != nil {
					t.Fatal(err)
				}
				if err := encoder.Close(); err != nil {
					t.Fatal(err)
				}
				if at := strings.Index("\n"+mail.String(), "\n."); at >= 0 {
					t.Errorf("%s, %s: the %s has the line %.60q", language, sample.Name, what, mail.String()[at:])
				}
			}
		}
	}
}
