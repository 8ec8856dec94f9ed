package inbox

import "net/http"

// Handler serves the pages.
func (b *Inbox) Handler() http.Handler { return http.NotFoundHandler() }
