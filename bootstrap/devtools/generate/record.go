package generate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// The files beside the data.
const (
	recordName = "generated.json"
	sumsName   = "SHA256SUMS"
	lockName   = ".generate.lock"
)

// settings are what all files of a directory have in common: with others the bytes would be others.
type settings struct {
	Rules    int    `json:"rules"`
	Seed     uint64 `json:"seed"`
	Since    string `json:"since"`
	Rows     int    `json:"rows"`
	Files    int    `json:"files"`
	Compress string `json:"compress"`
	Wishes   Wishes `json:"wishes"`
}

func (o Options) settings() settings {
	return settings{Rules: rules, Seed: o.Seed, Since: o.Since.String(), Rows: o.Rows, Files: o.Files, Compress: o.Compress, Wishes: o.Wishes}
}

// finished is a file that is whole.
type finished struct {
	Rows   int    `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// record remembers what a directory holds.
type record struct {
	Settings settings            `json:"settings"`
	Files    map[string]finished `json:"files"`
	begun    bool                // it was there before this run
}

// readRecord reads the directory's record, or begins one. ErrOptions where the directory holds data made with other
// settings.
func readRecord(o Options) (*record, error) {
	r := &record{Settings: o.settings(), Files: map[string]finished{}}
	content, err := os.ReadFile(o.path(recordName))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	r.begun = true
	if err := json.Unmarshal(content, r); err != nil || r.Files == nil {
		return nil, fmt.Errorf("%w: %s cannot be read: delete the directory, or name another one", ErrOptions, o.path(recordName))
	}
	if r.Settings != o.settings() {
		theirs, ours := settingsText(r.Settings), settingsText(o.settings())
		return nil, fmt.Errorf("%w: %s holds data made with other settings (%s, not %s): name another directory, or delete this one", ErrOptions, o.Dir, theirs, ours)
	}
	return r, nil
}

func settingsText(s settings) string {
	return fmt.Sprintf("rules %d, seed %d, since %s, %d rows in %d files, compression %s, wishes %d/%d %%",
		s.Rules, s.Seed, s.Since, s.Rows, s.Files, s.Compress, s.Wishes.Quiet, s.Wishes.SendDay)
}

// has says whether a file is whole. A file of that name that nobody here wrote is not overwritten.
func (r *record) has(o Options, p part) (bool, error) {
	info, err := os.Stat(o.path(p.name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !r.begun:
		return false, fmt.Errorf("%w: %s is there already and was not generated: name another directory", ErrOptions, o.path(p.name))
	}
	known, whole := r.Files[p.name]
	return whole && known.Bytes == info.Size() && known.Rows == p.rows, nil
}

func (r *record) write(o Options) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(o.path(recordName), append(content, '\n'))
}

// writeSums writes the checksums as sha256sum -c reads them.
func (r *record) writeSums(o Options) error {
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		fmt.Fprintf(&out, "%s  %s\n", r.Files[name].SHA256, name)
	}
	return replaceFile(o.path(sumsName), out.Bytes())
}

// replaceFile puts a small file in the place of another, as a whole or not at all.
func replaceFile(path string, content []byte) (err error) {
	file, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}
