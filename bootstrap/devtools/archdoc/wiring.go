package archdoc

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/feedback"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/retain"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/bootstrap/operatorapp"
)

// app is one option of bootstrap with what it is there for.
type app struct {
	title, source, says string
	options             fx.Option
	root                string   // what is run, or handed to the commands
	holds               []string // the types that the root holds, where fx does not make it
}

func apps() ([]app, error) {
	keyset, err := crypto.NewKeyset()
	if err != nil {
		return nil, err
	}
	database := config.Database{URL: "postgres://nobody@127.0.0.1:1/none?sslmode=disable", MaxConns: 1, StatementTimeout: time.Second, LockTimeout: time.Second}
	kafka := config.Kafka{Brokers: []string{"127.0.0.1:1"}, Partitions: 1, Replication: 1, MinInSync: 1}
	s3 := config.S3{Bucket: "none", S3Access: config.S3Access{Region: "none", Endpoint: "http://127.0.0.1:1", AccessKey: "none", SecretKey: "none"}}
	keys := config.Keys{Keyset: string(keyset)}
	log := config.Log{Level: "error", Format: "json"}
	gateways := config.Gateways{SMS: config.HTTPGateway{URL: "http://127.0.0.1:1", HTTPCalls: config.HTTPCalls{CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: 1}}}
	gateways.ReferenceSecrets = []string{strings.Repeat("x", 32)}
	deliverer := config.Deliverer{Database: database, Kafka: kafka, S3: s3, Keys: keys, Gateways: gateways, Log: log}
	return []app{
		{
			"Batch migrate", "bootstrap/batchapp", "brings schema, topics and bucket up to date, then ends",
			batchapp.Migrating(config.Migrate{Database: database, Kafka: kafka, S3: s3, Log: log}), "batchapp.Migration", fieldTypes(reflect.TypeFor[batchapp.Migration]()),
		},
		{
			"Batch import", "bootstrap/batchapp", "imports files, then ends",
			batchapp.Importing(config.Import{Database: database, Keys: keys, Log: log}), "batchapp.Import", fieldTypes(reflect.TypeFor[batchapp.Import]()),
		},
		{
			"Batch render", "bootstrap/batchapp", "renders a month, then ends",
			batchapp.Rendering(config.Render{Database: database, S3: s3, Keys: keys, Log: log}), "batchapp.Render", fieldTypes(reflect.TypeFor[batchapp.Render]()),
		},
		{
			"Dispatcher", "bootstrap/dispatcherapp", "one run, then ends",
			dispatcherapp.Options(config.Dispatcher{Database: database, Kafka: kafka, Log: log}), reflect.TypeFor[*dispatch.Runner]().String(), nil,
		},
		{
			"Delivery", "bootstrap/deliveryapp", "the role delivery of a long-running service",
			deliveryapp.Options(deliveryapp.Delivery, deliverer), reflect.TypeFor[*deliver.Service]().String(), nil,
		},
		{
			"Settlement", "bootstrap/deliveryapp", "the role settlement of the same service",
			deliveryapp.Options(deliveryapp.Settlement, deliverer), reflect.TypeFor[*settle.Settler]().String(), nil,
		},
		{
			"Feedback", "bootstrap/deliveryapp", "the role feedback of the same program",
			deliveryapp.Options(deliveryapp.Feedback, config.Deliverer{Database: database, Gateways: gateways, Feedback: config.Feedback{LMTPAddr: "127.0.0.1:1"}, Log: log}),
			reflect.TypeFor[*feedback.Service]().String(), nil,
		},
		{
			"Operator", "bootstrap/operatorapp", "what people's commands work with",
			operatorapp.Options(config.Operator{Database: database, Log: log}), reflect.TypeFor[operate.Ports]().String(), nil,
		},
		{
			"Retention", "bootstrap/operatorapp", "removes old months, then ends",
			operatorapp.Retention(config.Retention{Database: database, S3: s3, Kept: config.Kept{Months: 12, AuditMonths: 60}, Log: log}), reflect.TypeFor[*retain.Keeper]().String(), nil,
		},
	}, nil
}

