module github.com/balsong/balsong/migrations

go 1.26.0
