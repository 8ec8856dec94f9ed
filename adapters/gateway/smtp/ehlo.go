package smtp

import (
	"net"
	"net/netip"
	"strings"
)

// ValidEHLO reports whether a name can stand in EHLO (RFC 5321, 4.1.1.1): a domain, or an address literal such as
// [192.0.2.1] or [IPv6:2001:db8::1].
func ValidEHLO(name string) bool {
	if literal, is := strings.CutPrefix(name, "["); is {
		literal, closed := strings.CutSuffix(literal, "]")
		six, is6 := strings.CutPrefix(literal, "IPv6:")
		address, err := netip.ParseAddr(six)
		return closed && err == nil && address.Zone() == "" && address.Is6() == is6
	}
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		unfit := func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		}
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, unfit) {
			return false
		}
	}
	return true
}

// addressLiteral is what a machine without a name says in EHLO: the address of its end of the connection (RFC 5321, 4.1.4).
func addressLiteral(local net.Addr) string {
	where, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return "[127.0.0.1]"
	}
	address := where.Addr().Unmap().WithZone("")
	if address.Is6() {
		return "[IPv6:" + address.String() + "]"
	}
	return "[" + address.String() + "]"
}
