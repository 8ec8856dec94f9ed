package attempt

import "strings"

// Earlier is which providers were to make the call of a claim before the last one did, each with why it did not take the message, as
// in "nhn:provider,solapi:not_called". Empty: none.
type Earlier string

// And adds a provider. Its name has neither colon nor comma.
func (e Earlier) And(provider string, why Reason) Earlier {
	if e != "" {
		e += ","
	}
	return e + Earlier(provider+":"+string(why))
}

// Each returns them in their order. What cannot be read is left out.
func (e Earlier) Each() (all []EarlierProvider) {
	for entry := range strings.SplitSeq(string(e), ",") {
		if provider, why, found := strings.Cut(entry, ":"); found && provider != "" && why != "" {
			all = append(all, EarlierProvider{provider, Reason(why)})
		}
	}
	return all
}

// EarlierProvider is one of Earlier.
type EarlierProvider struct {
	Provider string
	Why      Reason
}
