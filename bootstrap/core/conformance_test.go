package core_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/core"
)

const (
	root         = "../../"
	gatewaysPath = "adapters/gateway/"
	listPage     = root + "docs/providers/README.md"
)

// suite is what the tests of each provider run, or have a reason not to.
type suite struct {
	name, about string
	folder      string            // of the tests; "": the provider's own package
	by          []string          // what such tests call, or how they are named; one of these is enough. New is the provider's own constructor
	not         map[string]string // why a provider does not run it, by its package, or by its account where that has other tests than the rest of its package
}

// suites are the columns of the table in docs/providers/README.md.
var suites = []suite{
	{
		name: "calls", about: fmt.Sprintf("the %d promises of `port.Gateway`: one call at most, a verdict that is true whatever breaks, no destination in what is shown (`porttest.Gateway`)", len(porttest.GatewayChecks())),
		by: []string{"porttest.Gateway", "porttest.HTTPGateway", "porttest.HTTPGatewayOf"},
	},
	{
		name: "HTTP", about: "the same, and that an answer is taken for its own call and no other, over plain TCP and over TLS 1.3 (`porttest.HTTPGatewayOf`); HTTP/2 is proved once for all, in `adapters/gateway/httpclient`",
		by:  []string{"porttest.HTTPGateway", "porttest.HTTPGatewayOf"},
		not: map[string]string{"smtp": "not called by HTTP; its TLS and its kept connections have tests of their own"},
	},
	{
		name: "answers", about: "each listed answer of the vendor has its class, a reason and a source ([all of them](../operations/answers.md))",
		by: []string{"answerstest.Holds", "TestEachVendorsRepliesMeanWhatTheVendorSays"},
	},
	{
		name: "any answer", about: "whatever a server says has a defined end (fuzzed)",
		by: []string{"answerstest.Fuzz", "FuzzSMTPReply"},
	},
	{
		name: "reports", about: "what the vendor says later is read by its documents, a forged, repeated or foreign request is known as such, and any request has a defined end (fuzzed)",
		by: []string{"FuzzEvents", "FuzzSMSEvents", "FuzzNHNCloudsWebhooks", "FuzzSOLAPIsWebhooks", "FuzzACallback"},
		not: map[string]string{
			"smtp":        "bounces come by mail, and are read by `adapters/gateway/bounce` for every relay",
			"httpgateway": "our contract has no reports",
			"fcm":         "Firebase reports no single message",
		},
	},
	{
		name: "inquiry", about: "a message is found by its reference, and what is no answer is taken for none (fuzzed)",
		by: []string{"FuzzNHNCloudsLists"},
		not: map[string]string{
			"smtp":        "SMTP cannot be asked",
			"ses":         "Amazon SES cannot be asked about a message by our reference",
			"httpgateway": "our contract has no inquiry",
			"fcm":         "Firebase cannot be asked about a message",
			"twilio":      "Twilio cannot be asked by our reference",
			"awssms":      "AWS cannot be asked about a message by our reference",
			"solapi":      "SOLAPI documents no search by a field of ours; it is asked about the messages of a webhook",
		},
	},
	{
		name: "simulator", about: "the gateway simulator speaks the contract",
		folder: "bootstrap/devtools/gatewaysim", by: []string{"New", "TestAMailLibraryDeliversOverStartTLSWithPassword", "TestAcceptedCallsStandInTheLogWithHashesOnly"},
	},
	{
		name: "not ours", about: "a server or program that we did not write takes what we send: moto for SES, Prism with Twilio's OpenAPI document, dkimpy for the signature of mail",
		folder: "bootstrap/devtools/e2e/sestest", by: []string{"New", "TestTwiliosOwnOpenAPIDocumentAllowsWhatWeSay", "TestAnotherImplementationTakesTheSignature"},
		not: map[string]string{
			"httpgateway": "the contract is our own",
			"nhn":         "no such server is known to us",
			"solapi":      "no such server is known to us",
			"fcm":         "no such server is known to us: Firebase's emulators have none of messages",
			"awssms":      "moto does not know SendTextMessage",
		},
	},
}

// tested is what the tests of a folder say.
type tested struct {
	marks []string // the functions that they call, as porttest.Gateway, and their own names
	lacks []string // for which acts of porttest.HTTPContract the provider has no words
}

// testsOf reads the tests of a folder. The constructor New of a gateway's package is marked as that package's.
func testsOf(t *testing.T, folder string) (of tested) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests (%v)", folder, err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.FuncDecl:
				of.marks = append(of.marks, n.Name.Name)
			case *ast.CallExpr:
				of.marks = append(of.marks, selected(n.Fun))
			case *ast.KeyValueExpr:
				if key, is := n.Key.(*ast.Ident); is && key.Name == "Lacks" {
					list, _ := n.Value.(*ast.CompositeLit)
					for _, act := range list.Elts {
						if lack := selected(act); !slices.Contains(of.lacks, lack) {
							of.lacks = append(of.lacks, lack)
						}
					}
				}
			}
			return true
		})
	}
	return of
}

