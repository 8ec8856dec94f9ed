package wording

// Nearest returns which of some names was probably meant with another one: the one that differs least, in one place and in three
// letters at most. "" where none does.
func Nearest(name string, names []string) (likely string) {
	best := 4
	for _, candidate := range names {
		if d := Differing(name, candidate); d < best {
			best, likely = d, candidate
		}
	}
	return likely
}

// Differing is how many letters lie between what two texts begin and end with in common, in the longer one. Two neighbours that
// changed places count as one.
func Differing(one, other string) int {
	a, b := []rune(one), []rune(other)
	shorter := min(len(a), len(b))
	head, tail := 0, 0
	for head < shorter && a[head] == b[head] {
		head++
	}
	for head+tail < shorter && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	if head+2+tail == len(a) && len(a) == len(b) && a[head] == b[head+1] && a[head+1] == b[head] {
		return 1
	}
	return max(len(a), len(b)) - head - tail
}
