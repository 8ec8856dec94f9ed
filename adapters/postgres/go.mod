module github.com/balsong/balsong/adapters/postgres

go 1.26.0

require (
	github.com/balsong/balsong/application v0.0.0
	github.com/balsong/balsong/domain v0.0.0
	github.com/balsong/balsong/migrations v0.0.0
	github.com/golang-migrate/migrate/v4 v4.20.1
	github.com/jmoiron/sqlx v1.4.0
	github.com/lib/pq v1.12.3
)

replace (
	github.com/balsong/balsong/application => ../../application
	github.com/balsong/balsong/domain => ../../domain
	github.com/balsong/balsong/migrations => ../../migrations
)
