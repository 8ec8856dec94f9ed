module github.com/balsong/balsong/domain

go 1.26.0
