#!/bin/sh
# The files that run on a journey, by the coverage of the real commands with PostgreSQL, Kafka, S3 and the gateway simulator:
#
# 1. one message that the gateway accepts, from the Kafka consumer to the ledger: what `delivery` runs with it, minus what it
#    runs without one (start, idle, end);
# 2. one row, from the CSV file to the pack: what `batch import` and `batch render` run, minus what `batch migrate` runs.
# 3. `balsong why`: what it runs, minus what `balsong keyset new` runs.
#
# With another tree's root it measures that one, by this tree's servers:
#
#   bin/balsong-dev localenv -- .ci/tools/checks/evidence/journeys.sh [ROOT]
set -eu
root=${1:-.}
dev=$(realpath bin/balsong-dev)
work=$(mktemp -d)
gateway=
trap 'test -z "$gateway" || kill $gateway || cat "$work/gateway.log" >&2; rm -rf "$work"' EXIT # a gateway that has ended says why
operator=$root/bootstrap/cmd/balsong
test -d "$operator" || operator=$root/bootstrap/local/cmd/balsong # de966d0
cd "$root"
go build -o "$work/" ./bootstrap/cmd/dispatcher
go build -cover -covermode=atomic -o "$work/" "$operator" ./bootstrap/cmd/batch ./bootstrap/cmd/delivery
cd "$work"
mkdir migrate row one none keyset other why
export GOCOVERDIR=other
DATABASE_URL=$BALSONG_TEST_DATABASE_URL BALSONG_KAFKA_BROKERS=$BALSONG_TEST_KAFKA_BROKERS
export DATABASE_URL BALSONG_KAFKA_BROKERS
for name in ENDPOINT ACCESS_KEY SECRET_KEY REGION; do
	eval "export BALSONG_S3_$name=\"\$BALSONG_TEST_S3_$name\""
done
export BALSONG_S3_BUCKET=bills BALSONG_KEYSET_FILE=keyset.json BALSONG_KAFKA_REPLICATION=1 BALSONG_KAFKA_MIN_INSYNC=1
export BALSONG_SMS_URL=http://127.0.0.1:18025 BALSONG_HEALTH_ADDR=127.0.0.1:18099
"$dev" gateway --data gateway --http 127.0.0.1:18025 --smtp 127.0.0.1:18026 --inbox 127.0.0.1:18027 >gateway.log 2>&1 &
gateway=$!
GOCOVERDIR=keyset ./balsong keyset new --file keyset.json >>log
GOCOVERDIR=migrate ./batch migrate >>log
cat >policy.json <<'END'
{"name": "sms", "zone": "Asia/Seoul", "class": "TRANSACTIONAL", "deadline": "1080h", "unknown": {"SMS": "hold"},
 "route": [{"channel": "SMS", "tries": 1}]}
END
./balsong policy draft --file policy.json --reason first >>log
./balsong policy activate 1v1 --reason first >>log
month=$(date +%Y-%m)
printf 'customer_number,name,phone,currency,amount,due_date\nC-001,Kim,010-0000-1000,KRW,12000,%s-25\n' "$month" >bills.csv
GOCOVERDIR=row ./batch import --month "$month" --file bills.csv >>log
GOCOVERDIR=row ./batch render --month "$month" --allow-sample-sender >>log

# delivery runs the service for 20 seconds, and keeps its coverage in a directory.
delivery() {
	GOCOVERDIR=$1 ./delivery --role delivery >>delivery.log 2>&1 &
	pid=$!
	sleep 20
	kill $pid
	wait $pid
}
./dispatcher --month "$month" >>log
delivery one
delivery none
GOCOVERDIR=why ./balsong why "$month" C-001 >why.txt
grep -q 'accepted *by the gateway\|accepted$' why.txt || { cat log delivery.log && exit 1; } >&2

# files lists the files of which something runs in the first directory and not in the second.
files() {
	mkdir "$1-only"
	go tool covdata subtract -i="$1,$2" -o="$1-only"
	go tool covdata textfmt -i="$1-only" -o=profile
	awk -F: 'NR > 1 && $2 !~ / 0$/ { print $1 }' profile | sort -u | sed -n 's|github.com/balsong/balsong/||; /^application\|^adapters\|^bootstrap/p' >list
	echo "$3: $(grep -c ^application list) files of application, $(grep -c ^adapters list) of adapters, $(grep -c ^bootstrap list) of bootstrap"
	sed 's/^/  /' list
}
files one none "1. a message, Kafka → gateway → ledger"
files row migrate "2. a row, CSV → pack"
files why keyset "3. balsong why"
