module github.com/balsong/balsong/application

go 1.26.0

require github.com/balsong/balsong/domain v0.0.0

require golang.org/x/sync v0.24.0

require (
	github.com/klauspost/compress v1.20.3
	golang.org/x/text v0.42.0
	pgregory.net/rapid v1.3.0
)

replace github.com/balsong/balsong/domain => ../domain
