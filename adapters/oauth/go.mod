module github.com/balsong/balsong/adapters/oauth

go 1.26.0

require (
	github.com/balsong/balsong/application v0.0.0
	golang.org/x/oauth2 v0.38.0
)

require github.com/balsong/balsong/domain v0.0.0 // indirect

replace (
	github.com/balsong/balsong/application => ../../application
	github.com/balsong/balsong/domain => ../../domain
)
