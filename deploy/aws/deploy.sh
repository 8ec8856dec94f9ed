#!/usr/bin/env bash
# deploy/aws/deploy.sh STACK [PARAMETER=VALUE …]   deploys one stack (network, data, access, services or alarms, in this order), and waits for it. What is not
#                                                  named keeps the value that the stack has, or its default. It may be run again: what is under way is
#                                                  waited for, and what a first deployment that failed left behind is deleted first.
#                                                  The alarms are told how large the database's disk is by now, whether settlement and the schedule
#                                                  are wanted, and how long no run is no fault: with each deployment of alarms, and of data and
#                                                  services once there are alarms.
# deploy/aws/deploy.sh parameters                  writes what no template can know: the brokers' addresses, and the CA of the database. After data.
# deploy/aws/deploy.sh keyset                      makes the keyset, wrapped by its KMS key, where there is none yet. After data.
# deploy/aws/deploy.sh delete STACK                deletes one stack, and waits for it. In the opposite order; data: only after DeletionProtection=false.
# BALSONG_NAME: the installation (balsong). The account and the region are those of the AWS CLI. PAUSE: seconds between two looks (10).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${BALSONG_NAME:-balsong}

region() {
  local configured
  configured=$(aws configure get region || true)
  echo "${AWS_REGION:-${AWS_DEFAULT_REGION:-$configured}}"
}

# Says where it works: a stack in a wrong account or region is soon made.
place() {
  local account
  account=$(aws sts get-caller-identity --query Account --output text)
  echo "$stack in account $account, $(region)" >&2
}

