package rendering

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	text "text/template"
	"unicode/utf8"

	"github.com/balsong/balsong/application/port"
)

//go:embed templates
var shippedFiles embed.FS

// maxTemplate bounds a template file, in bytes.
const maxTemplate = 256 << 10

// layoutFile is the layout of the HTML e-mail for every language. Each language's htmlFile has its words.
const (
	layoutFile = "layout.html.tmpl"
	htmlFile   = "email.html.tmpl"
)

// textFiles are the text templates of a language; what each makes is described in docs/operations/templates.md.
var textFiles = []string{
	"email.subject.tmpl", "email.text.tmpl", "sms.tmpl", "lms.tmpl", "lms.subject.tmpl", "push.title.tmpl", "push.tmpl",
}

// messageFiles are those whose words must be in EUC-KR.
var messageFiles = []string{"sms.tmpl", "lms.tmpl", "lms.subject.tmpl"}

// Problem is one thing that is wrong with the templates.
type Problem struct {
	File   string
	Line   int // 0: the whole file
	Reason string
}

// String writes "ko/sms.tmpl:3: …".
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Reason
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason)
}

// TemplateError lists everything that is wrong with the templates.
type TemplateError struct {
	Problems []Problem
	Untried  bool // no sample bill was rendered yet, which may find more
}

// Error implements error: one line a problem.
func (e *TemplateError) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	if e.Untried {
		lines = append(lines, "(once this is corrected, sample bills are rendered, which may find more)")
	}
	return "the templates cannot be used:\n  " + strings.Join(lines, "\n  ")
}

// Unwrap says that it is the files that are wrong: port.ErrInvalid.
func (*TemplateError) Unwrap() error { return port.ErrInvalid }

// Templates make a bill's texts, in every language and for every channel. They are safe for concurrent use.
type Templates struct {
	senderIdentity SenderIdentity
	languages      map[string]*language
	uses           []FieldUse
	name           string            // of their directory
	files          map[string]string // all that was read, by name
}

// FieldUse is where a template shows a field of the billing data: .Fields.kwh.
type FieldUse struct {
	Name, File string
	Line       int
}

// FieldUses returns where the templates show fields of the billing data. What a name computed by a template stands for is not
// known.
func (t *Templates) FieldUses() []FieldUse { return slices.Clone(t.uses) }

// language holds the templates of one language. Data is never parsed as a template: only the files are.
type language struct {
	html   *template.Template
	marked *markedLayout             // says whose value html/template refuses
	texts  map[string]*text.Template // by file name
	quick  map[string]compiled       // the same, by file name; what is missing is executed
	// approved is the AlimTalk template; nil: the language has none.
	approved *approved
}

// ShippedFiles returns the files of the templates that come with Balsong.
func ShippedFiles() fs.FS {
	files, err := fs.Sub(shippedFiles, "templates")
	if err != nil {
		panic(err) // a constant path
	}
	return files
}

// ShippedTemplates returns the templates that come with Balsong.
var ShippedTemplates = sync.OnceValue(func() *Templates {
	templates, err := LoadTemplates(ShippedFiles())
	if err != nil {
		panic(err) // they are part of the program, and a test loads them
	}
	return templates.Named("shipped")
})

// WithSender returns the templates with another sender; with the same one if sender is empty.
func (t *Templates) WithSender(sender string) *Templates {
	other := *t
	other.senderIdentity = t.senderIdentity.withSender(sender)
	return &other
}

// LoadTemplates reads and checks all templates: every file exists, is readable, parses, names only fields that exist,
// and makes the texts of the sample bills. Its error is a *TemplateError that lists everything that is wrong, by file
// and line.
func LoadTemplates(files fs.FS) (*Templates, error) {
	l := &loader{files: files, contents: map[string]string{}}
	l.strays()
	return l.load()
}

func (l *loader) load() (*Templates, error) {
	t := &Templates{languages: map[string]*language{}, files: l.contents}
	if content, ok := l.read(senderIdentityFile); ok {
		identity, problems := parseSenderIdentity([]byte(content))
		t.senderIdentity, l.problems = identity, append(l.problems, problems...)
	}
	layout, _ := l.read(layoutFile)
	for _, tag := range Languages {
		t.languages[tag] = l.language(tag, layout)
	}
	t.uses = l.uses
	for _, tag := range Languages { // before any of them is executed: html/template changes its trees then
		switch {
		case !l.isGood(layoutFile) || !l.isGood(path.Join(tag, htmlFile)):
		case t.languages[tag].html.Tree == nil:
			l.wrong(layoutFile, 0, "is empty")
		default:
			t.languages[tag].marked = l.checkEscaping(t.languages[tag].html, l.samples(t, tag))
		}
	}
	tried := len(l.problems) == 0
	if tried {
		t.compile()
		l.try(t)
	}
	if len(l.problems) > 0 {
		slices.SortFunc(l.problems, func(a, b Problem) int {
			return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Reason, b.Reason))
		})
		return nil, &TemplateError{Problems: slices.Compact(l.problems), Untried: !tried}
	}
	return t, nil
}

