package core_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// recorders are the services in which the code below a path records metrics.
var recorders = map[string][]port.Service{
	"application/deliver/":        {port.ServiceDelivery},
	"application/settle/":         {port.ServiceSettlement},
	"application/monitor/":        {port.ServiceSettlement},
	"application/feedback/":       {port.ServiceFeedback},
	"application/dispatch/":       {port.ServiceDispatcher},
	"adapters/kafka/publisher.go": {port.ServiceDelivery, port.ServiceDispatcher}, // settlement publishes nothing
	"adapters/kafka/":             {port.ServiceDelivery, port.ServiceSettlement},
	"bootstrap/certificates/":     {port.ServiceDelivery, port.ServiceSettlement, port.ServiceFeedback},
	"bootstrap/core/gateways.go":  {port.ServiceDelivery},
	"bootstrap/core/health.go":    {port.ServiceDelivery, port.ServiceSettlement, port.ServiceDispatcher, port.ServiceFeedback},
}

// A metric that is declared to be a service's and is another's is not written for CloudWatch, and an alarm on it is never raised.
func TestAMetricThatAlarmsNeedIsDeclaredToBeOfTheServicesThatRecordIt(t *testing.T) {
	t.Parallel()
	const root = "../.."
	names := metricNames(t, root)
	recorded := map[string][]port.Service{}
	for _, module := range []string{"application", "adapters", "bootstrap"} {
		err := filepath.WalkDir(filepath.Join(root, module), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/devtools/") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			path, err = filepath.Rel(root, path)
			for _, variable := range recordedIn(file) {
				recorded[names[variable]] = append(recorded[names[variable]], servicesOf(filepath.ToSlash(path))...)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range metric.All() {
		if !m.Essential() {
			continue
		}
		got, want := slices.Clone(m.Services), recorded[m.Name]
		slices.Sort(got)
		slices.Sort(want)
		if want = slices.Compact(want); !slices.Equal(got, want) {
			t.Errorf("%s is declared to be of %q, and is recorded by %q", m.Name, got, want)
		}
	}
}

// metricNames are the metrics' names by the variables that declare them.
func metricNames(t *testing.T, root string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "application/metric/metrics.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is || len(spec.Values) != 1 {
			return true
		}
		ast.Inspect(spec.Values[0], func(n ast.Node) bool {
			if literal, is := n.(*ast.BasicLit); is && names[spec.Names[0].Name] == "" {
				name, _ := strconv.Unquote(literal.Value)
				names[spec.Names[0].Name] = "balsong_" + name
			}
			return true
		})
		return false
	})
	return names
}

// recordedIn are the variables of package metric whose values a file sets.
func recordedIn(file *ast.File) (variables []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, is := n.(*ast.SelectorExpr)
		if !is || call.Sel.Name != "Add" && call.Sel.Name != "Set" {
			return true
		}
		of, is := call.X.(*ast.SelectorExpr)
		if !is {
			return true
		}
		if from, is := of.X.(*ast.Ident); is && from.Name == "metric" {
			variables = append(variables, of.Sel.Name)
		}
		return true
	})
	return variables
}

// servicesOf are those of the longest path that a file is below.
func servicesOf(file string) []port.Service {
	longest := ""
	for path := range recorders {
		if strings.HasPrefix(file, path) && len(path) > len(longest) {
			longest = path
		}
	}
	return recorders[longest]
}
