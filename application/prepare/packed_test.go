package prepare_test

import "github.com/klauspost/compress/s2"

// packed is a statement's text as it is compressed.
func packed(text string) []byte { return s2.Encode(nil, []byte(text)) }
