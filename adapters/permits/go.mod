module github.com/balsong/balsong/adapters/permits

go 1.26.0

require (
	github.com/balsong/balsong/application v0.0.0
	github.com/balsong/balsong/domain v0.0.0
)

replace (
	github.com/balsong/balsong/application => ../../application
	github.com/balsong/balsong/domain => ../../domain
)
