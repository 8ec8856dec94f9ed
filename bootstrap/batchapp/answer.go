package batchapp

import (
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/domain/key"
)

// importDocument is the result of an import, for programs.
type importDocument struct {
	Month key.Month `json:"month"`
	File  string    `json:"file"`
	importing.Summary
	Rejects string `json:"rejects_file,omitempty"`
	Memory  int64  `json:"peak_memory_bytes"` // of the process, until now
}

func (a *importArguments) answer(s importing.Summary) importDocument {
	d := importDocument{Month: a.month, File: a.file, Summary: s, Memory: observe.PeakMemory()}
	if s.Rejected+s.Conflicts > 0 {
		d.Rejects = a.rejects
	}
	return d
}

// renderDocument is the result of a rendering, for programs.
type renderDocument struct {
	Month key.Month `json:"month"`
	rendering.Summary
	Memory int64 `json:"peak_memory_bytes"` // of the process, until now
}
