package webhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// smallBody is what each request may have in memory before it counts against MaxMemory: most webhooks have no more, so that large ones,
// and those that come slowly, do not keep them out.
const smallBody = 32 << 10

// read reads a request's body. held is what it has of the memory for bodies, whatever else is returned; result is "" where all was read.
func (h *Handler) read(from io.Reader) (body []byte, held int64, result Result, err error) {
	body = make([]byte, 0, 4<<10)
	for {
		if len(body) == cap(body) {
			grown := min(2*cap(body), int(h.config.MaxBody)+bytes.MinRead)
			if grown > smallBody {
				more := int64(grown - cap(body))
				held += more
				if h.memory.Add(more) > h.config.MaxMemory {
					return nil, held, Busy, nil
				}
			}
			body = append(make([]byte, 0, grown), body...)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		_, large := errors.AsType[*http.MaxBytesError](err)
		switch {
		case errors.Is(err, io.EOF):
			return body, held, "", nil
		case large:
			return nil, held, TooLarge, err
		case err != nil:
			return nil, held, Unreadable, errTruncated
		}
	}
}