usage() { sed -n '2,11s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }

temporary=$(mktemp -d) # of its owner alone
trap 'rm -rf "$temporary"' EXIT

parameters() {
  local cluster brokers region ca=$temporary/ca.pem
  cluster=$(aws cloudformation list-exports --query "Exports[?Name=='$name-Kafka'].Value" --output text)
  [ -n "$cluster" ] || { echo "the stack $name-data exports no Kafka: deploy it first" >&2; exit 1; }
  brokers=$(aws kafka get-bootstrap-brokers --cluster-arn "$cluster" --query BootstrapBrokerStringSaslIam --output text)
  aws ssm put-parameter --name "/$name/kafka-brokers" --type String --overwrite --value "$brokers" >/dev/null
  echo "/$name/kafka-brokers: $brokers"
  region=$(region)
  # The bundle of the region's CAs, from where AWS says (Amazon RDS User Guide, "Using SSL/TLS to encrypt a connection to a DB instance").
  curl --fail --silent --show-error --output "$ca" "${RDS_CA_URL:-https://truststore.pki.rds.amazonaws.com/$region/$region-bundle.pem}"
  grep -q -- '-----BEGIN CERTIFICATE-----' "$ca" || { echo "what was fetched is no certificate" >&2; exit 1; }
  aws ssm put-parameter --name "/$name/database-ca" --type String --tier Advanced --overwrite --value "$(cat "$ca")" >/dev/null
  echo "/$name/database-ca: $(grep -c BEGIN "$ca") certificates"
}

# A second keyset in the place of the first would be the loss of all that the first has sealed. The token names the first version: should two do this at the
# same time, AWS refuses the second ("a resource with the ID you requested already exists").
keyset() {
  local versions
  versions=$(aws secretsmanager list-secret-version-ids --secret-id "$name/keyset" --include-deprecated --query 'length(Versions)' --output text)
  [ "$versions" = 0 ] || { echo "$name/keyset has a keyset, which is left as it is (docs/operations/rotation.md changes its keys)"; return; }
  [ -x "$here/../../bin/balsong" ] || { echo "bin/balsong, which makes the keyset, is not there: make bin/balsong, or take it from the archive of the release" >&2; exit 1; }
  "$here/../../bin/balsong" keyset new --file "$temporary/keyset.json" --kms-key "alias/$name-keyset" >/dev/null
  aws secretsmanager put-secret-value --secret-id "$name/keyset" --secret-string "file://$temporary/keyset.json" --client-request-token "the-first-keyset-of-this-installation" >/dev/null
  echo "$name/keyset: made, and wrapped by alias/$name-keyset"
}

# The stack's status in $status; NONE: there is no such stack.
look() {
  local said
  if said=$(aws cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackStatus' --output text 2>&1); then
    status=$said
  elif [[ $said == *"does not exist"* ]]; then
    status=NONE
  else
    echo "$said" >&2
    exit 1
  fi
}

# Waits, for as long as it takes, until nothing is under way. `aws cloudformation deploy` itself gives up after an hour.
follow() {
  local shown="" under
  trap 'echo "$stack is not waited for any more, and AWS goes on: the same command waits for it again" >&2; exit 130' INT
  while look; [[ $status == *_IN_PROGRESS && $status != REVIEW_IN_PROGRESS ]]; do
    under=$(aws cloudformation list-stack-resources --stack-name "$stack" --output text \
      --query "join(' ', StackResourceSummaries[?ends_with(ResourceStatus, 'IN_PROGRESS')].LogicalResourceId)" 2>/dev/null) || under="" # it is gone meanwhile
    [ "$under" = "$shown" ] || echo "$(date +%H:%M:%S) $status: $under" >&2
    shown=$under
    sleep "${PAUSE:-10}"
  done
  trap - INT
}

# What failed in the operation with the token $1.
why() {
  aws cloudformation describe-stack-events --stack-name "$stack" --output text --query "StackEvents[?ClientRequestToken=='$1' && ends_with(ResourceStatus, '_FAILED')
    && !contains(not_null(ResourceStatusReason, ''), 'cancelled')].[LogicalResourceId, ResourceStatusReason]" >&2
}

# stuck says what to do about a stack that AWS could not take back to what it was: nothing else can change it.
stuck() {
  aws cloudformation list-stack-resources --stack-name "$stack" --output text \
    --query "StackResourceSummaries[?ResourceStatus=='UPDATE_FAILED'].[LogicalResourceId, ResourceStatusReason]" >&2
  echo "$stack is UPDATE_ROLLBACK_FAILED, and cannot be changed. Correct what is named above, then: aws cloudformation continue-update-rollback --stack-name $stack" >&2
  echo "and run this again. With --resources-to-skip a resource is left as it is, which this must then put right" >&2
  exit 1
}

remove() {
  local token
  token=delete-$(date +%s)-$$
  aws cloudformation delete-stack --stack-name "$stack" --client-request-token "$token"
  sleep "${PAUSE:-10}"
  follow
  [[ $status =~ ^(NONE|DELETE_COMPLETE)$ ]] || { why "$token"; echo "$stack is $status: delete what is named above by hand, then run this again" >&2; exit 1; }
  echo "$stack is deleted"
}

change() {
  local said set token keep=()
  follow
  case $status in
  UPDATE_ROLLBACK_FAILED) stuck ;;
  DELETE_FAILED) echo "$stack could not be deleted: $0 delete $1 says why and tries again; then run this again" >&2; exit 1 ;;
  ROLLBACK_COMPLETE | ROLLBACK_FAILED | CREATE_FAILED)
    echo "$stack is $status: what its first deployment left is deleted, and it begins anew" >&2
    remove >&2
    ;;
  esac
  # A first deployment of services that fails is left as it is: its logs say why, and a rollback would delete them.
  [ "$1" != services ] || [[ ! $status =~ ^(NONE|DELETE_COMPLETE|REVIEW_IN_PROGRESS)$ ]] || keep=(--disable-rollback)
  said=$(aws cloudformation deploy --stack-name "$stack" --template-file "$here/$1.yaml" --capabilities CAPABILITY_NAMED_IAM --no-execute-changeset \
    --no-fail-on-empty-changeset --tags "installation=$name" --parameter-overrides "Name=$name" "${@:2}")
  set=$(grep -oE 'arn:[^ ]*:changeSet/[^ ]+' <<<"$said") || { echo "$stack: nothing to change" >&2; return; }
  token=deploy-$(date +%s)-$$
  aws cloudformation execute-change-set --change-set-name "$set" --client-request-token "$token" ${keep[@]+"${keep[@]}"}
  sleep "${PAUSE:-10}"
  follow
  [[ $status =~ ^(CREATE|UPDATE)_COMPLETE$ ]] && return
  why "$token"
  [ "$status" != UPDATE_ROLLBACK_FAILED ] || stuck
  echo "$stack is $status" >&2
  [ "$status" != CREATE_FAILED ] || echo "its logs are there (aws logs tail /$name/delivery --since 1h) until deploy.sh services is run again, which deletes all of it first" >&2
  exit 1
}

