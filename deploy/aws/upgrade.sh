#!/usr/bin/env bash
# deploy/aws/upgrade.sh TAG [OWNTAG]   moves the stack of services to the images TAG, in the order of docs/operations/upgrades.md: no dispatcher begins, batch
#                                      migrates, then the services are replaced one by one. OWNTAG: batch and balsong with your own texts and policy, built
#                                      from TAG. All images must be there. Each change set is shown first; one that would replace or remove anything but a task
#                                      definition is not executed (exit 1). Until batch has migrated, the template is the one that the stack has. What
#                                      `balsong run schedule` has made is disabled meanwhile too, and told. At its end it deploys the alarms.
# deploy/aws/upgrade.sh --back         after an upgrade that broke off: gives the old version its schedule back, and what people scheduled (SCHEDULE, ALSO)
# BALSONG_NAME: the installation (balsong). STACK_ROLE: ARN of the role that CloudFormation takes; without it the caller's; with it the alarms are left to a person.
# SCHEDULE: ENABLED or DISABLED, the state of the schedule afterwards; without it ENABLED, as it has to be before. ALSO: names of disabled schedules that are
# enabled afterwards. PATIENCE: seconds that tasks under way are waited for (3600). PAUSE: seconds between two looks (10). Needs jq.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${BALSONG_NAME:-balsong} stack=${BALSONG_NAME:-balsong}-services
usage() { sed -n '2,10s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
[[ $# =~ ^[12]$ && $1 =~ ^(--back|[A-Za-z0-9_][A-Za-z0-9._-]*)$ && ${2-$1} =~ ^[A-Za-z0-9._-]+$ && ${SCHEDULE:-ENABLED} =~ ^(EN|DIS)ABLED$ ]] || usage
[ "$1" != --back ] || { [ $# = 1 ] && [ -n "${SCHEDULE-}" ]; } || usage
tag=$1 own=${2-} again="$0 $*" also=${ALSO-}

parameter() { aws cloudformation describe-stacks --stack-name "$name-$1" --query "Stacks[0].Parameters[?ParameterKey=='$2'].ParameterValue" --output text; }

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
  aws cloudformation wait stack-update-complete --stack-name "$stack" || { failed; exit 1; }
}
# unchanged WHAT PARAMETER=VALUE …: the same, with the template that the stack has.
unchanged() {
  aws cloudformation get-template --stack-name "$stack" --query TemplateBody --output text >"$before"
  change "$1" "$before" "${@:2}"
}
# failed says why the change failed, and what to do where AWS could not even take it back.
failed() {
  local status
  status=$(aws cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackStatus' --output text) || return 0
  aws cloudformation describe-stack-events --stack-name "$stack" --max-items 100 --output text --query "StackEvents[?ends_with(ResourceStatus, '_FAILED')
    && !contains(not_null(ResourceStatusReason, ''), 'cancelled')].[Timestamp, LogicalResourceId, ResourceStatusReason]" >&2 || true
  echo "$stack is $status" >&2
  [ "$status" != UPDATE_ROLLBACK_FAILED ] || echo "correct what is named above, then: aws cloudformation continue-update-rollback --stack-name $stack" >&2
}

# images: delivery has no task between months, so that a tag which is not there would be found when it is needed.
images() {
  local image wanted said missing=
  for image in batch dispatcher delivery balsong; do
    case $image in batch | balsong) wanted=${own:-$tag} ;; *) wanted=$tag ;; esac
    said=$(aws ecr describe-images --repository-name "$name/$image" --image-ids "imageTag=$wanted" --query 'imageDetails[0].imageDigest' --output text 2>&1) && continue
    [[ $said == *ImageNotFound* ]] || { echo "$said" >&2; exit 1; }
    missing="$missing $name/$image:$wanted"
  done
  [ -z "$missing" ] || { echo "nothing was changed: these images are not there, push them first:$missing" >&2; exit 1; }
}

# quiet waits until no task is under way that the migration may not meet. A run that lingers does not end by itself.
quiet() {
  local task running shown="" now until=$((SECONDS + ${PATIENCE:-3600}))
  for task in dispatcher batch balsong; do
    while running=$(aws ecs list-tasks --cluster "$name" --family "$name-$task" --query taskArns --output text) || exit 1; [ -n "$running" ]; do
      # shellcheck disable=SC2086 # a word each
      now=$(aws ecs describe-tasks --cluster "$name" --tasks $running --query 'tasks[].[createdAt, taskArn]' --output text)
      [ "$now" = "$shown" ] || awk -v task="$task" '{ print "a " task " is under way since " $1 ": " $2 }' <<<"$now"
      shown=$now
      if [ "$SECONDS" -ge "$until" ]; then
        echo "waited for long enough. What may not be waited for ends in order, and is safe to repeat:" >&2
        for running in $running; do echo "  aws ecs stop-task --cluster $name --task ${running##*/}" >&2; done
        exit 1
      fi
      sleep "${PAUSE:-10}"
    done
  done
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

# broke says how to continue, and how to go back.
broke() {
  local how="SCHEDULE=$schedule${also:+ ALSO=\"$also\"}"
  echo "it broke off, and the schedule is DISABLED. Once the cause is gone: $how $again" >&2
  [ "$tag" = --back ] || echo "or, to continue with the old version (docs/operations/upgrades.md, \"Going back\"): $how $0 --back" >&2
}

schedule=${SCHEDULE:-$(parameter services ScheduleState)}
# An upgrade that broke off leaves it DISABLED: whoever runs this again must say what it was.
[ "$schedule" = "${SCHEDULE:-ENABLED}" ] || { echo "the schedule is $schedule: say what it is to be afterwards, as in SCHEDULE=ENABLED $again" >&2; exit 2; }
before=$(mktemp)
trap 'rm -f "$before"' EXIT
if [ "$tag" = --back ]; then
  trap 'rm -f "$before"; broke' EXIT
  unchanged "the schedule of the old version" "ScheduleState=$schedule"
  release
  trap 'rm -f "$before"' EXIT
  batch=$(parameter services BatchImageTag)
  [ -z "$batch" ] || echo "batch stays $batch, as an older one may not run on a schema that it migrated. Where it did not migrate: $here/deploy.sh services BatchImageTag="
  exit
fi
now=$(parameter services OwnTag)
[ -z "$now" ] || [ -n "$own" ] || { echo "batch and balsong are images of your own ($now): build them from $tag, push them, and give their tag: $again OWNTAG" >&2; exit 2; }
images
unchanged "no dispatcher begins, and batch is the new one" "BatchImageTag=${own:-$tag}" ScheduleState=DISABLED
trap 'rm -f "$before"; broke' EXIT
hold
quiet
BALSONG_NAME=$name "$here/run.sh" batch migrate || { echo "it did not migrate: the services are the old ones" >&2; exit 1; }
change "the services" "$here/services.yaml" "ImageTag=$tag" ${own:+"OwnTag=$own"} BatchImageTag= "ScheduleState=$schedule"
release
trap 'rm -f "$before"' EXIT
if [ -n "${STACK_ROLE-}" ]; then
  echo "the alarms are those of before: deploy/aws/deploy.sh alarms, by somebody who may"
elif parameter alarms Name >/dev/null 2>&1; then
  BALSONG_NAME=$name "$here/deploy.sh" alarms || { echo "the services are the new ones, and the alarms those of before: deploy/aws/deploy.sh alarms" >&2; exit 1; }
fi
