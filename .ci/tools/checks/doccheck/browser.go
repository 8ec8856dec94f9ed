package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// A phone, in CSS pixels, and the smallest letters that are legible on it. A wider diagram is shown smaller.
const (
	phoneWidth   = 390
	pageMargin   = 32
	letterHeight = 16
	smallest     = 6.0
)

// browser is a headless Chromium with Mermaid in it.
type browser struct {
	ctx    context.Context //nolint:containedctx // chromedp keeps its browser in a context
	cancel func()
	folder string
}

const harness = `<!doctype html><meta charset="utf-8"><style>body{margin:16px;font:16px sans-serif}</style>
<div id="at"></div><script src="mermaid.min.js"></script><script>
mermaid.initialize({startOnLoad: false, securityLevel: "strict"});
async function draw(text, name) {
  document.getElementById("at").innerHTML = "";
  try {
    const drawn = await mermaid.render(name, text);
    document.getElementById("at").innerHTML = drawn.svg;
    const svg = document.querySelector("#at svg"), box = svg.viewBox.baseVal;
    return {error: "", width: box.width, height: box.height};
  } catch (e) { return {error: String(e && e.message || e), width: 0, height: 0}; }
}
</script>`

// newBrowser starts Chromium; the error says what is missing and how to get it.
func newBrowser(ctx context.Context) (*browser, error) {
	for _, need := range []struct{ command, pkg string }{{"chromium", "chromium"}, {"npm", "npm"}} {
		if _, err := exec.LookPath(need.command); err != nil {
			return nil, fmt.Errorf("%s is missing (Debian, Ubuntu: apt-get install %s)", need.command, need.pkg)
		}
	}
	script, err := mermaidScript.fetch(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "doccheck")
	if err != nil {
		return nil, err
	}
	b := &browser{folder: folder}
	if err := errors.Join(os.WriteFile(filepath.Join(folder, "mermaid.min.js"), script, 0o600),
		os.WriteFile(filepath.Join(folder, "page.html"), []byte(harness), 0o600)); err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.WindowSize(phoneWidth, 844),
		chromedp.UserDataDir(filepath.Join(folder, "profile")), chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	tab, end := chromedp.NewContext(allocator)
	b.ctx, b.cancel = tab, func() { end(); stop() }
	page := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(folder, "page.html"))}
	for _, step := range []chromedp.Action[chromedp.Void]{
		chromedp.EmulateViewport(phoneWidth, 844, chromedp.EmulateScale(2)), chromedp.Navigate(page.String()),
	} {
		if _, err := chromedp.Run(tab, step); err != nil {
			b.close()
			return nil, fmt.Errorf("start Chromium: %w", err)
		}
	}
	return b, nil
}

func (b *browser) close() {
	b.cancel()
	_ = os.RemoveAll(b.folder)
}

// drawing is what the page says of a diagram; sizes in CSS pixels.
type drawing struct {
	Error         string
	Width, Height float64
}

// check draws each diagram and looks at it as a phone shows it.
func (b *browser) check(blocks []diagram, shots string) (findings []finding, err error) {
	for i, block := range blocks {
		text, err := json.Marshal(block.text)
		if err != nil {
			return nil, err
		}
		drawn, err := chromedp.Run(b.ctx, chromedp.Evaluate[drawing](fmt.Sprintf("draw(%s, 'd%d')", text, i), chromedp.EvalAwaitPromise))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: draw: %w", block.file, block.line, err)
		}
		letters := letterHeight * (phoneWidth - pageMargin) / max(drawn.Width, 1)
		switch {
		case drawn.Error != "":
			findings = append(findings, finding{block.file, block.line + errorLine(drawn.Error) - 1, "the diagram does not render: " + oneLine(drawn.Error)})
		case letters < smallest:
			findings = append(findings, finding{block.file, block.line, fmt.Sprintf(
				"the diagram is %.0f pixels wide: on a phone its letters are %.1f pixels high, and %.1f is the least (draw it from top to bottom, or split it)", drawn.Width, letters, smallest)})
		}
		if err := b.shoot(block, shots); err != nil {
			return nil, err
		}
	}
	return findings, nil
}

func (b *browser) shoot(block diagram, shots string) error {
	if shots == "" {
		return nil
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%d.png", strings.NewReplacer("/", "-", ".md", "").Replace(block.file), block.line)
	return errors.Join(os.MkdirAll(shots, 0o755), os.WriteFile(filepath.Join(shots, name), picture, 0o600))
}

var parseError = regexp.MustCompile(`(?i)error on line (\d+)`)

// errorLine is the line of a diagram that Mermaid complains about; 1 where it names none.
func errorLine(says string) int {
	if m := parseError.FindStringSubmatch(says); m != nil {
		line, _ := strconv.Atoi(m[1])
		return max(line, 1)
	}
	return 1
}

func oneLine(says string) string { return strings.Join(strings.Fields(says), " ") }
