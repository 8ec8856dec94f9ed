package bounce

import (
	"bytes"
	"net/mail"
	"regexp"
	"strings"
	"time"
)

// field is a field of a header, or of a report: its name in lower case, its value unfolded, in the bytes that came.
type field struct{ name, value string }

type fields []field

func (f fields) get(name string) string {
	for _, one := range f {
		if one.name == name {
			return one.value
		}
	}
	return ""
}

func (f fields) all(name string) (values []string) {
	for _, one := range f {
		if one.name == name {
			values = append(values, one.value)
		}
	}
	return values
}

// readFields reads fields up to an empty line and returns what follows it. A line that is no field is skipped with what
// continues it: mails that were forwarded or kept in a mailbox have such, and what they report is true nevertheless.
func readFields(text []byte) (list fields, rest []byte) {
	in := false // the last line was a field, or continued one
	for len(text) > 0 {
		line, after, _ := bytes.Cut(text, []byte("\n"))
		text = after
		line = bytes.TrimRight(line, "\r \t")
		if len(line) == 0 {
			return list, text
		}
		if line[0] == ' ' || line[0] == '\t' {
			if in && len(list[len(list)-1].value) < maxValue {
				list[len(list)-1].value += " " + string(bytes.TrimSpace(line))
			}
			continue
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		in = found && len(name) > 0 && !bytes.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) && len(list) < maxFields
		if in {
			list = append(list, field{strings.ToLower(string(name)), string(bytes.TrimSpace(value[:min(len(value), maxValue)]))})
		}
	}
	return list, nil
}

// readGroups reads groups of fields with empty lines between them.
func readGroups(text []byte) (groups []fields) {
	for len(text) > 0 && len(groups) <= maxRecipients {
		var group fields
		if group, text = readFields(text); len(group) > 0 {
			groups = append(groups, group)
		}
	}
	return groups
}

var inAngles = regexp.MustCompile(`<([^<>\s]*)>`)

// angle is an address without angle brackets and what stands around them; "" where it is none, as <> is.
func angle(value string) string {
	if found := inAngles.FindStringSubmatch(value); found != nil {
		value = found[1]
	}
	value = strings.Trim(value, " \t\"'")
	if len(value) > maxAddress || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd }) {
		return ""
	}
	return value
}

// only is the address that a field names; "" where it names none, or where there are several.
func only(values []string) string {
	if len(values) != 1 || strings.Count(values[0], "@") != 1 {
		return ""
	}
	return angle(values[0])
}

// messageID is a Message-ID with its angle brackets; "" where there is none that could be ours.
func messageID(value string) string {
	id := inAngles.FindString(value)
	if len(id) < 3 || len(id) > maxAddress || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return id
}

func date(value string) time.Time {
	at, err := mail.ParseDate(value)
	if err != nil {
		return time.Time{}
	}
	return at
}
