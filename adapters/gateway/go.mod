module github.com/balsong/balsong/adapters/gateway

go 1.26.0

require (
	github.com/balsong/balsong/application v0.0.0
	github.com/balsong/balsong/domain v0.0.0
	github.com/emersion/go-msgauth v0.7.0
	github.com/wneessen/go-mail v0.8.1
	golang.org/x/text v0.42.0
)

require golang.org/x/crypto v0.54.0 // indirect

replace (
	github.com/balsong/balsong/application => ../../application
	github.com/balsong/balsong/domain => ../../domain
)
