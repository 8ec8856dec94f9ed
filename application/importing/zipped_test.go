package importing_test

import "github.com/klauspost/compress/zstd"

func zipped(text string) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll([]byte(text), nil)
}
