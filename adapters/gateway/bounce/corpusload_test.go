package bounce

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// loadBounceParser reads what the tests of Mail::DeliveryStatus::BounceParser (t/*.t) assert of the mails in t/corpus. A test
// names a mail and what it expects, or a list of mails and what it expects of all.
func loadBounceParser(t *testing.T, dir string) map[string]expected {
	mails := map[string]expected{}
	for _, script := range glob(t, filepath.Join(dir, "bounceparser", "t", "*.t")) {
		text := comment.ReplaceAllString(read(t, script), "")
		ofAll := ""
		if at := checkOfAll.FindStringIndex(text); at != nil {
			text, ofAll = text[:at[0]]+text[at[1]:], text[at[0]:at[1]]
		}
		names := mailName.FindAllStringIndex(text, -1)
		for i, at := range names {
			end := len(text)
			if i+1 < len(names) {
				end = names[i+1][0]
			}
			for _, path := range glob(t, filepath.Join(dir, "bounceparser", "t", "corpus", text[at[0]:at[1]])) {
				want := mails[path]
				want.take(text[at[1]:end])
				want.take(ofAll)
				if mails[path] = want; want.bounce == nil && want.recipients == nil {
					delete(mails, path)
				}
			}
		}
	}
	return mails
}

var (
	comment    = regexp.MustCompile(`(?m)^\s*#.*$`)
	checkOfAll = regexp.MustCompile(`(?s)(?:sub check_one \{.*?\n\}|check_report\(\s*(?:"t/corpus/)?\$f[^;]*;)`)
	mailName   = regexp.MustCompile(`[\w.*-]+\.msg`)
	isBounce   = regexp.MustCompile(`\bis_bounce\s*=>\s*([01])|\bok\(\s*(!?)\$\w+->is_bounce`)
	whom       = regexp.MustCompile(`(?s)(?:addresses\s*(?:=>|\],)\s*\[|"recipient"\s*=>|reports\s*=>\s*(?:0))([^\];}]*)`)
	why        = regexp.MustCompile(`\bstd_reason"?\s*=>\s*(?:\([^']*)?'(\w+)'|is\(\$std_reason\d*, "(\w+)"`)
	anyWord    = regexp.MustCompile(`[^\s'"(),\[\]]+@[^\s'"(),\[\]]+`)
)

// take takes in what a text expects, where nothing was said of it before.
func (e *expected) take(text string) {
	if found := isBounce.FindStringSubmatch(text); found != nil && e.bounce == nil {
		is := found[1] == "1" || found[1] == "" && found[2] == ""
		e.bounce = &is
	}
	if found := whom.FindStringSubmatch(text); found != nil && e.recipients == nil && !strings.Contains(found[1], "$") {
		e.recipients = append([]string{}, anyWord.FindAllString(found[1], -1)...)
	}
	if found := why.FindStringSubmatch(text); found != nil && e.reason == "" {
		e.reason = found[1] + found[2]
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// loadFlufl reads the table of the tests of flufl.bounce: a detector, a mail, whom it finds, and whether for now alone.
func loadFlufl(t *testing.T, dir string) map[string]expected {
	mails := map[string]expected{}
	for _, found := range detected.FindAllStringSubmatch(read(t, filepath.Join(dir, "flufl", "tests", "test_detectors.py")), -1) {
		path := filepath.Join(dir, "flufl", "tests", "data", found[1])
		want := mails[path]
		who := &want.failed
		if found[3] == "True" {
			who = &want.delayed
		}
		*who = append(append([]string{}, *who...), anyWord.FindAllString(found[2], -1)...)
		mails[path] = want
	}
	return mails
}

var detected = regexp.MustCompile(`\(\s*'\w+',\s*'(\w+\.txt)',\s*\[([^\]]*)\],\s*(True|False)\)`)
