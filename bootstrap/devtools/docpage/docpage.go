// Package docpage writes the part of a page that a program makes, between two marks of the page.
package docpage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNoPlace is wrapped where a page has no marks for what is written.
var ErrNoPlace = errors.New("the page has no place for it")

// Part is a part of a page.
type Part struct {
	Name    string // in its marks
	Command string // that writes it
}

func (p Part) begin() string { return "<!-- " + p.Name + ": written by `" + p.Command + "` -->" }
func (p Part) end() string   { return "<!-- end of " + p.Name + " -->" }

// Replace returns a page with another text between the marks. ErrNoPlace.
func (p Part) Replace(page, text string) (string, error) {
	before, rest, begun := strings.Cut(page, p.begin())
	_, after, ended := strings.Cut(rest, p.end())
	if !begun || !ended {
		return "", fmt.Errorf("%w: want %s and behind it %s", ErrNoPlace, p.begin(), p.end())
	}
	return before + p.begin() + "\n" + text + p.end() + after, nil
}

// In tells whether a page's file has the marks. ErrNoPlace.
func (p Part) In(file string) error {
	_, err := p.in(file, "")
	return err
}

// Write writes a text into a page's file, between the marks. ErrNoPlace.
func (p Part) Write(file, text string) error {
	page, err := p.in(file, text)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(page), 0o644)
}

func (p Part) in(file, text string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	page, err := p.Replace(string(content), text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return page, nil
}

// WritePicture writes a picture, whose name is relative to a page.
func WritePicture(page, name, svg string) error {
	file := filepath.Join(filepath.Dir(page), filepath.FromSlash(name))
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(svg), 0o644))
}
