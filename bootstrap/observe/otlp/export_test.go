package otlp

import "net/http"

// SetTransport lets requests go another way than over the network. It must precede Start.
func (t *Traces) SetTransport(transport http.RoundTripper) { t.client.Transport = transport }
