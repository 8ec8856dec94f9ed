package core

import "strings"

// Constructs reports whether there is a constructor for a provider.
func Constructs(account string) bool {
	_, name, _ := strings.Cut(account, "/")
	return gateways[name] != nil
}
