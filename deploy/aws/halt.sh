#!/usr/bin/env bash
# deploy/aws/halt.sh --reason WHY [--actor WHO]   the fastest stop: takes delivery's tasks away while `balsong halt` starts, and gives them back to scaling once
#                                                 everything is halted. A task calls no gateway from the moment it is told to stop; what was under way ends.
#                                                 `run.sh balsong resume --reason …` goes on.
# deploy/aws/halt.sh --release                    gives delivery's tasks back to scaling, where a halt that broke off has taken them away and none was set
# BALSONG_NAME: the installation (balsong). Needs jq.
set -euo pipefail
unset DATABASE_ADDRESS # of a restored database: what sends is halted, not that
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${BALSONG_NAME:-balsong}
[ "${1-}" = --reason ] || [ "$*" = --release ] || { sed -n '2,6s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }

# scaling SUSPENDED: whether scaling may change the number of tasks.
scaling() {
  aws application-autoscaling register-scalable-target --service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id "service/$name/delivery" \
    --suspended-state "DynamicScalingInSuspended=$1,DynamicScalingOutSuspended=$1,ScheduledScalingSuspended=$1" >/dev/null
}

# release gives the tasks back to scaling, unless the stack itself has it suspended, as a restore does.
release() {
  local state
  state=$(aws cloudformation describe-stacks --stack-name "$name-services" --query "Stacks[0].Parameters[?ParameterKey=='ScalingState'].ParameterValue" --output text) || return
  [ "$state" != SUSPENDED ] || { echo "scaling stays suspended, as the stack $name-services has it" >&2; return 0; }
  scaling false
}
[ "$1" != --release ] || { release; exit; }

stopped=true delivery="delivery's tasks are taken away, and none starts"
scaling true && aws ecs update-service --cluster "$name" --service delivery --desired-count 0 --query 'service.desiredCount' --output text >/dev/null ||
  { stopped=false delivery="DELIVERY GOES ON SENDING"; echo "delivery's tasks could not be taken away: the halt alone stops them" >&2; }
trap 'echo "it is not known whether everything is halted; $delivery. Are the session, AWS_REGION and BALSONG_NAME right? Do it again: $(printf "%q " "$0" "$@"); $0 --release gives the tasks back without a halt" >&2' EXIT
BALSONG_NAME=$name "$here/run.sh" balsong halt "$@"
trap 'echo "everything is halted, and no delivery task starts, after a resume neither, until $0 --release" >&2' EXIT
release
trap - EXIT
[ "$stopped" = true ] || echo "delivery runs, and calls no gateway" >&2
