module github.com/balsong/balsong/adapters/crypto

go 1.26.0

require (
	github.com/balsong/balsong/application v0.0.0
	github.com/balsong/balsong/domain v0.0.0
)

require (
	github.com/tink-crypto/tink-go/v2 v2.9.0
	golang.org/x/crypto v0.53.0 // indirect
	golang.org/x/sys v0.46.0 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)

replace (
	github.com/balsong/balsong/application => ../../application
	github.com/balsong/balsong/domain => ../../domain
)
