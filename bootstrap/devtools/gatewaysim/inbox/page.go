package inbox

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

//go:embed page/*
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"clock": func(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 -07:00") },
	"short": func(t time.Time) string { return t.Local().Format("Jan 2, 15:04:05 -07:00") },
	"lower": strings.ToLower,
}).ParseFS(files, "page/*.html"))

const (
	// pageSize is how many messages a page of the list shows.
	pageSize = 50
	// pagePolicy lets a page load nothing but our own style sheet and frame.
	pagePolicy = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// mailPolicy is for the HTML of an e-mail: styles and embedded images, no
	// script, no form, nothing from outside, and an origin of its own.
	mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)

// listPage is what the list's template shows.
type listPage struct {
	Title          string
	Entries        []Entry
	Query, Channel string
	Total, Kept    int
	Skipped        uint64
	First, Last    int
	Newer, Older   string
	Channels       []channelLink
}

type channelLink struct {
	Name, URL string
	Current   bool
}

// messagePage is what a message's template shows.
type messagePage struct {
	Title   string
	Message Message
	Mail    mailParts
	View    string
	Text    string
	Subject string // of an LMS
	Tabs    []channelLink
}

// Handler serves the pages: / is the list, /messages/{sequence} a message.
// They need no script.
func (b *Inbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.serveList)
	mux.HandleFunc("GET /messages/{sequence}", b.serveMessage)
	mux.HandleFunc("GET /messages/{sequence}/html", b.serveMailHTML)
	mux.HandleFunc("GET /inbox.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "page/inbox.css")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

func (b *Inbox) serveList(w http.ResponseWriter, r *http.Request) {
	query, channel := r.FormValue("q"), r.FormValue("channel")
	page, err := strconv.Atoi(r.FormValue("page"))
	if err != nil || page < 1 || page > 1_000_000 {
		page = 1
	}
	entries, total := b.Find(query, channel, (page-1)*pageSize, pageSize)
	link := func(channel string, page int) string {
		values := url.Values{}
		for name, value := range map[string]string{"q": query, "channel": channel} {
			if value != "" {
				values.Set(name, value)
			}
		}
		if page > 1 {
			values.Set("page", strconv.Itoa(page))
		}
		return "/?" + values.Encode()
	}
	data := listPage{
		Title: "Inbox", Entries: entries, Query: query, Channel: channel, Total: total, Kept: b.Len(), Skipped: b.Skipped(),
		First: (page-1)*pageSize + 1, Last: (page-1)*pageSize + len(entries),
		Channels: []channelLink{{"All", link("", 1), channel == ""}},
	}
	for _, name := range behaviour.Channels() {
		data.Channels = append(data.Channels, channelLink{string(name), link(string(name), 1), channel == string(name)})
	}
	if page > 1 {
		data.Newer = link(channel, page-1)
	}
	if data.Last < total && len(entries) > 0 {
		data.Older = link(channel, page+1)
	}
	render(w, http.StatusOK, "list.html", data)
}

func (b *Inbox) serveMessage(w http.ResponseWriter, r *http.Request) {
	message, ok := b.find(w, r)
	if !ok {
		return
	}
	data := messagePage{Title: message.Title, Message: message, Text: strings.ToValidUTF8(string(message.Body), "�")}
	if message.Channel == "EMAIL" {
		data.Mail = parseMail(message.Body)
		data.showMail(r.FormValue("view"))
	}
	if message.Class == "LMS" && message.Title != opening(message.Body) {
		data.Subject = message.Title
	}
	if data.Title == "" || message.Channel == "SMS" {
		data.Title = fmt.Sprintf("Message %d", message.Sequence)
	}
	render(w, http.StatusOK, "message.html", data)
}

// showMail chooses the view of an e-mail and lists the others as tabs.
func (p *messagePage) showMail(view string) {
	views := []string{"source"}
	if p.Mail.Text != "" {
		views = append([]string{"text"}, views...)
	}
	if p.Mail.HTML != "" {
		views = append([]string{"html"}, views...)
	}
	p.View = views[0]
	for _, name := range views {
		if name == view {
			p.View = name
		}
	}
	titles := map[string]string{"html": "Statement", "text": "Plain text", "source": "Source"}
	for _, name := range views {
		p.Tabs = append(p.Tabs, channelLink{titles[name], "?view=" + name, name == p.View})
	}
	if p.View == "text" {
		p.Text = p.Mail.Text
	}
}

func (b *Inbox) serveMailHTML(w http.ResponseWriter, r *http.Request) {
	message, ok := b.find(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(parseMail(message.Body).HTML)) // the browser may be gone
}

// find reads the message of the path, or answers that there is none.
func (b *Inbox) find(w http.ResponseWriter, r *http.Request) (Message, bool) {
	sequence, err := strconv.ParseUint(r.PathValue("sequence"), 10, 64)
	if err == nil {
		var message Message
		if message, err = b.Get(sequence); err == nil {
			return message, true
		}
		if !errors.Is(err, ErrNotFound) {
			http.Error(w, "The message cannot be read: "+err.Error(), http.StatusInternalServerError)
			return Message{}, false
		}
	}
	render(w, http.StatusNotFound, "gone.html", struct{ Title string }{"Not here"})
	return Message{}, false
}

func render(w http.ResponseWriter, status int, name string, data any) {
	var page strings.Builder
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, "The page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(page.String())) // the browser may be gone
}
