package rendering

import (
	"encoding/json"
	"net/url"
	"path"
	"strings"
)

// Bounds of a logo. It is as wide as the narrowest phone shows it beside the margins of the shipped layout.
const (
	maxLogoURL    = 500
	maxLogoWidth  = 240
	maxLogoHeight = 120
)

// Logo is the sender's picture above every bill. It is the same for all customers, so that who fetches it tells nothing more
// than that a mail was opened. The zero value is none.
type Logo struct {
	URL    string `json:"url"`    // https, on the sender's own server; "": no logo
	Width  int    `json:"width"`  // as it is shown, in pixels
	Height int    `json:"height"` // as it is shown, in pixels
}

// parseLogo returns what is wrong with a logo: all of it.
func parseLogo(raw json.RawMessage) (logo Logo, wrong []string) {
	if err := strictly(raw, &logo); err != nil {
		return Logo{}, []string{jsonReason(err)}
	}
	if logo.URL == "" {
		return Logo{}, nil
	}
	switch address, err := url.Parse(logo.URL); {
	case len(logo.URL) > maxLogoURL || strings.ContainsFunc(logo.URL, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`"'<>\^{|}`+"`", c) }):
		wrong = append(wrong, "url has a character that no address has as it is (write it as %20 and the like), or more than 500")
	case err != nil || address.Scheme != "https" || address.Hostname() == "" || address.Opaque != "":
		wrong = append(wrong, "url is no address such as https://www.example.com/logo.png: mail programs show no other")
	case address.User != nil:
		wrong = append(wrong, "url has a user or a password, which every customer would read")
	case strings.EqualFold(path.Ext(address.Path), ".svg"):
		wrong = append(wrong, "url is of an SVG, which Gmail and Outlook do not show: make it PNG or JPEG")
	}
	if logo.Width < 1 || logo.Width > maxLogoWidth || logo.Height < 1 || logo.Height > maxLogoHeight {
		wrong = append(wrong, "width and height are pixels as shown, at most 240 and 120")
	}
	if len(wrong) > 0 {
		return Logo{}, wrong
	}
	return logo, nil
}
