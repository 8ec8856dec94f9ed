// Package preview shows a bill as each channel shows it: on a terminal, or as a page for the browser.
package preview

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
)

//go:embed page/preview.html
var files embed.FS

var page = template.Must(template.ParseFS(files, "page/preview.html"))

// policy lets the page, and the mail in it, run no script and send no form; a mail's own pictures may be fetched.
const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; frame-src 'self'; form-action 'none'; base-uri 'none'"

// Bill is a bill as it would go out, or as it is stored.
type Bill struct {
	Title    string // whose bill, of which month, in which language and class
	Note     string // whether it is stored, or was rendered now and why; may be empty
	Variants map[channel.Kind]port.Variant
	About    map[channel.Kind]string // on the terminal: where each variant goes and what became of it; may be nil
	// Wrong is why there are no variants: templates that cannot be used, a bill that cannot be rendered.
	Wrong error
}

// view is what the page's template sees.
type view struct {
	Title, Note      string
	Wrong            []string
	Email, SMS, Push port.Variant
	AlimTalk         port.Variant // empty: the templates have none
	Approved         port.AlimTalk
	Characters       int // of AlimTalk
	HTMLSize         string
	Bytes, Most      int
	Width            int // of the bar of bytes, in percent
	TitleLength      int
	BodyLength       int
}

func (b Bill) view() view {
	v := view{Title: b.Title, Note: b.Note, Email: b.Variants[channel.Email], SMS: b.Variants[channel.SMS], Push: b.Variants[channel.Push]}
	if b.Wrong != nil {
		v.Wrong = strings.Split(b.Wrong.Error(), "\n")
		return v
	}
	v.HTMLSize = rendering.SaidHTMLSize(len(v.Email.HTML))
	v.Bytes, v.Most = rendering.MessageBytes(v.SMS.Text), MaxBytes(v.SMS.Class)
	v.Width = min(100, v.Bytes*100/v.Most)
	v.AlimTalk = b.Variants[channel.AlimTalk]
	v.Approved, _ = port.ReadAlimTalk(v.AlimTalk.Template) // without a message there is none
	v.Characters = len([]rune(v.AlimTalk.Text))
	v.TitleLength, v.BodyLength = len([]rune(v.Push.Title)), len([]rune(v.Push.Text))
	return v
}

// MaxBytes is how many bytes a text message of a class may have.
func MaxBytes(class string) int {
	if class == rendering.ClassLMS {
		return rendering.MaxLMS
	}
	return rendering.MaxSMS
}

// Page writes the page. It is one file: it needs nothing else.
func (b Bill) Page(w io.Writer) error { return page.Execute(w, b.view()) }

// Text writes the bill for a terminal, with the channels that it has.
func (b Bill) Text(w io.Writer) error {
	if b.Wrong != nil {
		return b.Wrong
	}
	v := b.view()
	said := &strings.Builder{}
	fmt.Fprintf(said, "%s\n", v.Title)
	if v.Note != "" {
		fmt.Fprintf(said, "%s\n", v.Note)
	}
	for _, kind := range channel.All {
		if _, there := b.Variants[kind]; !there {
			continue
		}
		title := v.heading(kind)
		fmt.Fprintf(said, "\n── %s %s\n", title, strings.Repeat("─", max(2, 70-len([]rune(title)))))
		if about := b.About[kind]; about != "" {
			fmt.Fprintf(said, "%s\n", about)
		}
		v.write(said, kind)
	}
	_, err := io.WriteString(w, visible(said.String()))
	return err
}

// heading names a channel, and how much of its bounds the texts take.
func (v view) heading(kind channel.Kind) string {
	switch kind {
	case channel.Email:
		return "E-MAIL (its plain text; --html shows the other), " + v.HTMLSize
	case channel.SMS:
		return fmt.Sprintf("%s, %d of %d bytes in EUC-KR", v.SMS.Class, v.Bytes, v.Most)
	case channel.AlimTalk:
		return fmt.Sprintf("ALIMTALK, %d of %d characters, %s", v.Characters, rendering.MaxAlimTalk, v.Codes())
	default:
		return fmt.Sprintf("PUSH, title %d of %d characters, body %d of %d", v.TitleLength, rendering.MaxPushTitle, v.BodyLength, rendering.MaxPushBody)
	}
}

// Codes say under which code the AlimTalk template is registered where.
func (v view) Codes() string {
	var said []string
	for _, provider := range slices.Sorted(maps.Keys(v.Approved.Codes)) {
		said = append(said, fmt.Sprintf("template %s at %s", v.Approved.Codes[provider], provider))
	}
	return strings.Join(said, ", ")
}

// write writes the texts of a channel.
func (v view) write(said *strings.Builder, kind channel.Kind) {
	switch kind {
	case channel.Email:
		fmt.Fprintf(said, "Subject: %s\n", v.Email.Subject)
		if v.Email.Unsubscribe != "" {
			fmt.Fprintf(said, "List-Unsubscribe: <%s>\n", v.Email.Unsubscribe)
		}
		fmt.Fprintf(said, "\n%s", v.Email.Text)
	case channel.SMS:
		if v.SMS.Title != "" {
			fmt.Fprintf(said, "Subject: %s\n\n", v.SMS.Title)
		}
		fmt.Fprintln(said, v.SMS.Text)
	case channel.AlimTalk:
		fmt.Fprintln(said, v.AlimTalk.Text)
		for _, b := range v.Approved.Buttons {
			fmt.Fprintf(said, "[%s] %s\n", b.Name, cmp.Or(b.Mobile, b.Android, b.Type))
		}
	default:
		fmt.Fprintf(said, "%s\n%s\n", v.Push.Title, v.Push.Text)
	}
}

// visible takes out what would speak to the terminal and not to the reader.
func visible(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' || c == 0x7f || 0x80 <= c && c < 0xa0 {
			return -1
		}
		return c
	}, s)
}

// Handler serves the page, made anew each time it is loaded.
func Handler(make func() Bill) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		_ = make().Page(w) // the browser may be gone
	})
	return mux
}
