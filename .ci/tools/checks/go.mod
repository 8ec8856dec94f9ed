// Checks of this repository. A module of its own, so that they build without the linters' dependencies.
module github.com/balsong/balsong/ci/tools/checks

go 1.26.0

require (
	golang.org/x/tools v0.52.0
	gopkg.in/yaml.v3 v3.0.1
)

require (
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)
