module github.com/balsong/balsong/bootstrap

go 1.26.0

require (
	github.com/balsong/balsong/domain v0.0.0
	github.com/balsong/balsong/application v0.0.0
	github.com/balsong/balsong/migrations v0.0.0
	github.com/balsong/balsong/adapters/postgres v0.0.0
	github.com/balsong/balsong/adapters/kafka v0.0.0
	github.com/balsong/balsong/adapters/s3 v0.0.0
	github.com/balsong/balsong/adapters/sender v0.0.0
	github.com/balsong/balsong/adapters/crypto v0.0.0
)

replace (
	github.com/balsong/balsong/domain => ../domain
	github.com/balsong/balsong/application => ../application
	github.com/balsong/balsong/migrations => ../migrations
	github.com/balsong/balsong/adapters/postgres => ../adapters/postgres
	github.com/balsong/balsong/adapters/kafka => ../adapters/kafka
	github.com/balsong/balsong/adapters/s3 => ../adapters/s3
	github.com/balsong/balsong/adapters/sender => ../adapters/sender
	github.com/balsong/balsong/adapters/crypto => ../adapters/crypto
)
