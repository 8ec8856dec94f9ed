#!/usr/bin/env bash
# deploy/aws/upgrade.sh TAG [OWNTAG]   moves the stack of services to the images TAG, in the order of docs/operations/upgrades.md: no dispatcher begins, batch
#                                      migrates, then the services are replaced one by one. OWNTAG: batch and balsong with your own texts and policy, built
#                                      from TAG. Each change set is shown first; one that would replace or remove anything but a task definition is not
#                                      executed (exit 1). Until batch has migrated, the template is the one that the stack has. What `balsong run schedule` has made is disabled meanwhile too, and told.
# BALSONG_NAME: the installation (balsong). STACK_ROLE: ARN of the role that CloudFormation takes; without it the caller's. SCHEDULE: ENABLED or DISABLED, the state of
# the schedule afterwards; without it ENABLED, as it has to be before. ALSO: names of disabled schedules that are enabled afterwards. PAUSE: seconds between two
# looks (10). Needs jq.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${BALSONG_NAME:-balsong} stack=${BALSONG_NAME:-balsong}-services
[[ $# =~ ^[12]$ && ${1-} =~ ^[A-Za-z0-9._-]+$ && ${2-$1} =~ ^[A-Za-z0-9._-]+$ && ${SCHEDULE:-ENABLED} =~ ^(EN|DIS)ABLED$ ]] || { sed -n '2,8s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
tag=$1 own=${2-} again="$0 $*" also=${ALSO-}

parameter() { aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Parameters[?ParameterKey=='$1'].ParameterValue" --output text; }
schedule=${SCHEDULE:-$(parameter ScheduleState)}
# An upgrade that broke off leaves it DISABLED: whoever runs this again must say what it was.
[ "$schedule" = "${SCHEDULE:-ENABLED}" ] || { echo "the schedule is $schedule: say what it is to be afterwards, as in SCHEDULE=ENABLED $again" >&2; exit 2; }
now=$(parameter OwnTag)
[ -z "$now" ] || [ -n "$own" ] || { echo "batch and balsong are images of your own ($now): build them from $tag, push them, and give their tag: $again OWNTAG" >&2; exit 2; }

# change WHAT TEMPLATE PARAMETER=VALUE …: what is not named keeps its value.
change() {
  local what=$1 template=$2 said set changes role=(); shift 2
  [ -z "${STACK_ROLE-}" ] || role=(--role-arn "$STACK_ROLE")
  said=$(aws cloudformation deploy --stack-name "$stack" --template-file "$template" --no-execute-changeset --no-fail-on-empty-changeset --tags "installation=$name" \
    ${role[@]+"${role[@]}"} --parameter-overrides "Name=$name" "$@")
  set=$(grep -oE 'arn:[^ ]*:changeSet/[^ ]+' <<<"$said") || { echo "== $what: nothing to change"; return; }
  changes=$(aws cloudformation describe-change-set --change-set-name "$set" --output json)
  echo "== $what"
  jq -r '.Changes[].ResourceChange | [.Action, .ResourceType, .LogicalResourceId, "replacement: \(.Replacement // "none")"] | @tsv' <<<"$changes"
  if jq -e '[.Changes[].ResourceChange | select(.ResourceType != "AWS::ECS::TaskDefinition" and (.Action == "Remove" or .Replacement == "True"))] | length > 0' <<<"$changes" >/dev/null; then
    echo "not executed: it would replace or remove what is in use. Look at it, and execute the change set by hand where it is meant: $set" >&2
    exit 1
  fi
  aws cloudformation execute-change-set --change-set-name "$set"
  aws cloudformation wait stack-update-complete --stack-name "$stack"
}

# What people scheduled with `balsong run schedule`: the documents of the group's schedules beside the stack's own, a line each.
scheduled() {
  local names one
  names=$(aws scheduler list-schedules --group-name "$name" --query "Schedules[?Name!='dispatch' && Name!='dispatch-exactly'].Name" --output text) || return
  for one in $names; do
    aws scheduler get-schedule --group-name "$name" --name "$one" --output json | jq -c . || return
  done
}
# switch STATE SCHEDULE: the whole document goes back, as UpdateSchedule sets to its default what it is not given.
switch() { aws scheduler update-schedule --cli-input-json "$(jq -c --arg state "$1" 'del(.Arn, .CreationDate, .LastModificationDate) + {State: $state}' <<<"$2")" >/dev/null; }
among() { [[ " $also " == *" $1 "* ]]; }
# hold disables them, and remembers which.
hold() {
  local all one id
  all=$(scheduled)
  while read -r one; do
    [ -n "$one" ] || continue
    id=$(jq -r .Name <<<"$one")
    among "$id" || [ "$(jq -r .State <<<"$one")" = ENABLED ] || { echo "$id is disabled, and stays so"; continue; }
    among "$id" || also=${also:+$also }$id
    jq -r '"\(.Name), \(.ScheduleExpression) in \(.ScheduleExpressionTimezone), is disabled until the services are replaced"' <<<"$one"
    switch DISABLED "$one"
  done <<<"$all"
}
# release enables them again, but for those whose time has passed.
release() {
  local all one due
  all=$(scheduled)
  while read -r one; do
    [ -n "$one" ] && among "$(jq -r .Name <<<"$one")" || continue
    due=$(jq -r '.ScheduleExpression | select(startswith("at(")) | .[3:-1]' <<<"$one")
    if [[ -n $due && $due < $(TZ=$(jq -r .ScheduleExpressionTimezone <<<"$one") date +%Y-%m-%dT%H:%M:%S) ]]; then
      jq -r '"\(.Name) is past its time and stays disabled: `balsong run unschedule \(.Name)`, then `balsong run start` (\(.Description))"' <<<"$one" >&2
    else
      switch ENABLED "$one"
    fi
  done <<<"$all"
}

before=$(mktemp)
trap 'rm -f "$before"' EXIT
aws cloudformation get-template --stack-name "$stack" --query TemplateBody --output text >"$before"
change "no dispatcher begins, and batch is the new one" "$before" "BatchImageTag=${own:-$tag}" ScheduleState=DISABLED
rm -f "$before"
trap 'echo "it broke off, and the schedule is DISABLED. Once the cause is gone: SCHEDULE=$schedule${also:+ ALSO=\"$also\"} $again" >&2' EXIT
hold
for task in dispatcher batch; do
  while running=$(aws ecs list-tasks --cluster "$name" --family "$name-$task" --query taskArns --output text) || exit 1; [ -n "$running" ]; do
    echo "a $task is under way"
    sleep "${PAUSE:-10}"
  done
done
BALSONG_NAME=$name "$here/run.sh" batch migrate || { echo "it did not migrate: the services are the old ones" >&2; exit 1; }
change "the services" "$here/services.yaml" "ImageTag=$tag" ${own:+"OwnTag=$own"} BatchImageTag= "ScheduleState=$schedule"
release
trap - EXIT