// fieldTypes are the types of a struct's fields, as fx writes them.
func fieldTypes(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if t.Field(i).Type != reflect.TypeFor[fx.In]() {
			names = append(names, t.Field(i).Type.String())
		}
	}
	return names
}

func wiringPage(p *printer, _ Sources) error {
	p.line("Asked of fx, which starts nothing for it. Only what an app uses is drawn; the log, the metrics, the clock and who the process is to AWS, which all use, are left out, and a struct of ports is replaced by what it holds.")
	p.line("A name without a package is a %s. Constructors do no I/O: an app starts while its components are down, and waits for them.\n", p.link("port", "docs/architecture/ports.md"))
	list, err := apps()
	if err != nil {
		return err
	}
	for _, a := range list {
		var graph fx.DotGraph
		if err := fx.New(a.options, fx.Populate(&graph)).Err(); err != nil {
			return fmt.Errorf("wire %s: %w", a.title, err)
		}
		p.line("## %s\n\n%s: %s.\n", a.title, p.link("`"+a.source+"`", a.source), a.says)
		lines, err := a.draw(parseDot(string(graph)))
		if err != nil {
			return fmt.Errorf("draw %s: %w", a.title, err)
		}
		p.mermaid(lines...)
	}
	return nil
}

var (
	dotCluster = regexp.MustCompile(`subgraph cluster_(\d+)`)
	dotResult  = regexp.MustCompile(`^\s*"([^"]+)" \[label=`)
	dotNeed    = regexp.MustCompile(`^\s*constructor_(\d+) -> "([^"]+)"`)
)

// graph is what dig knows: which constructor gives a type, and which types it needs.
type graph struct {
	gives map[string]string   // type → constructor
	needs map[string][]string // constructor → types
}

func parseDot(text string) graph {
	g := graph{gives: map[string]string{}, needs: map[string][]string{}}
	constructor := ""
	for line := range strings.Lines(text) {
		if m := dotCluster.FindStringSubmatch(line); m != nil {
			constructor = m[1]
		} else if m := dotNeed.FindStringSubmatch(line); m != nil {
			g.needs[m[1]] = append(g.needs[m[1]], m[2])
		} else if m := dotResult.FindStringSubmatch(line); m != nil {
			g.gives[m[1]] = constructor
		}
	}
	return g
}

// everywhere are what nearly every part is given.
var everywhere = []string{"port.Log", "port.Metrics", "port.Clock", "*zap.Logger", "*awsidentity.Identity", "fx.Lifecycle", "fx.Shutdowner"}

func (a app) draw(g graph) ([]string, error) {
	if a.holds != nil {
		g.gives[a.root], g.needs[a.root] = a.root, a.holds
	}
	lines := []string{"flowchart LR"}
	seen := map[string]bool{}
	for queue := []string{a.root}; len(queue) > 0; queue = queue[1:] {
		of := queue[0]
		if seen[of] {
			continue
		}
		seen[of] = true
		constructor, ok := g.gives[of]
		if !ok {
			return nil, fmt.Errorf("nothing gives %s", of)
		}
		for _, need := range slices.Sorted(slices.Values(g.parts(constructor))) {
			if !slices.Contains(everywhere, need) && !strings.HasPrefix(need, "config.") {
				lines = append(lines, "  "+typeNode(of)+" --> "+typeNode(need))
				queue = append(queue, need)
			}
		}
	}
	return lines, nil
}

// parts returns what a constructor needs; of a struct of ports, what it holds.
func (g graph) parts(constructor string) (all []string) {
	for _, need := range g.needs[constructor] {
		if of, ok := g.gives[need]; ok && strings.HasSuffix(need, ".Ports") {
			all = append(all, g.parts(of)...)
		} else {
			all = append(all, need)
		}
	}
	return all
}

var notWord = regexp.MustCompile(`\W+`)

func typeNode(name string) string {
	short := strings.TrimPrefix(strings.TrimPrefix(name, "*"), "port.")
	return notWord.ReplaceAllString(short, "_") + `["` + short + `"]`
}
