#!/usr/bin/env bash
# deploy/aws/upgrade.sh TAG [OWNTAG]   moves the stack of services to the images TAG, in the order of docs/operations/upgrades.md: no dispatcher begins, batch
#                                      migrates, then the services are replaced one by one. OWNTAG: batch and balsong with your own texts and policy, built
#                                      from TAG. Each change set is shown first; one that would replace or remove anything but a task definition is not
#                                      executed (exit 1).
# BALSONG_NAME: the installation (balsong). STACK_ROLE: ARN of the role that CloudFormation takes; without it the caller's. SCHEDULE: ENABLED or DISABLED, the state of
# the schedule afterwards; without it ENABLED, as it has to be before. PAUSE: seconds between two looks (10). Needs jq.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${BALSONG_NAME:-balsong} stack=${BALSONG_NAME:-balsong}-services
[[ $# =~ ^[12]$ && ${1-} =~ ^[A-Za-z0-9._-]+$ && ${2-$1} =~ ^[A-Za-z0-9._-]+$ && ${SCHEDULE:-ENABLED} =~ ^(EN|DIS)ABLED$ ]] || { sed -n '2,7s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
tag=$1 own=${2-} again="$0 $*"

parameter() { aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Parameters[?ParameterKey=='$1'].ParameterValue" --output text; }
schedule=${SCHEDULE:-$(parameter ScheduleState)}
# An upgrade that broke off leaves it DISABLED: whoever runs this again must say what it was.
[ "$schedule" = "${SCHEDULE:-ENABLED}" ] || { echo "the schedule is $schedule: say what it is to be afterwards, as in SCHEDULE=ENABLED $again" >&2; exit 2; }
now=$(parameter OwnTag)
[ -z "$now" ] || [ -n "$own" ] || { echo "batch and balsong are images of your own ($now): build them from $tag, push them, and give their tag: $again OWNTAG" >&2; exit 2; }

# change WHAT PARAMETER=VALUE …: what is not named keeps its value.
change() {
  local what=$1 said set changes role=(); shift
  [ -z "${STACK_ROLE-}" ] || role=(--role-arn "$STACK_ROLE")
  said=$(aws cloudformation deploy --stack-name "$stack" --template-file "$here/services.yaml" --no-execute-changeset --no-fail-on-empty-changeset --tags "installation=$name" \
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

change "no dispatcher begins, and batch is the new one" "BatchImageTag=${own:-$tag}" ScheduleState=DISABLED
trap 'echo "it broke off, and the schedule is DISABLED. Once the cause is gone: SCHEDULE=$schedule $again" >&2' EXIT
for task in dispatcher batch; do
  while running=$(aws ecs list-tasks --cluster "$name" --family "$name-$task" --query taskArns --output text) || exit 1; [ -n "$running" ]; do
    echo "a $task is under way"
    sleep "${PAUSE:-10}"
  done
done
BALSONG_NAME=$name "$here/run.sh" batch migrate || { echo "it did not migrate: the services are the old ones" >&2; exit 1; }
change "the services" "ImageTag=$tag" ${own:+"OwnTag=$own"} BatchImageTag= "ScheduleState=$schedule"
trap - EXIT
