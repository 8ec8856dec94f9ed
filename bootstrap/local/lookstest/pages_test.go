package lookstest

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/balsong/balsong/application/prepare"
	"github.com/balsong/balsong/bootstrap/local/demodata"
	"github.com/balsong/balsong/bootstrap/local/preview"
	"github.com/balsong/balsong/domain/policy"
)

func TestThePreviewIsReadableOnEveryScreen(t *testing.T) {
	t.Parallel()
	b := open(t)
	words, err := demodata.Words()
	if err != nil {
		t.Fatal(err)
	}
	_, wrong := prepare.LoadTemplates(letterless{prepare.ShippedFiles()})
	for name, made := range map[string]preview.Bill{"bill": {Title: "Customer 7590-VHVEG, 2026-11, TRANSACTIONAL"}, "wrong": {Title: "Customer 7590-VHVEG", Wrong: wrong}} {
		if made.Wrong == nil {
			if made.Variants, err = words.Statement(prepare.Samples("ko")[0].Bill, prepare.SampleMonth(), policy.Transactional); err != nil {
				t.Fatal(err)
			}
		}
		server := httptest.NewServer(preview.Handler(func() preview.Bill { return made }))
		t.Cleanup(server.Close)
		tab := b.tab(t)
		for _, s := range screens {
			if s.bare {
				continue
			}
			t.Run(fmt.Sprintf("%s, %s", name, s.name), func(t *testing.T) {
				tab.look(t, server.URL+"/", s, "about:srcdoc")
				tab.measured(t).readable(t)
				if s.name == "desktop" && made.Wrong == nil {
					wide := screen{width: 1560}
					tab.look(t, server.URL+"/", wide, "about:srcdoc")
					tab.shot(t, wide, 0.75, "preview")
				}
			})
		}
	}
}
