package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/balsong/balsong/domain/channel"
)

// list is the value of BALSONG_<CHANNEL>_PROVIDERS.
type list struct {
	kind     channel.Kind
	variable string
	entries  []string
}

// lists are those of all channels.
func (g Gateways) lists() []list {
	all := []list{{channel.Email, "BALSONG_EMAIL_PROVIDERS", g.EmailProviders}}
	for _, c := range g.byHTTP() {
		all = append(all, list{c.kind, "BALSONG_" + string(c.kind) + "_PROVIDERS", c.Providers})
	}
	return all
}

// of are the vendors of the list's channel.
func (g Gateways) of(l list) []vendor {
	return slices.DeleteFunc(g.vendors(), func(v vendor) bool { return v.Channel != l.kind })
}

// senders are the vendors that a list names, or that are configured where it is empty. What is wrong with the list, checkList says.
func (g Gateways) senders(l list) (found []vendor) {
	vendors := g.of(l)
	if len(l.entries) == 0 {
		for _, v := range vendors {
			if v.configured {
				v.Weight = 1
				found = append(found, v)
			}
		}
		return found
	}
	for _, entry := range l.entries {
		name, weight, _, err := parseEntry(entry)
		if at := slices.IndexFunc(vendors, func(v vendor) bool { return v.Name == name }); err == nil && at >= 0 {
			v := vendors[at]
			v.Weight = weight
			found = append(found, v)
		}
	}
	return found
}

// maxWeight is the largest share that a provider may have.
const maxWeight = 1000

// parseEntry reads name or name:weight. Without a weight it is 1.
func parseEntry(entry string) (name string, weight int, weighted bool, err error) {
	name, number, weighted := strings.Cut(strings.TrimSpace(entry), ":")
	if !weighted {
		return name, 1, false, nil
	}
	weight, err = strconv.Atoi(number)
	if err != nil || weight < 0 || weight > maxWeight {
		return name, 0, true, fmt.Errorf("the weight of %q is not a whole number from 0 to %d", name, maxWeight)
	}
	return name, weight, true, nil
}

// checkList refuses a list that cannot be followed, and variables of a provider that does not send, since whoever set them expects
// something of them.
func (g Gateways) checkList(l list) error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	vendors, senders := g.of(l), g.senders(l)
	if err := l.check(vendors); err != nil {
		return err
	}
	if len(l.entries) == 0 && len(senders) > 1 {
		wrong("%s and %s are both set: say in %s who sends, each with its weight, as in %s:50,%s:50",
			senders[0].has[0], senders[1].has[0], l.variable, senders[0].Name, senders[1].Name)
	}
	for _, v := range vendors {
		sends := slices.ContainsFunc(senders, func(s vendor) bool { return s.Name == v.Name })
		if sends {
			problems = append(problems, v.check(), v.checkPrices())
		} else if len(senders) > 0 && len(v.has) > 0 {
			wrong("%s is set, and %s does not send on the channel %s: name it in %s, or take the variable away", v.has[0], v.Name, l.kind, l.variable)
		}
	}
	return errors.Join(problems...)
}

// check refuses entries that cannot be followed.
func (l list) check(vendors []vendor) error {
	var names, known []string
	for _, v := range vendors {
		known = append(known, v.Name)
	}
	total, weights := 0, 0
	for _, entry := range l.entries {
		name, weight, weighted, err := parseEntry(entry)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", l.variable, err)
		case !slices.Contains(known, name):
			return fmt.Errorf("%s names %q (want some of %s)", l.variable, name, strings.Join(known, ", "))
		case slices.Contains(names, name):
			return fmt.Errorf("%s names %s twice", l.variable, name)
		}
		names = append(names, name)
		total += weight
		if weighted {
			weights++
		}
	}
	switch {
	case weights != 0 && weights != len(names):
		return fmt.Errorf("%s gives some providers a weight and others none: give all of them one, or none", l.variable)
	case len(names) > 0 && total == 0:
		return fmt.Errorf("%s gives every provider the weight 0: nobody would send", l.variable)
	}
	return nil
}