# silence EXPRESSION: the seconds after which a schedule that starts nothing is a fault, half as much again as the longest time between two of its starts.
# Nothing where they differ from day to day.
silence() {
  awk -v text="$1" '
    function times(field, most, set,   parts, n, i, step, from, to, bounds, t) {
      n = split(field, parts, ",")
      for (i = 1; i <= n; i++) {
        if (split(parts[i], step, "/") < 2) step[2] = ""
        if (step[1] == "*") { from = 0; to = most }
        else if (split(step[1], bounds, "-") == 2) { from = bounds[1]; to = bounds[2] }
        else { from = step[1]; to = step[2] == "" ? from : most }
        for (t = from + 0; t <= to + 0; t += step[2] == "" ? 1 : step[2]) set[t] = 1
      }
    }
    BEGIN {
      unit["minute"] = 60; unit["hour"] = 3600; unit["day"] = 86400
      if (text ~ /^rate\([1-9][0-9]* (minute|hour|day)s?\)$/) {
        split(substr(text, 6), rate, /[ )]/); sub(/s$/, "", rate[2])
        print rate[1] * unit[rate[2]] * 1.5
        exit
      }
      if (text !~ /^cron\([^()]*\)$/ || split(substr(text, 6, length(text) - 6), field, / +/) != 6) exit
      if (field[1] field[2] ~ /[^0-9*,\/-]/ || field[3] field[5] !~ /^[*?][*?]$/ || field[4] field[6] != "**") exit
      times(field[1], 59, minutes); times(field[2], 23, hours)
      first = last = -1
      for (t = 0; t < 1440; t++) {
        if (!(t % 60 in minutes) || !(int(t / 60) in hours)) continue
        if (first < 0) first = t; else if (t - last > longest) longest = t - last
        last = t
      }
      if (first < 0) exit
      if (first + 1440 - last > longest) longest = first + 1440 - last
      print longest * 60 * 1.5
    }'
}

# What alarms.yaml takes from the installation as it is, a word for each parameter. The arguments are those that it is deployed with: they may name a
# restored database, else the stack of alarms does.
running() {
  local database parameter disk of_services expression after
  database=$(aws cloudformation describe-stacks --stack-name "$name-alarms" --query "Stacks[0].Parameters[?ParameterKey=='Database'].ParameterValue" --output text 2>/dev/null) || database=""
  for parameter in "$@"; do
    case $parameter in Database=*) database=${parameter#*=} ;; esac
  done
  disk=$(aws rds describe-db-instances --db-instance-identifier "${database:-$name}" --query 'DBInstances[0].AllocatedStorage' --output text) || return
  of_services=$(aws cloudformation describe-stacks --stack-name "$name-services" \
    --query "Stacks[0].Parameters[?contains(['SettlementTasks', 'ScheduleState'], ParameterKey)].join('=', [ParameterKey, ParameterValue])" --output text) || return
  expression=$(aws cloudformation describe-stacks --stack-name "$name-services" --query "Stacks[0].Parameters[?ParameterKey=='DispatchSchedule'].ParameterValue" --output text) || return
  after=$(silence "$expression")
  [ -n "$after" ] || echo "$expression differs from day to day: deploy.sh alarms NoRunAfter=SECONDS says after how long without a run somebody is told" >&2
  echo "DatabaseStorage=$disk ${of_services//$'\t'/ }${after:+ NoRunAfter=$after}"
}

case ${1-} in
network | data | access | services | alarms) ;;
parameters | keyset) [ $# = 1 ] || usage; "$1"; exit ;;
delete)
  [[ $# = 2 && $2 =~ ^(network|data|access|services|alarms)$ ]] || usage
  stack=$name-$2
  place
  look
  [ "$status" != NONE ] || { echo "there is no stack $stack here: nothing was deleted (are AWS_REGION and BALSONG_NAME right?)" >&2; exit; }
  remove
  exit
  ;;
*) usage ;;
esac
# `aws cloudformation deploy` passes over a parameter that the template does not have, without a word.
has=$(sed -n '/^Parameters:/,/^[A-Z]/s/^  \([A-Za-z0-9]*\):.*/\1/p' "$here/$1.yaml")
for parameter in "${@:2}"; do
  [[ $parameter == *=* ]] || { echo "$parameter is not of the form PARAMETER=VALUE" >&2; exit 2; }
  # shellcheck disable=SC2086 # words
  grep -qx -- "${parameter%%=*}" <<<"$has" || { echo "$1.yaml has no parameter ${parameter%%=*}; it has:" $has >&2; exit 2; }
done
stack=$name-$1
place
# A database that is protected from deletion would be protected from the rollback of its own stack: it is protected once the stack is there.
if [ "$1" = data ] && [[ " $*" != *" DeletionProtection="* ]]; then
  follow
  [[ $status =~ ^(CREATE|UPDATE|UPDATE_ROLLBACK)_COMPLETE$ ]] || change "$@" DeletionProtection=false
  set -- "$@" DeletionProtection=true
fi
if [ "$1" = alarms ]; then
  known=$(running "${@:2}")
  # shellcheck disable=SC2086 # words
  set -- alarms $known "${@:2}"
fi
change "$@"
if [[ $1 =~ ^(data|services)$ ]]; then
  stack=$name-alarms
  look
  if [[ $status =~ ^(CREATE|UPDATE|UPDATE_ROLLBACK)_COMPLETE$ ]]; then
    if known=$(running); then
      # shellcheck disable=SC2086
      change alarms $known
    else
      echo "the alarms were not told what runs: deploy.sh alarms, with Database= of the server that is in use" >&2
    fi
  fi
  stack=$name-$1
fi
aws cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text
