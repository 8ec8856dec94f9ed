#!/usr/bin/env bash
# deploy/aws/verify.sh [--act]   checks in a real account what cannot be tested without one. A line a check: PASS, FAIL or SKIPPED, its name, what was seen.
#                                Without --act it changes nothing. With it, it starts and stops a task of delivery, lets an alarm ring, and fails
#                                the database over: not while a month goes out. Exit 0: no FAIL. 1: some. 2: wrong arguments.
# BALSONG_NAME: the installation (balsong). PATIENCE: seconds that something may take to be seen (600). PAUSE: between two looks (15). Needs jq.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${BALSONG_NAME:-balsong} patience=${PATIENCE:-600} pause=${PAUSE:-15} act=
case ${1-} in '') ;; --act) act=yes ;; *) sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;; esac
failed=0

pass() { printf 'PASS    %-28s %s\n' "$1" "${2-}"; }
fail() { printf 'FAIL    %-28s %s\n' "$1" "${2-}"; failed=1; }
skip() { printf 'SKIPPED %-28s %s\n' "$1" "${2-}"; }
# same CHECK WANTED SEEN
same() { if [ "$2" = "$3" ]; then pass "$1" "$3"; else fail "$1" "${3:-nothing}, wanted $2"; fi; }
# soon CHECK WANTED COMMAND …: what the command prints becomes WANTED (an extended regular expression) within the patience.
soon() {
  local check=$1 wanted=$2 began=$SECONDS seen=; shift 2
  while :; do
    seen=$("$@")
    [[ $seen =~ ^($wanted)$ ]] && { pass "$check" "$seen after $((SECONDS - began)) s"; return 0; }
    [ $((SECONDS - began)) -ge "$patience" ] && { fail "$check" "${seen:-nothing} after $((SECONDS - began)) s, wanted $wanted"; return 1; }
    sleep "$pause"
  done
}
ago() { date -u -d "@$(($(date +%s) - $1))" +%Y-%m-%dT%H:%M:%SZ; }
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
# points SECONDS NAMESPACE METRIC STATISTIC DIMENSION …: the statistic over the last seconds; None where there is no point.
points() {
  local seconds=$1 namespace=$2 metric=$3 statistic=$4; shift 4
  aws cloudwatch get-metric-statistics --namespace "$namespace" --metric-name "$metric" --statistics "$statistic" --dimensions "$@" \
    --start-time "$(ago "$seconds")" --end-time "$(now)" --period "$seconds" --query "max(Datapoints[].$statistic)" --output text
}

stacks() {
  local stack
  for stack in network data access services alarms; do
    same "stack $stack" complete "$(aws cloudformation describe-stacks --stack-name "$name-$stack" --query 'Stacks[0].StackStatus' --output text |
      sed -E 's/^(CREATE|UPDATE)_COMPLETE$/complete/')"
  done
}

database() {
  same "database" "available True True True" "$(aws rds describe-db-instances --db-instance-identifier "$name" \
    --query 'DBInstances[0].[DBInstanceStatus,MultiAZ,IAMDatabaseAuthenticationEnabled,DeletionProtection]' --output text | tr '\t' ' ')"
}

kafka() {
  local cluster
  cluster=$(exported Kafka)
  [ -n "$cluster" ] || { fail "kafka" "$name-data exports no cluster"; return; }
  same "kafka" ACTIVE "$(aws kafka describe-cluster-v2 --cluster-arn "$cluster" --query ClusterInfo.State --output text)"
  same "kafka brokers" "$(aws kafka get-bootstrap-brokers --cluster-arn "$cluster" --query BootstrapBrokerStringSaslIam --output text)" \
    "$(aws ssm get-parameter --name "/$name/kafka-brokers" --query Parameter.Value --output text)"
}

storage() {
  local bucket
  bucket=$(exported Bucket)
  same "bucket is private" "True True True True" "$(aws s3api get-public-access-block --bucket "${bucket:-none}" \
    --query 'PublicAccessBlockConfiguration.[BlockPublicAcls,IgnorePublicAcls,BlockPublicPolicy,RestrictPublicBuckets]' --output text | tr '\t' ' ')"
  same "bucket is encrypted" aws:kms "$(aws s3api get-bucket-encryption --bucket "${bucket:-none}" \
    --query 'ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm' --output text)"
}

secrets() { # that there is a value, never which
  local secret
  for secret in keyset providers; do
    same "secret $secret" AWSCURRENT "$(aws secretsmanager list-secret-version-ids --secret-id "$name/$secret" \
      --query "Versions[?contains(VersionStages, 'AWSCURRENT')].VersionStages[] | [0]" --output text)"
  done
}

services() {
  local service
  for service in delivery settlement; do
    same "service $service" "COMPLETED true" "$(aws ecs describe-services --cluster "$name" --services "$service" --output json |
      jq -r '.services[0] // {} | "\(.deployments[0].rolloutState) \(.runningCount == .desiredCount)"')"
  done
  same "scaling of delivery" "StepScaling TargetTrackingScaling" "$(aws application-autoscaling describe-scaling-policies --service-namespace ecs \
    --resource-id "service/$name/delivery" --query 'sort(ScalingPolicies[].PolicyType)' --output text | tr '\t' ' ')"
}

