package images

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Recipe is what deploy/Dockerfile says of the build and of the images.
type Recipe struct {
	Go          string   // version of Go, as in 1.26.8
	Environment []string // of the build, as NAME=value
	stages      map[string]stage
	arguments   Arguments
}

// Arguments are the values of the Dockerfile's ARG lines; one that is not there has the default of the file.
type Arguments map[string]string

// Contents is what a stage's image has beside the documents: where its files lie, and what it says of itself.
type Contents struct {
	Binary       string // path in the image
	Certificates string // path in the image
	Config       v1.Config
}

// stage is the instructions between a FROM and the next one.
type stage struct {
	name, from   string
	instructions []instruction
}

type instruction struct {
	line          int
	name, operand string
}

// ErrDockerfile is wrapped by the errors about a Dockerfile that says what this package cannot do.
var ErrDockerfile = errors.New("deploy/Dockerfile")

var golang = regexp.MustCompile(`^golang:(\d+\.\d+\.\d+)-\w+$`)

// ReadRecipe reads a Dockerfile.
func ReadRecipe(file string, arguments Arguments) (Recipe, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Recipe{}, err
	}
	r := Recipe{stages: map[string]stage{}, arguments: arguments}
	var at stage
	for _, i := range instructions(string(text)) {
		if i.name != "FROM" {
			at.instructions = append(at.instructions, i)
			r.stages[at.name] = at
			continue
		}
		words := strings.Fields(i.operand)
		if len(words) != 3 || words[1] != "AS" {
			return Recipe{}, i.cannot("want FROM image AS name")
		}
		at = stage{name: words[2], from: words[0]}
		if match := golang.FindStringSubmatch(at.from); match != nil {
			r.Go = match[1]
		}
		r.stages[at.name] = at
	}
	if r.Go == "" {
		return Recipe{}, fmt.Errorf("%w: no stage is from golang:version-distribution", ErrDockerfile)
	}
	return r, r.readEnvironment()
}

// version is what a binary says of itself: the version of a release, or the commit.
func (r Recipe) version() string {
	return cmp.Or(r.arguments["VERSION"], r.arguments["REVISION"], "0.0.0")
}

// instructions joins continued lines and drops comments.
func instructions(text string) (found []instruction) {
	begun := instruction{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		part, goesOn := strings.CutSuffix(line, `\`)
		if begun.line == 0 {
			begun.line = number
			begun.name, part, _ = strings.Cut(part, " ")
		}
		begun.operand = strings.TrimSpace(begun.operand + " " + strings.TrimSpace(part))
		if !goesOn {
			found, begun = append(found, begun), instruction{}
		}
	}
	return found
}

func (i instruction) cannot(why string) error {
	return fmt.Errorf("%w, line %d: %s %s: %s", ErrDockerfile, i.line, i.name, i.operand, why)
}

// readEnvironment reads the ENV lines of the stage that has the sources.
func (r *Recipe) readEnvironment() error {
	for _, s := range r.stages {
		if !golang.MatchString(s.from) {
			continue
		}
		for _, i := range s.instructions {
			if i.name != "ENV" {
				continue
			}
			pairs, err := i.pairs(nil)
			if err != nil {
				return err
			}
			for _, name := range slices.Sorted(maps.Keys(pairs)) {
				r.Environment = append(r.Environment, name+"="+pairs[name])
			}
		}
	}
	return nil
}

// Image interprets the stage of an image, and the stages that it is from.
func (r Recipe) Image(name string) (Contents, error) {
	s, ok := r.stages[name]
	if !ok {
		return Contents{}, fmt.Errorf("%w: no stage is called %s", ErrDockerfile, name)
	}
	c := Contents{}
	if s.from != "scratch" {
		var err error
		if c, err = r.Image(s.from); err != nil {
			return c, err
		}
	}
	variables := map[string]string{}
	for _, i := range s.instructions {
		if err := i.apply(&c, variables, r.arguments); err != nil {
			return c, err
		}
	}
	return c, nil
}
