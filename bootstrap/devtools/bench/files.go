package bench

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profile writes a CPU profile to a file until stop is called; nothing where the path is "".
func profile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		_ = file.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close() // what is missing of a profile shows when it is read
	}, nil
}

// profilePath is where a process's CPU profile goes; "" where none is asked for.
func (b *bench) profilePath(name string) string {
	if b.Profiles == "" {
		return ""
	}
	return filepath.Join(b.Profiles, name+".cpu.pprof")
}

func writeJSON(path string, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

func readJSON(path string, v any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, v)
}
