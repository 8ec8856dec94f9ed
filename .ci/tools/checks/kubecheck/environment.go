package kubecheck

import (
	"net"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/balsong/balsong/ci/tools/checks/programs"
)

// program returns what an object's container runs, and what that reads.
func (c cluster) program(o object) (programs.Program, string) {
	p, _, _ := o.pods()
	k := p.Containers[0]
	name := path.Base(strings.Split(k.Image, ":")[0])
	switch {
	case name == "delivery" && len(k.Args) > 1:
		name += " (role " + k.Args[1] + ")"
	case name == "batch" && len(k.Args) > 0:
		name += " " + k.Args[0]
	case name == "balsong": // any of its commands
		all := programs.Program{}
		for of, program := range c.programs {
			if strings.HasPrefix(of, "balsong ") {
				for variable, what := range program {
					all[variable] = programs.Variable{Secret: what.Secret}
				}
			}
		}
		return all, name
	}
	return c.programs[name], name
}

// environment returns the variables of an object's container.
func (c cluster) environment(o object) map[string]string {
	set := map[string]string{}
	p, _, _ := o.pods()
	for _, from := range p.Containers[0].EnvFrom {
		config, _ := c.find("ConfigMap", from.ConfigMap.Name)
		for name, value := range config.Data {
			set[name] = value
		}
	}
	for _, variable := range p.Containers[0].Env {
		set[variable.Name] = variable.Value
	}
	return set
}

// checkEnvironment: each variable is read by somebody, none that is needed is missing, no secret stands in one, and each file that one names is mounted.
func (c cluster) checkEnvironment(o object) (f findings) {
	p, _, ok := o.pods()
	if !ok {
		return nil
	}
	program, name := c.program(o)
	f.unless(program != nil, "%q is no program of docs/operations/configuration.md", name)
	for _, from := range p.Containers[0].EnvFrom {
		config, found := c.find("ConfigMap", from.ConfigMap.Name)
		f.unless(found, "it reads the ConfigMap %q, which there is not", from.ConfigMap.Name)
		read := !found
		for variable := range config.Data {
			read = read || program.Has(variable)
		}
		f.unless(read, "%s reads nothing of the ConfigMap %q", name, from.ConfigMap.Name)
	}
	for _, variable := range p.Containers[0].Env {
		f.unless(program.Has(variable.Name), "%s does not read %s", name, variable.Name)
	}
	set := c.environment(o)
	for variable, value := range set {
		f.unless(c.known(variable), "no program reads %s", variable)
		f.unless(!program[variable].Secret || !holdsSecret(variable, value), "%s holds a secret: name a file with it", variable)
		if program.Has(variable) {
			for _, file := range filesOf(variable, value) {
				f.unless(c.mounted(p, file), "%s names %s, which is not mounted", variable, file)
			}
		}
	}
	for _, missing := range program.Missing(set) {
		f.unless(false, "%s needs %s", name, missing)
	}
	return f
}

// known reports whether some program reads a variable.
func (c cluster) known(variable string) bool {
	for _, program := range c.programs {
		if program.Has(variable) {
			return true
		}
	}
	return false
}

// holdsSecret: the database's URL is secret for the password that it may hold.
func holdsSecret(variable, value string) bool {
	if variable != "DATABASE_URL" {
		return true
	}
	at, err := url.Parse(value)
	if err != nil {
		return true
	}
	_, has := at.User.Password()
	return has
}

var rootCertificate = regexp.MustCompile(`sslrootcert=([^&]+)`)

// filesOf returns the files that a variable's value names.
func filesOf(variable, value string) (files []string) {
	if strings.HasSuffix(variable, "_FILE") {
		files = append(files, value)
	}
	if file, ok := strings.CutPrefix(value, "file:"); ok {
		files = append(files, file)
	}
	if match := rootCertificate.FindStringSubmatch(value); match != nil {
		files = append(files, match[1])
	}
	return files
}

// mounted reports whether a file is in a pod, and whether the guide says how the Secret or ConfigMap that it comes from is made.
func (c cluster) mounted(p pod, file string) bool {
	for _, mount := range p.Containers[0].Mounts {
		if path.Dir(file) != mount.Path {
			continue
		}
		for _, v := range p.Volumes {
			if v.Name != mount.Name {
				continue
			}
			if v.ConfigMap.Name != "" {
				return c.made("configmap", v.ConfigMap.Name, path.Base(file))
			}
			for _, source := range v.Projected.Sources {
				if source.Secret.Name != "" && len(source.Secret.Items) == 0 { // each of its keys is a file
					if c.made("secret generic", source.Secret.Name, path.Base(file)) {
						return true
					}
				}
				for _, item := range source.Secret.Items {
					if item.Path == path.Base(file) {
						return c.made("secret generic", source.Secret.Name, item.Key)
					}
				}
			}
		}
	}
	return false
}

// made reports whether a command of the guide makes what a file is mounted from, with its key.
func (c cluster) made(kind, name, key string) bool {
	for line := range strings.Lines(c.guide) {
		if strings.Contains(line, "create "+kind+" "+name+" ") && strings.Contains(line, "--from-file="+key+"=") {
			return true
		}
	}
	return false
}

// portOf returns the port of an address or URL; 0 where there is none.
func portOf(address string) int {
	if at, err := url.Parse(address); err == nil && at.Host != "" {
		if at.Scheme == "https" && at.Port() == "" {
			return 443
		}
		address = at.Host
	}
	_, text, err := net.SplitHostPort(strings.Split(address, ",")[0])
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return port
}
