package images

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// certificateFile is where Go looks for root certificates first, in the image as in Debian.
const certificateFile = "/etc/ssl/certs/ca-certificates.crt"

// apply does what an instruction of an image's stage says. What it does not know it refuses, since an engine would do it.
func (i instruction) apply(c *Contents, variables map[string]string, arguments Arguments) error {
	switch i.name {
	case "ARG":
		return i.declare(variables, arguments)
	case "LABEL", "ENV":
		return i.assign(c, variables)
	case "USER":
		c.Config.User = i.operand
	case "WORKDIR":
		c.Config.WorkingDir = i.operand
	case "EXPOSE":
		if c.Config.ExposedPorts == nil {
			c.Config.ExposedPorts = map[string]struct{}{}
		}
		c.Config.ExposedPorts[i.operand+"/tcp"] = struct{}{}
	case "ENTRYPOINT":
		if err := json.Unmarshal([]byte(i.operand), &c.Config.Entrypoint); err != nil {
			return i.cannot(`want the form ["/program"]: there is no shell`)
		}
	case "HEALTHCHECK":
		return i.healthCheck(&c.Config)
	case "COPY":
		return i.copy(c)
	default:
		return i.cannot("not known here")
	}
	return nil
}

func (i instruction) declare(variables map[string]string, arguments Arguments) error {
	pairs, err := i.pairs(variables)
	if err != nil {
		return err
	}
	for name, value := range pairs {
		if given, ok := arguments[name]; ok {
			value = given
		}
		variables[name] = value
	}
	return nil
}

// assign sets labels, or variables of the process. Those of one instruction are in the order of their names.
func (i instruction) assign(c *Contents, variables map[string]string) error {
	pairs, err := i.pairs(variables)
	if err != nil {
		return err
	}
	if i.name == "ENV" {
		for _, name := range slices.Sorted(maps.Keys(pairs)) {
			c.Config.Env = append(c.Config.Env, name+"="+pairs[name])
		}
		return nil
	}
	if c.Config.Labels == nil {
		c.Config.Labels = map[string]string{}
	}
	maps.Copy(c.Config.Labels, pairs)
	return nil
}

// copy notes where a stage has its binary and the root certificates.
func (i instruction) copy(c *Contents) error {
	words := strings.Fields(i.operand)
	if len(words) != 3 {
		return i.cannot("want COPY --from=stage source destination")
	}
	to := words[2]
	if strings.HasSuffix(to, "/") {
		to += path.Base(words[1])
	}
	switch from := words[1]; {
	case from == certificateFile:
		c.Certificates = to
	case words[0] == "--from=services" && path.Dir(from) == "/out":
		c.Binary = to
	default:
		return i.cannot("neither a binary of the stage services nor the root certificates")
	}
	return nil
}

func (i instruction) healthCheck(config *v1.Config) error {
	options, command, ok := strings.Cut(i.operand, "CMD ")
	check := v1.HealthConfig{Test: []string{"CMD"}}
	var program []string
	if !ok || json.Unmarshal([]byte(command), &program) != nil {
		return i.cannot(`want options CMD ["/program", "argument"]`)
	}
	check.Test = append(check.Test, program...)
	durations := map[string]*time.Duration{
		"--interval": &check.Interval, "--timeout": &check.Timeout, "--start-period": &check.StartPeriod,
	}
	for _, option := range strings.Fields(options) {
		name, value, _ := strings.Cut(option, "=")
		duration, err := time.ParseDuration(value)
		if durations[name] == nil || err != nil {
			return i.cannot("option " + option)
		}
		*durations[name] = duration
	}
	config.Healthcheck = &check
	return nil
}

// pair is name=value or name="value with blanks".
var pair = regexp.MustCompile(`^([A-Za-z_][\w.]*)=("(?:[^"\\]*)"|[^\s"'\\]*)(?:\s+|$)`)

// pairs reads an operand of pairs, with $NAME and ${NAME} replaced by the variables.
func (i instruction) pairs(variables map[string]string) (map[string]string, error) {
	found := map[string]string{}
	for rest := i.operand; rest != ""; {
		match := pair.FindStringSubmatch(rest)
		if match == nil {
			return nil, i.cannot("want name=value or name=\"value\"")
		}
		rest = rest[len(match[0]):]
		var unknown error
		found[match[1]] = os.Expand(strings.Trim(match[2], `"`), func(name string) string {
			value, ok := variables[name]
			if !ok {
				unknown = i.cannot(fmt.Sprintf("no ARG %s above", name))
			}
			return value
		})
		if unknown != nil {
			return nil, unknown
		}
	}
	return found, nil
}
