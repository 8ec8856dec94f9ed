module github.com/balsong/balsong/bootstrap/local

go 1.26.0

require (
	github.com/balsong/balsong/adapters/crypto v0.0.0
	github.com/balsong/balsong/adapters/kafka v0.0.0
	github.com/balsong/balsong/adapters/postgres v0.0.0
	github.com/balsong/balsong/adapters/s3 v0.0.0
	github.com/balsong/balsong/adapters/sender v0.0.0
	github.com/balsong/balsong/application v0.0.0
	github.com/balsong/balsong/bootstrap v0.0.0
	github.com/balsong/balsong/domain v0.0.0
	github.com/balsong/balsong/migrations v0.0.0
)

require (
	github.com/IBM/sarama v1.61.1 // indirect
	github.com/aws/aws-sdk-go-v2 v1.47.7 // indirect
	github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream v1.7.26 // indirect
	github.com/aws/aws-sdk-go-v2/credentials v1.20.15 // indirect
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/v4a v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.13.24 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/checksum v1.11.11 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/presigned-url v1.14.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/s3shared v1.20.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/s3 v1.114.8 // indirect
	github.com/aws/smithy-go v1.28.8 // indirect
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/eapache/go-resiliency v1.7.0 // indirect
	github.com/fergusstrange/embedded-postgres v1.34.0 // indirect
	github.com/hashicorp/go-uuid v1.0.3 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/jcmturner/aescts/v2 v2.0.0 // indirect
	github.com/jcmturner/dnsutils/v2 v2.0.0 // indirect
	github.com/jcmturner/gofork v1.7.6 // indirect
	github.com/jcmturner/gokrb5/v8 v8.4.4 // indirect
	github.com/jcmturner/rpc/v2 v2.0.3 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/lib/pq v1.12.3 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	github.com/rcrowley/go-metrics v0.0.0-20250401214520-65e299d6c5c9 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/twmb/franz-go v1.22.2 // indirect
	github.com/twmb/franz-go/pkg/kfake v0.0.0-20260918054303-01f206a7e32c // indirect
	github.com/twmb/franz-go/pkg/kmsg v1.15.0 // indirect
	github.com/versity/versitygw v1.8.0 // indirect
	github.com/xi2/xz v0.0.0-20171230120015-48954b6210f8 // indirect
	golang.org/x/crypto v0.57.0 // indirect
	golang.org/x/net v0.59.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace (
	github.com/balsong/balsong/adapters/crypto => ../../adapters/crypto
	github.com/balsong/balsong/adapters/kafka => ../../adapters/kafka
	github.com/balsong/balsong/adapters/postgres => ../../adapters/postgres
	github.com/balsong/balsong/adapters/s3 => ../../adapters/s3
	github.com/balsong/balsong/adapters/sender => ../../adapters/sender
	github.com/balsong/balsong/application => ../../application
	github.com/balsong/balsong/bootstrap => ..
	github.com/balsong/balsong/domain => ../../domain
	github.com/balsong/balsong/migrations => ../../migrations
)
