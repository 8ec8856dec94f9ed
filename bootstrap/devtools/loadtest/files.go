package loadtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
	"github.com/balsong/balsong/bootstrap/devtools/prices"
)

// ReadPrices reads the table of prices; "" is the built-in one.
func ReadPrices(file string) (capacity.Prices, error) {
	table, err := prices.Read(file)
	if err != nil {
		return capacity.Prices{}, err
	}
	return table.Capacity()
}

// ReadCosts reads a calibration; "" are the costs of docs/performance.md. What a file leaves out stays as there.
func ReadCosts(file string) (capacity.Calibration, error) {
	costs := capacity.PublishedCalibration()
	if err := readJSON(file, []byte("{}"), &costs); err != nil {
		return costs, err
	}
	return costs, costs.Validate()
}

// largestFile bounds what is read, in bytes.
const largestFile = 16 << 20

// readJSON reads a file of known fields, or what stands for it where there is none.
func readJSON(file string, otherwise []byte, into any) error {
	content, name := otherwise, "the built-in table"
	if file != "" {
		read, err := readFile(file)
		if err != nil {
			return err
		}
		content, name = read, file
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%w: %s: %w", capacity.ErrImpossible, name, err)
	}
	return nil
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", capacity.ErrImpossible, err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, largestFile+1))
	if err == nil && len(content) > largestFile {
		err = fmt.Errorf("%w: %s is larger than %d MiB", capacity.ErrImpossible, name, largestFile>>20)
	}
	return content, err
}

// ReadLatency reads "1s", "p50=800ms,p99=3s", or "file:NAME": a measured answer on each line, as in 812ms.
func ReadLatency(text string) (capacity.Latency, error) {
	name, isFile := strings.CutPrefix(text, "file:")
	if !isFile {
		l, err := capacity.ParseLatency(text)
		if err != nil {
			err = fmt.Errorf("%w: --latency: %w", capacity.ErrImpossible, err)
		}
		return l, err
	}
	content, err := readFile(name)
	if err != nil {
		return capacity.Latency{}, err
	}
	var seen []time.Duration
	lines := bufio.NewScanner(bytes.NewReader(content))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		d, err := time.ParseDuration(line)
		if err != nil {
			return capacity.Latency{}, fmt.Errorf("%w: --latency: %s line %d is %.40q, want a duration such as 812ms", capacity.ErrImpossible, name, n, line)
		}
		seen = append(seen, d)
	}
	if err := lines.Err(); err != nil {
		return capacity.Latency{}, fmt.Errorf("%w: --latency: %s: %w", capacity.ErrImpossible, name, err)
	}
	l, err := capacity.SeenLatency(seen)
	if err != nil {
		err = fmt.Errorf("%w: --latency: %s: %w", capacity.ErrImpossible, name, err)
	}
	return l, err
}
