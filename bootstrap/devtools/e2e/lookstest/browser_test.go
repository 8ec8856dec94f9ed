package lookstest

import (
	"bytes"
	"context"
	"flag"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write the screenshots of docs/images")

// screen is a way to look at a page.
type screen struct {
	name  string
	width int64 // CSS pixels
	dark  bool
	bare  bool // as a mail program that takes <style> away shows it
}

// chromium finds the browser, or ends the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no Chromium on this machine: nobody has looked at the e-mail (`make browser` installs it; Debian: apt-get install chromium)"
	if os.Getenv("BALSONG_TEST_BROWSER") == "required" {
		t.Fatal(missing)
	}
	t.Skip("SKIPPED: " + missing)
	return ""
}

// browser is one browser for all tests of the package; each test opens tabs of its own.
type browser struct{ ctx context.Context }

var shared struct {
	once   sync.Once
	ctx    context.Context
	cancel func()
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.cancel != nil {
		shared.cancel()
	}
	os.Exit(code)
}

func open(t *testing.T) *browser {
	t.Helper()
	path := chromium(t)
	shared.once.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(path),
			chromedp.NoSandbox, // in a container without user namespaces; it is shown our own pages only
			chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
			chromedp.Flag("force-color-profile", "srgb"),
			chromedp.Flag("hide-scrollbars", true),
			chromedp.WSURLReadTimeout(time.Minute),
		)
		allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, cancel := chromedp.NewContext(allocator)
		shared.ctx, shared.cancel = ctx, func() { cancel(); stop() }
		shared.err = chromedp.Do(ctx)
	})
	if shared.err != nil {
		t.Fatalf("start %s: %v", path, shared.err)
	}
	return &browser{shared.ctx}
}

// tab is one tab of the browser, and what its pages asked the network for beside themselves.
type tab struct {
	ctx context.Context

	mu    sync.Mutex
	asked []string
}

// tab opens a tab; it closes with the test.
func (b *browser) tab(t *testing.T) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	t.Cleanup(closeTab)
	opened := &tab{ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		if sent, ok := event.(*network.EventRequestWillBeSent); ok {
			opened.mu.Lock()
			defer opened.mu.Unlock()
			opened.asked = append(opened.asked, sent.Request.URL)
		}
	})
	if err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	if err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return opened
}

// look opens an address as the screen shows it. It fails the test where the page asks the network for anything else.
func (b *tab) look(t *testing.T, address string, s screen, own ...string) {
	t.Helper()
	if err := s.show(b.ctx, address); err != nil {
		t.Fatalf("open the page: %v", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, asked := range b.asked {
		if asked != address && !strings.HasSuffix(asked, "/favicon.ico") && !slices.Contains(own, asked) {
			t.Errorf("the page asks the network for %s", asked)
		}
	}
	b.asked = nil
}

// show sets the screen up and opens the page.
func (s screen) show(tab context.Context, address string) error {
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, media); err != nil {
		return err
	}
	if err := s.resize(tab, 800, 1); err != nil {
		return err
	}
	if err := chromedp.Do(tab, chromedp.Navigate(address)); err != nil {
		return err
	}
	if s.bare {
		_, err := chromedp.Run(tab, chromedp.Evaluate[int](`[...document.querySelectorAll("style")].map(s => s.remove()).length`))
		return err
	}
	return nil
}

func (s screen) resize(tab context.Context, height int64, scale float64) error {
	_, err := chromedp.Call(tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.width, Height: height, DeviceScaleFactor: scale, Mobile: s.width < 500,
	})
	return err
}

// shot writes a screenshot of the whole page to docs/images.
func (b *tab) shot(t *testing.T, s screen, scale float64, name string) {
	t.Helper()
	if !*update {
		return
	}
	height, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`Math.ceil(document.documentElement.getBoundingClientRect().height)`))
	if err == nil {
		err = s.resize(b.ctx, max(int64(height), 200), scale)
	}
	if err != nil {
		t.Fatal(err)
	}
	taken, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "..", "docs", "images")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	small, err := reduced(taken.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), small, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// reduced is the same picture with at most 256 colours, a third of the size: colours that one cannot tell apart become one.
func reduced(picture []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	at := map[color.RGBA]uint8{}
	small := image.NewPaletted(full.Bounds(), nil)
	for i := range small.Pix {
		x, y := i%small.Stride, i/small.Stride
		r, g, b, _ := full.At(x, y).RGBA()
		const round = 0xf0f0 // four bits a channel, repeated: white and black stay what they are
		c := color.RGBA{uint8((r & round) >> 8 * 17 / 16), uint8((g & round) >> 8 * 17 / 16), uint8((b & round) >> 8 * 17 / 16), 255}
		if r&g&b&0xf000 == 0xf000 || r|g|b < 0x4000 { // grounds and lines differ by little
			c = color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
		}
		number, known := at[c]
		if !known {
			if len(small.Palette) == 256 {
				return picture, nil
			}
			number = uint8(len(small.Palette))
			at[c], small.Palette = number, append(small.Palette, c)
		}
		small.Pix[i] = number
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small)
	return out.Bytes(), err
}

// serve serves one page.
func serve(t *testing.T, html string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(html))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}
