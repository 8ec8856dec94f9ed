package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// metrics are the lines of a Prometheus page.
type metrics []string

func scrape(ctx context.Context, server string) (metrics, error) {
	body, err := get(ctx, server+"/metrics")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var lines metrics
	scanner := bufio.NewScanner(body)
	for scanner.Scan() {
		if strings.HasPrefix(scanner.Text(), "balsong_") {
			lines = append(lines, scanner.Text())
		}
	}
	return lines, scanner.Err()
}

// sum adds up the values of a metric whose labels contain label.
func (m metrics) sum(name, label string) (total float64) {
	for _, line := range m {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || (!strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ")) || !strings.Contains(rest, label) {
			continue
		}
		value, _ := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		total += value
	}
	return total
}

func get(ctx context.Context, address string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("%s answers %s", address, answer.Status)
	}
	return answer.Body, nil
}

func getJSON(ctx context.Context, address string, into any) error {
	body, err := get(ctx, address)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(body).Decode(into)
}