schedule() {
  local state
  state=$(aws scheduler get-schedule --group-name "$name" --name dispatch --query State --output text)
  if [ "$state" = DISABLED ]; then
    skip "schedule fires" "it is DISABLED"
  else
    same "schedule" ENABLED "$state"
    if [[ $(points 10800 AWS/Scheduler InvocationAttemptCount Sum "Name=ScheduleGroup,Value=$name") =~ ^[1-9] ]]; then
      pass "schedule fires" "in the last 3 hours"
    else
      fail "schedule fires" "no start in the last 3 hours"
    fi
  fi
  local waiting # SQS writes this number while the queue is used, and for some hours afterwards
  waiting=$(points 10800 AWS/SQS ApproximateNumberOfMessagesVisible Maximum "Name=QueueName,Value=$name-not-started")
  if [[ $waiting =~ ^(None|0(\.0)?)$ ]]; then pass "no start failed"; else fail "no start failed" "${waiting:-nothing} in the queue $name-not-started"; fi
}

metrics() {
  local metric
  for metric in balsong_delivery_lag_messages balsong_delivery_backlog_per_task; do
    if [[ $(points 600 Balsong "$metric" Maximum "Name=Installation,Value=$name" Name=Service,Value=settlement) =~ ^[0-9] ]]; then
      pass "metric arrives" "$metric"
    else
      fail "metric arrives" "no $metric in 10 minutes"
    fi
  done
}

alarms() {
  local states
  states=$(aws cloudwatch describe-alarms --alarm-name-prefix "$name-" --query 'MetricAlarms[].[AlarmName,StateValue]' --output text)
  [ -n "$states" ] || { fail "alarms" "there is none"; return; }
  if grep -q 'ALARM$' <<<"$states"; then fail "alarms" "$(awk '$2 == "ALARM" { printf "%s ", $1 }' <<<"$states")"; else pass "alarms" "$(wc -l <<<"$states") alarms, none rings"; fi
}

exported() { aws cloudformation list-exports --query "Exports[?Name=='$name-$1'].Value" --output text; }
# shellcheck disable=SC2317,SC2329 # soon calls these
state_of() { aws cloudwatch describe-alarms --alarm-names "$1" --query 'MetricAlarms[0].StateValue' --output text; }
# shellcheck disable=SC2317,SC2329
running() { aws ecs describe-services --cluster "$name" --services delivery --query 'services[0].runningCount' --output text; }
wanted() { aws ecs describe-services --cluster "$name" --services delivery --query 'services[0].desiredCount' --output text; }

# An alarm that is set by hand tells its topic, and the next evaluation sets it back by what is true.
alarm_rings() {
  local alarm
  alarm=$(aws cloudwatch describe-alarms --alarm-name-prefix "$name-" --query "MetricAlarms[?AlarmName!='$name-first-task' && StateValue=='OK'].AlarmName | [0]" --output text)
  [[ $alarm =~ ^(None)?$ ]] && { fail "alarm rings" "no alarm is OK"; return; }
  aws cloudwatch set-alarm-state --alarm-name "$alarm" --state-value ALARM --state-reason "verify.sh" || { fail "alarm rings" "$alarm"; return; }
  soon "alarm $alarm" ALARM state_of "$alarm" && soon "alarm $alarm ends" OK state_of "$alarm"
}

# The true number, none, is published by settlement; the higher one counts. So the first task is wanted, and comes.
scales_out() {
  [ "$(wanted)" = 0 ] || { skip "scale-out from none" "delivery has tasks"; return; }
  aws cloudwatch put-metric-data --namespace Balsong --metric-name balsong_delivery_lag_messages --dimensions "Installation=$name,Service=settlement" --value 1 || { fail "scale-out from none"; return; }
  soon "scale-out from none" '[1-9][0-9]*' wanted && soon "first task runs" '[1-9][0-9]*' running
}

# A task that is stopped ends by itself, with 0, within its stop timeout.
stop_drains() {
  local task stopped
  task=$(aws ecs list-tasks --cluster "$name" --service-name delivery --desired-status RUNNING --query 'taskArns[0]' --output text)
  [[ $task == arn:* ]] || { skip "stop drains" "no delivery task runs"; return; }
  aws ecs stop-task --cluster "$name" --task "$task" --reason "verify.sh" --query task.taskArn --output text >/dev/null || { fail "stop drains"; return; }
  aws ecs wait tasks-stopped --cluster "$name" --tasks "$task"
  stopped=$(aws ecs describe-tasks --cluster "$name" --tasks "$task" --query "tasks[0].containers[?name=='delivery'] | [0].exitCode" --output text)
  same "stop drains" 0 "$stopped"
}

# What the database had before a failover it has afterwards.
failover() {
  local before after
  before=$("$here/run.sh" balsong status --output json 2>/dev/null | count) || { fail "failover" "balsong status gave no answer"; return; }
  aws rds reboot-db-instance --db-instance-identifier "$name" --force-failover --query DBInstance.DBInstanceStatus --output text >/dev/null || { fail "failover"; return; }
  sleep "$pause"
  soon "database is back" available aws rds describe-db-instances --db-instance-identifier "$name" --query 'DBInstances[0].DBInstanceStatus' --output text || return
  after=$("$here/run.sh" balsong status --output json 2>/dev/null | count) || { fail "failover" "balsong status gave no answer afterwards"; return; }
  if [ "$after" -ge "$before" ]; then pass "failover loses nothing" "$before deliveries before, $after after"; else fail "failover loses nothing" "$before deliveries before, $after after"; fi
}
count() { jq -e '[.months[]?.dispatch.SUCCEEDED // 0] | add // 0'; }

stacks; database; kafka; storage; secrets; services; schedule; metrics; alarms
if [ -n "$act" ]; then
  alarm_rings; scales_out; stop_drains; failover
else
  for check in "alarm rings" "scale-out from none" "stop drains" "failover loses nothing"; do skip "$check" "needs --act"; done
fi
exit $failed