// selected writes a.B; "" for what is none.
func selected(e ast.Expr) string {
	if s, is := e.(*ast.SelectorExpr); is {
		if x, is := s.X.(*ast.Ident); is {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}

// lackNames says what a provider has no words for.
var lackNames = map[string]string{
	"porttest.ActRefuseTemporary": "a refusal for now",
	"porttest.ActRefuseContent":   "a refusal of the text",
}

// runs reports whether the tests of a provider's package run the suite.
func (s suite) runs(t *testing.T, of string) bool {
	own := testsOf(t, gatewaysPath+of).marks
	if s.folder != "" {
		for _, mark := range testsOf(t, s.folder).marks {
			if mark == of+".New" || slices.Contains(alone[of], mark) {
				return true
			}
		}
	}
	return slices.ContainsFunc(s.by, func(mark string) bool { return mark != "New" && slices.Contains(own, mark) })
}

// alone are tests elsewhere that make no gateway: they speak to the simulator as any client does.
var alone = map[string][]string{
	"smtp":        {"TestAMailLibraryDeliversOverStartTLSWithPassword"},
	"httpgateway": {"TestAcceptedCallsStandInTheLogWithHashesOnly"},
}

// packages are those of the providers that can be configured, by the provider's account.
func packages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for account, c := range configured(t) {
		made, err := core.NewGateway(c, c.Providers()[0], installation{}, memory.NewClock(time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		made.Close()
		found[account] = path.Base(reflect.TypeOf(made).Elem().PkgPath())
	}
	return found
}

// conformance writes the table, and the reasons beneath it.
func conformance(t *testing.T) string {
	var text strings.Builder
	var reasons []string
	note := func(why string) string {
		at := slices.Index(reasons, why)
		if at < 0 {
			reasons, at = append(reasons, why), len(reasons)
		}
		return fmt.Sprintf("<sup>%d</sup>", at+1)
	}
	text.WriteString("| Provider |")
	for _, s := range suites {
		text.WriteString(" " + s.name + " |")
	}
	text.WriteString("\n|---|" + strings.Repeat("---|", len(suites)) + "\n")
	of := packages(t)
	for _, account := range slices.Sorted(maps.Keys(of)) {
		fmt.Fprintf(&text, "| `%s` |", account)
		for _, s := range suites {
			why, alone := s.not[account]
			if !alone {
				why = s.not[of[account]]
			}
			switch runs := !alone && s.runs(t, of[account]); {
			case runs && why != "":
				t.Errorf("%s runs the suite %q now: take away why it does not", account, s.name)
			case !runs && why == "":
				t.Errorf("%s does not run the suite %q (one of %s): let its tests do so, or say in conformance_test.go why not", account, s.name, strings.Join(s.by, ", "))
			case !runs:
				text.WriteString(" –" + note(why) + " |")
				continue
			}
			cell := " ✓"
			if lacks := testsOf(t, gatewaysPath+of[account]).lacks; s.name == "calls" && len(lacks) > 0 {
				var words []string
				for _, act := range lacks {
					words = append(words, lackNames[act])
				}
				cell += note("the vendor has no words for " + strings.Join(words, " and ") + ", so that is not asked of it")
			}
			text.WriteString(cell + " |")
		}
		text.WriteString("\n")
	}
	text.WriteString("\n")
	for _, s := range suites {
		fmt.Fprintf(&text, "- **%s**: %s.\n", s.name, s.about)
	}
	text.WriteString("\n")
	for i, why := range reasons {
		fmt.Fprintf(&text, "%d. %s\n", i+1, why)
	}
	return text.String()
}

// What stands between these lines of the page is written by the test below.
const (
	conformanceBegins = "<!-- the table of suites; `make docs` writes it -->\n"
	conformanceEnds   = "<!-- end of the table of suites -->\n"
)

func TestTheTableOfSuitesIsFresh(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(listPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(raw), conformanceBegins)
	got, after, ends := strings.Cut(rest, conformanceEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table of suites", listPage)
	}
	want := conformance(t)
	if *update {
		if err := os.WriteFile(listPage, []byte(before+conformanceBegins+want+conformanceEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != want {
		t.Errorf("the table of suites in %s is stale: run `make docs`", listPage)
	}
}

// A package that sends and that nobody can configure would be in no row of the table.
func TestEachPackageThatSendsIsAProvider(t *testing.T) {
	t.Parallel()
	known := slices.Collect(maps.Values(packages(t)))
	sends := regexp.MustCompile(`(?m)^func \(\w* ?\*?\w+\) Send\(ctx context\.Context, \w+ port\.Delivery\) port\.Reply`)
	err := filepath.WalkDir(root+gatewaysPath, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(name)
		if of := filepath.Base(filepath.Dir(name)); err == nil && sends.Match(raw) && !slices.Contains(known, of) {
			t.Errorf("%s sends, and is the gateway of no provider", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// exchange is one of request and answer, as bytes, in a page's section of its own.
var exchange = regexp.MustCompile(`(?m)^## One exchange.*\n(?:.*\n)*?(?:    (?:POST|S:|C:).*\n)`)

func TestEachProvidersPageShowsOneExchange(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile(listPage)
	if err != nil {
		t.Fatal(err)
	}
	for account := range packages(t) {
		kind, name, _ := strings.Cut(account, "/")
		row := regexp.MustCompile("(?m)^\\| `" + strings.ToUpper(kind) + "` \\| `" + name + "` \\|.*\\]\\(([a-z0-9./-]+\\.md)").FindSubmatch(list)
		if row == nil {
			t.Errorf("%s has no row in %s that leads to its page", account, listPage)
			continue
		}
		page, err := os.ReadFile(filepath.Join(filepath.Dir(listPage), string(row[1])))
		if err != nil || !exchange.Match(page) {
			t.Errorf("%s of %s has no section \"One exchange\" with its bytes (%v)", row[1], account, err)
		}
	}
}
