package main

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// page is a Markdown file as far as the checks go.
type page struct {
	path    string // from the root, with slashes
	anchors map[string]bool
	links   []link
	blocks  []diagram
}

type link struct {
	target string
	line   int
}

// diagram is a Mermaid block; line is that of its first line.
type diagram struct {
	file string
	line int
	text string
}

// parse reads Markdown as GitHub does.
func parse(path string, source []byte) page {
	p := page{path: path, anchors: map[string]bool{}}
	document := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			p.addAnchor(slug(plainText(n, source)))
		case *ast.Link:
			p.links = append(p.links, link{string(n.Destination), lineOf(n, n.Destination, source)})
		case *ast.Image:
			p.links = append(p.links, link{string(n.Destination), lineOf(n, n.Destination, source)})
		case *ast.FencedCodeBlock:
			if string(n.Language(source)) == "mermaid" {
				p.blocks = append(p.blocks, diagram{path, lineAt(source, n.Info.Segment.Start) + 1, string(n.Lines().Value(source))})
			}
		}
		return ast.WalkContinue, nil
	})
	return p
}

func diagrams(pages []page) (all []diagram) {
	for _, p := range pages {
		all = append(all, p.blocks...)
	}
	return all
}

// addAnchor counts headings of the same name, as GitHub does.
func (p *page) addAnchor(name string) {
	free := name
	for n := 1; p.anchors[free]; n++ {
		free = name + "-" + strconv.Itoa(n)
	}
	p.anchors[free] = true
}

// slug is the anchor that GitHub gives a heading.
func slug(heading string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == ' ' || c == '-':
			return '-'
		case c == '_' || unicode.IsLetter(c) || unicode.IsMark(c) || unicode.IsNumber(c):
			return unicode.ToLower(c)
		}
		return -1
	}, heading)
}

func plainText(n ast.Node, source []byte) string {
	var out strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			out.Write(t.Segment.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return out.String()
}

// lineOf finds a destination from the beginning of the block that holds it.
func lineOf(n ast.Node, destination, source []byte) int {
	for n != nil && (n.Type() == ast.TypeInline || n.Lines() == nil || n.Lines().Len() == 0) {
		n = n.Parent()
	}
	start := 0
	if n != nil {
		start = n.Lines().At(0).Start
	}
	if at := bytes.Index(source[start:], destination); at > 0 {
		start += at
	}
	return lineAt(source, start)
}

func lineAt(source []byte, offset int) int { return 1 + bytes.Count(source[:offset], []byte("\n")) }
