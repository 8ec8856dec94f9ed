package cloudformation

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Container is one container of a task definition.
type Container struct {
	Task        Resource
	Name        string
	node        *yaml.Node
	environment []variable
}

type variable struct {
	name  string
	value *yaml.Node
}

// Containers are those of all task definitions.
func Containers(templates []Template) (list []Container) {
	for _, task := range OfType(templates, "AWS::ECS::TaskDefinition") {
		for _, node := range items(get(task.Properties, "ContainerDefinitions")) {
			c := Container{Task: task, Name: scalar(get(node, "Name")), node: node}
			for _, entry := range items(get(node, "Environment")) {
				c.environment = append(c.environment, variable{name: scalar(get(entry, "Name")), value: get(entry, "Value")})
			}
			list = append(list, c)
		}
	}
	return list
}

// Ours tells whether a container runs an image of this repository.
func (c Container) Ours() bool {
	image := get(c.node, "Image")
	return image != nil && image.Kind == yaml.SequenceNode && imported(get(image.Content[1], "Registry")) == "ImageRegistry"
}

// Image is the name of the repository that the image comes from.
func (c Container) Image() string {
	_, name, _ := strings.Cut(scalar(items(get(c.node, "Image"))[0]), "/")
	if image := get(c.node, "Image"); image.Kind == yaml.SequenceNode {
		_, name, _ = strings.Cut(image.Content[0].Value, "/")
	}
	name, _, _ = strings.Cut(name, ":")
	return name
}

// Environment resolves the variables that the container is given.
func (c Container) Environment(t Template, values Values) (map[string]string, error) {
	all := map[string]string{}
	for _, v := range c.environment {
		value, err := values.Resolve(t, v.value)
		if err != nil {
			return nil, err
		}
		all[v.name] = value
	}
	return all, nil
}

// Command are the arguments that a container is started with.
func (c Container) Command() (list []string) {
	for _, item := range items(get(c.node, "Command")) {
		list = append(list, item.Value)
	}
	return list
}
