package cli

import "strings"

// Quote writes a word as a shell reads it back, for commands in a message.
func Quote(s string) string {
	if strings.ContainsAny(s, " '\"$\\&;()<>|*?") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
