#!/usr/bin/env bash
# deploy/aws/run.sh TASK [ARGUMENT …]   runs one task (setup, batch, dispatcher, balsong) and waits for its end; shows what it says, and ends with its exit code.
#                                       As in: run.sh batch migrate · run.sh balsong status
# BALSONG_NAME: the installation (balsong). TASK_CPU, TASK_MEMORY: more than the task definition has, for this run. DATABASE_ADDRESS: of a restored database that
# nothing else may reach yet (docs/operations/restore.md), for batch and balsong. PAUSE: seconds between two looks (10). Needs jq.
set -euo pipefail
name=${BALSONG_NAME:-balsong}
case ${1-} in setup | batch | dispatcher | balsong) ;; *) sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;; esac
task=$1; shift
[ -z "${DATABASE_ADDRESS-}" ] || [[ $task =~ ^(batch|balsong)$ ]] || { echo "DATABASE_ADDRESS names a database for batch and balsong alone, until it is checked" >&2; exit 2; }

exported() { aws cloudformation list-exports --query "Exports[?Name=='$name-$1'].Value" --output text; }
subnets=$(exported PrivateSubnets) && group=$(exported TaskGroup)
[ -n "$subnets" ] && [ -n "$group" ] || { echo "there is no network of $name: are AWS_REGION and BALSONG_NAME right?" >&2; exit 1; }
network=$(jq -cn --arg subnets "$subnets" --arg group "$group" \
  '{awsvpcConfiguration: {subnets: ($subnets | split(",")), securityGroups: [$group], assignPublicIp: "DISABLED"}}')
# Who acts, where no --actor says it: the task itself is nobody.
actor=$(aws sts get-caller-identity --query Arn --output text 2>/dev/null) || actor=
overrides=$(jq -cn --arg task "$task" --arg actor "${actor##*/}" --arg cpu "${TASK_CPU:-}" --arg memory "${TASK_MEMORY:-}" --arg database "${DATABASE_ADDRESS:-}" \
  '{containerOverrides: [{name: $task} + (if ($ARGS.positional | length) > 0 then {command: $ARGS.positional} else {} end)
     + ([if $database != "" then {name: "DATABASE_URL", value: "postgres://balsong@\($database):5432/balsong?sslmode=verify-full"} else empty end,
        if $actor != "" and ($task == "batch" or $task == "balsong") then {name: "USER", value: $actor}, {name: "HOME", value: "/"} else empty end]
       | if length > 0 then {environment: .} else {} end)]}
   + (if $cpu != "" then {cpu: $cpu} else {} end) + (if $memory != "" then {memory: $memory} else {} end)' --args -- "$@")

# A token of its own, so that the CLI's retry of a request starts nothing twice.
arn=$(aws ecs run-task --cluster "$name" --task-definition "$name-$task" --launch-type FARGATE --network-configuration "$network" \
  --overrides "$overrides" --client-token "$(date +%s)-$$" --started-by "run.sh" --query 'tasks[0].taskArn' --output text)
[[ $arn == arn:* ]] || { echo "it was not started (is the task definition $name-$task there, and capacity?)" >&2; exit 1; }
id=${arn##*/} stream=$task/$task/${arn##*/} token=
echo "task $id runs; its log: /$name/$task $stream" >&2

# said prints what the task has said since the last look, page by page: no line twice, and none left out.
said() {
  local page next
  while page=$(aws logs get-log-events --log-group-name "/$name/$task" --log-stream-name "$stream" --start-from-head ${token:+--next-token "$token"} --output json); do
    jq -r '.events[].message' <<<"$page"
    next=$(jq -r .nextForwardToken <<<"$page")
    [ "$next" != "$token" ] || return 0
    token=$next
  done
  return 1
}
trap 'echo "it is not waited for any more: task $id goes on until it ends, or by aws ecs stop-task --cluster $name --task $id. Its log: aws logs tail /$name/$task --log-stream-names $stream --follow" >&2' EXIT
while status=$(aws ecs describe-tasks --cluster "$name" --tasks "$arn" --query 'tasks[0].lastStatus' --output text) || exit 1; [ "$status" != STOPPED ]; do
  [ "$status" != None ] || { echo "ECS knows task $id no more" >&2; exit 1; }
  said 2>/dev/null || true # there is no log before it has begun
  sleep "${PAUSE:-10}"
done
trap - EXIT
said || echo "its log cannot be read" >&2
answer=$(aws ecs describe-tasks --cluster "$name" --tasks "$arn" --query "tasks[0].{code: containers[?name=='$task'] | [0].exitCode, why: stoppedReason}" --output json)
code=$(jq -r '.code // empty' <<<"$answer")
[ -n "$code" ] || { echo "it did not start: $(jq -r .why <<<"$answer")" >&2; exit 1; }
exit "$code"
