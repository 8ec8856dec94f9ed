module github.com/balsong/balsong/bootstrap

go 1.26.0

require (
	github.com/balsong/balsong/adapters/crypto v0.0.0
	github.com/balsong/balsong/adapters/kafka v0.0.0
	github.com/balsong/balsong/adapters/postgres v0.0.0
	github.com/balsong/balsong/adapters/s3 v0.0.0
	github.com/balsong/balsong/adapters/sender v0.0.0
	github.com/balsong/balsong/application v0.0.0
	github.com/balsong/balsong/domain v0.0.0
	github.com/balsong/balsong/migrations v0.0.0
)

require (
	github.com/caarlos0/env/v11 v11.4.2 // indirect
	github.com/prometheus/client_golang v1.25.0 // indirect
	go.uber.org/dig v1.19.0 // indirect
	go.uber.org/fx v1.24.0 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	go.uber.org/zap v1.28.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace (
	github.com/balsong/balsong/adapters/crypto => ../adapters/crypto
	github.com/balsong/balsong/adapters/kafka => ../adapters/kafka
	github.com/balsong/balsong/adapters/postgres => ../adapters/postgres
	github.com/balsong/balsong/adapters/s3 => ../adapters/s3
	github.com/balsong/balsong/adapters/sender => ../adapters/sender
	github.com/balsong/balsong/application => ../application
	github.com/balsong/balsong/domain => ../domain
	github.com/balsong/balsong/migrations => ../migrations
)
