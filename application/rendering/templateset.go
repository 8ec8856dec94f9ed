package rendering

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/port"
)

// Named returns the templates with the name under which a month keeps them.
func (t *Templates) Named(name string) *Templates {
	other := *t
	other.name = name
	return &other
}

// Set returns what a month keeps of the templates: every text that they consist of and the sender identity that they show. Its
// fingerprint is the same wherever the files lie, in whatever order they are read, and however the sender identity's JSON is
// written.
func (t *Templates) Set() port.TemplateSet {
	set := port.TemplateSet{Name: t.name, Files: maps.Clone(t.files)}
	set.Files[senderIdentityFile] = t.senderIdentity.encode()
	hash := sha256.New()
	part := func(text string) {
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		hash.Write([]byte(text))
	}
	for _, name := range slices.Sorted(maps.Keys(set.Files)) {
		part(name)
		part(set.Files[name])
	}
	hash.Sum(set.Fingerprint[:0])
	return set
}

// LoadSet loads the templates that a month keeps.
func LoadSet(set port.TemplateSet) (*Templates, error) {
	l := &loader{files: setFiles(set.Files), contents: map[string]string{}}
	templates, err := l.load()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", set, err)
	}
	return templates.Named(set.Name), nil
}

// setFiles are the files of a set, of which only the contents can be read.
type setFiles map[string]string

// Open implements fs.FS.
func (f setFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
}

// ReadFile implements fs.ReadFileFS.
func (f setFiles) ReadFile(name string) ([]byte, error) {
	if content, there := f[name]; there {
		return []byte(content), nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// SampleSender returns the name of the shipped sender identity where the templates show it, and the first language in
// which they do; else "".
func (t *Templates) SampleSender() (name, language string) {
	for _, language := range Languages {
		if name := t.senderIdentity.Of(language).Sender; name == ShippedTemplates().senderIdentity.Of(language).Sender {
			return name, language
		}
	}
	return "", ""
}

// saidDifferences is how many differences between two sets are told; the others are counted.
const saidDifferences = 3

// differences says in what one set differs from another: the sender identity by its lines, files by their names.
func differences(before, after port.TemplateSet) string {
	list := lineDifferences(identityLines(before), identityLines(after))
	for _, name := range slices.Sorted(maps.Keys(both(before.Files, after.Files))) {
		if name != senderIdentityFile && before.Files[name] != after.Files[name] {
			list = append(list, name)
		}
	}
	if more := len(list) - saidDifferences; more > 0 {
		list = append(list[:saidDifferences], fmt.Sprintf("%d more", more))
	}
	return strings.Join(list, ", ")
}

func lineDifferences(before, after map[string]string) (list []string) {
	lines := slices.Sorted(maps.Keys(both(before, after)))
	isSender := func(line string) int { return strings.Count(line, ".sender") }
	slices.SortStableFunc(lines, func(a, b string) int { return isSender(b) - isSender(a) }) // what matters most comes first
	for _, line := range lines {
		if was, is := before[line], after[line]; was != is {
			list = append(list, fmt.Sprintf("%s of the sender identity (%q instead of %q)", line, CutText(is, saidCharacters), CutText(was, saidCharacters)))
		}
	}
	return list
}

// saidCharacters is how much of a line of the sender identity is told.
const saidCharacters = 40

// identityLines are the lines of a sender identity by their names: "country", "ko.sender".
func identityLines(set port.TemplateSet) map[string]string {
	var fields map[string]any
	_ = json.Unmarshal([]byte(set.Files[senderIdentityFile]), &fields) // what a set keeps was parsed before
	lines := map[string]string{}
	for name, value := range fields {
		if texts, nested := value.(map[string]any); nested {
			for line, text := range texts {
				lines[name+"."+line] = fmt.Sprint(text)
			}
			continue
		}
		lines[name] = fmt.Sprint(value)
	}
	return lines
}

func both(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// byFingerprint returns the set of a list that says the same; one without a number where there is none.
func byFingerprint(list []port.TemplateSet, set port.TemplateSet) port.TemplateSet {
	at := slices.IndexFunc(list, func(there port.TemplateSet) bool { return there.Fingerprint == set.Fingerprint })
	if at < 0 {
		return port.TemplateSet{}
	}
	return list[at]
}
