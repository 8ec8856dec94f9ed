package main

import "strings"

// project is the path that every module of the workspace begins with.
const project = "github.com/balsong/balsong"

// layer is where a package stands; the arrows between layers are what layercheck guards.
type layer int

const (
	outside     layer = iota // standard library and third parties
	domain                   // rules and words of the field, no I/O
	application              // use cases and ports
	adapter                  // one technology behind a port
	migrations               // SQL, embedded
	bootstrap                // wiring, configuration, the services' mains
	devtools                 // embedded parts for demo, development and tests
	strange                  // a package of the project in a place that no rule knows
)

// layerOf places an import path. For an adapter, part is its name ("postgres").
func layerOf(path string) (in layer, part string) {
	rest, ours := strings.CutPrefix(path, project+"/")
	if !ours {
		return outside, ""
	}
	first, rest, _ := strings.Cut(rest, "/")
	second, _, _ := strings.Cut(rest, "/")
	switch {
	case first == "domain":
		return domain, ""
	case first == "application":
		return application, ""
	case first == "adapters" && second != "":
		return adapter, second
	case first == "migrations":
		return migrations, ""
	case first == "bootstrap" && second == "devtools":
		return devtools, ""
	case first == "bootstrap":
		return bootstrap, ""
	}
	return strange, ""
}

// pureStd is the part of the standard library that domain may import: no I/O, no clock, no global state.
// time is there for instants and zones; the functions of it that read the clock are refused by rule "clock".
var pureStd = set(
	"bytes", "cmp", "container/heap", "container/list", "container/ring", "crypto/hmac", "crypto/sha256", "crypto/subtle",
	"encoding", "encoding/base64", "encoding/binary", "encoding/hex", "encoding/json", "errors", "fmt",
	"hash", "hash/crc32", "hash/fnv", "iter", "maps", "math", "math/big", "math/bits", "math/rand/v2", "path",
	"reflect", "regexp", "slices", "sort", "strconv", "strings", "time", "time/tzdata",
	"unicode", "unicode/utf16", "unicode/utf8",
)

// useCaseStd is what application may import beyond pureStd: concurrency, streams that a port hands in, formats and templates.
var useCaseStd = set(
	"bufio", "compress/gzip", "context", "embed", "encoding/csv", "html", "html/template", "io", "io/fs", "mime", "mime/quotedprintable",
	"net/mail", "net/url", "sync", "sync/atomic", "text/template", "text/template/parse",
)

// useCaseModules are the third parties that application may import.
var useCaseModules = []string{"golang.org/x/sync", "golang.org/x/text", "github.com/klauspost/compress"}

// testModules are the third parties that tests of domain and application may import as well.
var testModules = []string{"pgregory.net/rapid"}

// fxModules wire an application; only bootstrap knows them.
var fxModules = []string{"go.uber.org/fx", "go.uber.org/dig"}

// embeddedModules are servers in a library: for demo, development and tests, never part of a service.
var embeddedModules = []string{
	"github.com/fergusstrange/embedded-postgres",
	"github.com/twmb/franz-go/pkg/kfake",
	"github.com/versity/versitygw",
}

func set(names ...string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, name := range names {
		out[name] = true
	}
	return out
}

// within reports whether path is one of roots or lies below one.
func within(path string, roots []string) bool {
	for _, root := range roots {
		if path == root || strings.HasPrefix(path, root+"/") {
			return true
		}
	}
	return false
}

// isStd reports whether path belongs to the standard library: its first element has no dot.
func isStd(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}
