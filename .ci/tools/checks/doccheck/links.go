package main

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// checkLinks follows every link inside the repository, to files, folders and headings.
func checkLinks(root string, pages []page) (findings []finding) {
	anchors := map[string]map[string]bool{}
	for _, p := range pages {
		anchors[p.path] = p.anchors
	}
	for _, p := range pages {
		for _, l := range p.links {
			if says := follow(root, p.path, l.target, anchors); says != "" {
				findings = append(findings, finding{p.path, l.line, says})
			}
		}
	}
	return findings
}

// follow says what is wrong with a link; "" where it leads somewhere.
func follow(root, from, target string, anchors map[string]map[string]bool) string {
	u, err := url.Parse(target)
	switch {
	case err != nil:
		return fmt.Sprintf("the link %q cannot be read", target)
	case u.Scheme != "" || u.Host != "":
		return ""
	case strings.HasPrefix(u.Path, "/"):
		return fmt.Sprintf("the link %q begins with /: it depends on where the page is shown", target)
	}
	to := from
	if u.Path != "" {
		to = path.Join(path.Dir(from), u.Path)
	}
	info, err := os.Stat(filepath.Join(root, filepath.FromSlash(to)))
	switch {
	case strings.HasPrefix(to, ".."):
		return fmt.Sprintf("the link %q leads out of the repository", target)
	case err != nil:
		return fmt.Sprintf("the link %q leads nowhere: there is no %s", target, to)
	case u.Fragment == "":
		return ""
	case info.IsDir():
		to = path.Join(to, "README.md")
	}
	if known, isPage := anchors[to]; isPage && !known[u.Fragment] {
		return fmt.Sprintf("the link %q leads to no heading of %s", target, to)
	}
	return ""
}
