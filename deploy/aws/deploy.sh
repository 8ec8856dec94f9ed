#!/usr/bin/env bash
# deploy/aws/deploy.sh STACK [PARAMETER=VALUE …]   deploys one stack: network, data, access, services or alarms, in this order. What is not named keeps
#                                                  the value that the stack has, or its default.
# deploy/aws/deploy.sh parameters                  writes what no template can know: the brokers' addresses, and the CA of the database. After data.
# NAME: the installation (balsong). The account and the region are those of the AWS CLI.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${NAME:-balsong}

usage() { sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }

parameters() {
  local cluster brokers region ca
  cluster=$(aws cloudformation list-exports --query "Exports[?Name=='$name-Kafka'].Value" --output text)
  [ -n "$cluster" ] || { echo "the stack $name-data exports no Kafka: deploy it first" >&2; exit 1; }
  brokers=$(aws kafka get-bootstrap-brokers --cluster-arn "$cluster" --query BootstrapBrokerStringSaslIam --output text)
  aws ssm put-parameter --name "/$name/kafka-brokers" --type String --overwrite --value "$brokers" >/dev/null
  echo "/$name/kafka-brokers: $brokers"
  region=$(aws configure get region || true)
  region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$region}}
  ca=$(mktemp)
  trap 'rm -f "$ca"' RETURN
  # The bundle of the region's CAs, from where AWS says (Amazon RDS User Guide, "Using SSL/TLS to encrypt a connection to a DB instance").
  curl --fail --silent --show-error --output "$ca" "${RDS_CA_URL:-https://truststore.pki.rds.amazonaws.com/$region/$region-bundle.pem}"
  grep -q -- '-----BEGIN CERTIFICATE-----' "$ca" || { echo "what was fetched is no certificate" >&2; exit 1; }
  aws ssm put-parameter --name "/$name/database-ca" --type String --tier Advanced --overwrite --value "$(cat "$ca")" >/dev/null
  echo "/$name/database-ca: $(grep -c BEGIN "$ca") certificates"
}

case ${1-} in
network | data | access | services | alarms) ;;
parameters) parameters; exit ;;
*) usage ;;
esac
stack=$1; shift
for parameter in "$@"; do [[ $parameter == *=* ]] || { echo "$parameter is not of the form PARAMETER=VALUE" >&2; exit 2; }; done
aws cloudformation deploy --stack-name "$name-$stack" --template-file "$here/$stack.yaml" --capabilities CAPABILITY_NAMED_IAM \
  --no-fail-on-empty-changeset --tags "installation=$name" --parameter-overrides "Name=$name" "$@"
aws cloudformation describe-stacks --stack-name "$name-$stack" --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text