// isGood reports whether nothing is known against a file.
func (l *loader) isGood(file string) bool {
	return !slices.ContainsFunc(l.problems, func(p Problem) bool { return p.File == file })
}

// noSuchField lets a field that a bill does not have be an empty text.
const noSuchField = "missingkey=zero"

// loader reads files and collects what is wrong with them.
type loader struct {
	files    fs.FS
	contents map[string]string // by name, as read returned them
	problems []Problem
	uses     []FieldUse
}

func (l *loader) wrong(file string, line int, format string, args ...any) {
	l.problems = append(l.problems, Problem{file, line, fmt.Sprintf(format, args...)})
}

// read returns a file's text without a byte order mark, its lines ended by line feeds.
func (l *loader) read(name string) (content string, ok bool) {
	raw, err := fs.ReadFile(l.files, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.wrong(name, 0, "is missing (`balsong templates export` writes the shipped ones)")
	case err != nil:
		l.wrong(name, 0, "cannot be read: %s", reasonOf(err))
	case len(raw) > maxTemplate:
		l.wrong(name, 0, "has %d bytes, more than %d", len(raw), maxTemplate)
	case !utf8.Valid(raw):
		good := len(string(raw)) - len(strings.TrimLeftFunc(string(raw), func(c rune) bool { return c != utf8.RuneError }))
		l.wrong(name, 1+strings.Count(string(raw[:good]), "\n"), "is not UTF-8: save it as UTF-8")
	default:
		content = strings.ReplaceAll(strings.TrimPrefix(string(raw), "\ufeff"), "\r\n", "\n")
		l.contents[name] = content
		return content, true
	}
	return "", false
}

// reasonOf returns an error without the path, which the problem names already.
func reasonOf(err error) string {
	if wrapped := (*fs.PathError)(nil); errors.As(err, &wrapped) {
		return wrapped.Err.Error()
	}
	return err.Error()
}

// language parses the templates of a language and checks their fields.
func (l *loader) language(tag, layout string) *language {
	made := &language{html: template.New(layoutFile).Option(noSuchField), texts: map[string]*text.Template{}, quick: map[string]compiled{}}
	name := path.Join(tag, htmlFile)
	if words, ok := l.read(name); ok && layout != "" {
		_, inLayout := made.html.Parse(layout)
		_, inWords := made.html.New(name).Parse(words)
		if l.failed(layoutFile, inLayout); inLayout == nil && inWords == nil {
			for _, each := range made.html.Funcs(keepFunctions).Templates() {
				if each.Tree != nil {
					keepConditionals(each.Tree.Root, each.Tree)
				}
			}
			l.check(made.html.Tree, lookupHTML(made.html))
			l.checkOutside(made.html.Lookup(name))
		}
		l.failed(name, inWords)
	}
	for _, file := range textFiles {
		name := path.Join(tag, file)
		content, ok := l.read(name)
		if !ok {
			continue
		}
		parsed, err := text.New(name).Option(noSuchField).Parse(content)
		if l.failed(name, err); err != nil || parsed.Tree == nil {
			continue
		}
		made.texts[file] = parsed
		l.check(parsed.Tree, lookupText(parsed))
		if slices.Contains(messageFiles, file) {
			l.checkCharacters(parsed.Tree)
		}
	}
	l.alimTalk(tag, made)
	return made
}

// strays finds template files that are not used, because of a mistyped name or an unknown language.
func (l *loader) strays() {
	known := []string{layoutFile}
	for _, tag := range Languages {
		for _, file := range append([]string{htmlFile}, textFiles...) {
			known = append(known, path.Join(tag, file))
		}
	}
	err := fs.WalkDir(l.files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && name != ".":
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, ".tmpl") && !strings.HasPrefix(entry.Name(), ".") && !slices.Contains(known, name):
			l.wrong(name, 0, "is no template that Balsong uses: a name mistyped? (another ending than .tmpl is passed over)")
		}
		return nil
	})
	if err != nil {
		l.wrong(".", 0, "cannot be read: %s", reasonOf(err))
	}
}
