#!/usr/bin/env bash
# deploy/aws/verify.sh [--act]   checks in a real account what cannot be tested without one. A line a check: PASS, FAIL or SKIPPED, its name, what was seen.
#                                Without --act it changes nothing. With it, it starts and stops a task of delivery, lets an alarm of each topic ring, and
#                                fails the database over: not while a month goes out. Exit 0: no FAIL. 1: some. 2: wrong arguments, or nobody is signed in.
# BALSONG_NAME: the installation (balsong). DATABASE: the server (as the installation). PATIENCE: seconds that something
# may take to be seen (600). PAUSE: between two looks (15). Needs jq.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${BALSONG_NAME:-balsong} database=${DATABASE:-${BALSONG_NAME:-balsong}} patience=${PATIENCE:-600} pause=${PAUSE:-15} act=
case ${1-} in '') ;; --act) act=yes ;; *) sed -n '2,6s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;; esac
failed=0
aws sts get-caller-identity >/dev/null || { echo "nothing was checked: AWS does not know who asks" >&2; exit 2; }

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
ago() { jq -rn --argjson seconds "$1" 'now - $seconds | floor | todate'; } # not by date, whose options differ between systems
# since TIME: how many seconds ago that was, as AWS writes times, with an offset or without one.
since() {
  jq -ern --arg time "$1" '$time | capture("^(?<day>[0-9-]{10}T[0-9:]{8})(\\.[0-9]+)?(Z|(?<sign>[+-])(?<hours>[0-9]{2}):(?<minutes>[0-9]{2}))$")
    | (now - ((.day + "Z") | fromdate) + (if .sign then ([.hours, .minutes] | map(tonumber) | .[0] * 3600 + .[1] * 60) * (if .sign == "-" then -1 else 1 end) else 0 end)) | floor'
}
# points SECONDS NAMESPACE METRIC STATISTIC DIMENSION …: the statistic over the last seconds; None where there is no point.
points() {
  local seconds=$1 namespace=$2 metric=$3 statistic=$4; shift 4
  aws cloudwatch get-metric-statistics --namespace "$namespace" --metric-name "$metric" --statistics "$statistic" --dimensions "$@" \
    --start-time "$(ago "$seconds")" --end-time "$(ago 0)" --period "$seconds" --query "max(Datapoints[].$statistic)" --output text
}

stacks() {
  local stack
  for stack in network data access services alarms; do
    same "stack $stack" complete "$(aws cloudformation describe-stacks --stack-name "$name-$stack" --query 'Stacks[0].StackStatus' --output text |
      sed -E 's/^(CREATE|UPDATE)_COMPLETE$/complete/')"
  done
}

database() {
  same "database" "available True True True" "$(aws rds describe-db-instances --db-instance-identifier "$database" \
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

# parameters STACK NAME …: the values of a stack's parameters, those without one left out.
parameters() {
  local stack=$1 wanted; shift
  wanted=$(printf "'%s'," "$@")
  aws cloudformation describe-stacks --stack-name "$name-$stack" --output text \
    --query "Stacks[0].Parameters[?contains([${wanted%,}], ParameterKey) && ParameterValue!=''].join('=', [ParameterKey, ParameterValue])" | tr '\t' ' '
}

# gateways: the further variables of gateways; nothing where there are none.
gateways() {
  [ "$(parameters services GatewaySettings)" != GatewaySettings=parameter ] || aws ssm get-parameter --name "/$name/gateways" --query Parameter.Value --output text
}

# settings: the parameter of the gateways' variables is readable by whoever may list parameters. Names alone are shown.
settings() {
  local text literal
  text=$(gateways)
  [ -n "$text" ] || { skip "settings of gateways" "there are none"; return; }
  literal=$(grep -E '^[[:space:]]*[A-Z0-9_]*(PASSWORD|SECRETS?|TOKEN|KEY|CREDENTIALS)[[:space:]]*=[[:space:]]*[^[:space:]]' <<<"$text" |
    grep -vE '=[[:space:]]*(secretsmanager|ssm):' | cut -d= -f1 | tr -d ' \t' | tr '\n' ' ' || true)
  if [ -z "$literal" ]; then pass "settings of gateways" "no secret stands in them"; else fail "settings of gateways" "these stand in /$name/gateways, which is not encrypted: ${literal% }"; fi
}

secrets() { # that there is a value, never which
  local secret
  for secret in keyset providers; do
    if [ "$secret" = providers ] && [ -z "$(parameters services SmtpUser SmsUrl PushUrl)" ] && ! gateways | grep -qF "secretsmanager:$name/providers#"; then
      skip "secret providers" "no gateway needs one"
      continue
    fi
    same "secret $secret" AWSCURRENT "$(aws secretsmanager list-secret-version-ids --secret-id "$name/$secret" \
      --query "Versions[?contains(VersionStages, 'AWSCURRENT')].VersionStages[] | [0]" --output text)"
  done
}

network() {
  same "flow log" "ACTIVE None" "$(aws ec2 describe-flow-logs --filter "Name=log-group-name,Values=/$name/network" \
    --query 'FlowLogs[0].[FlowLogStatus,DeliverLogsErrorMessage]' --output text | tr '\t' ' ')"
}

services() {
  local service
  for service in delivery settlement feedback; do
    same "service $service" "COMPLETED true" "$(aws ecs describe-services --cluster "$name" --services "$service" --output json |
      jq -r '.services[0] // {} | "\(.deployments[0].rolloutState) \(.runningCount == .desiredCount)"')"
  done
  same "scaling of delivery" "StepScaling TargetTrackingScaling" "$(aws application-autoscaling describe-scaling-policies --service-namespace ecs \
    --resource-id "service/$name/delivery" --query 'sort(ScalingPolicies[].PolicyType)' --output text | tr '\t' ' ')"
  if [ "$(aws application-autoscaling describe-scalable-targets --service-namespace ecs --resource-ids "service/$name/delivery" \
    --query 'ScalableTargets[0].SuspendedState.DynamicScalingOutSuspended' --output text)" = False ]; then
    pass "scaling is on"
  elif [ "$(aws cloudformation describe-stacks --stack-name "$name-services" --query "Stacks[0].Parameters[?ParameterKey=='ScalingState'].ParameterValue" --output text)" = SUSPENDED ]; then
    skip "scaling is on" "the stack $name-services has it suspended"
  else
    fail "scaling is on" "it is suspended, as by a halt.sh that broke off: deploy/aws/halt.sh --release"
  fi
}

schedule() {
  local state changed expression ago
  read -r state changed expression < <(aws scheduler get-schedule --group-name "$name" --name dispatch --query '[State,LastModificationDate,ScheduleExpression]' --output text)
  if [ "${state-}" = DISABLED ]; then
    skip "schedule fires" "it is DISABLED"
  else
    same "schedule" ENABLED "${state-}"
    if [[ $(points 10800 AWS/Scheduler InvocationAttemptCount Sum "Name=ScheduleGroup,Value=$name") =~ ^[1-9] ]]; then
      pass "schedule fires" "in the last 3 hours"
    elif [ "${expression-}" != "cron(0 0/2 * * ? *)" ]; then
      skip "schedule fires" "not in the last 3 hours, and $expression need not"
    elif ago=$(since "${changed-}") && [ "$ago" -lt 10800 ]; then
      skip "schedule fires" "it was changed $((ago / 60)) minutes ago: look again when it is 3 hours"
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
  if [ "$(parameters services SettlementTasks)" = SettlementTasks=0 ]; then skip "metric arrives" "settlement is scaled down"; return; fi
  for metric in balsong_delivery_lag_messages balsong_delivery_backlog_per_task; do
    if [[ $(points 600 Balsong "$metric" Maximum "Name=Installation,Value=$name" Name=Service,Value=settlement) =~ ^[0-9] ]]; then
      pass "metric arrives" "$metric"
    else
      fail "metric arrives" "no $metric in 10 minutes"
    fi
  done
}

# The names of this installation's alarms: another one's may begin with the same words.
of_stack() {
  aws cloudformation list-stack-resources --stack-name "$name-alarms" --query "StackResourceSummaries[?ResourceType=='AWS::CloudWatch::Alarm'].PhysicalResourceId" --output text | tr '\n' '\t'
}

# Alarms whose missing data count as missing read what AWS always writes: without data they are about something that is not there.
alarms() {
  local all ringing empty empty_since changed
  local runs knows
  runs="DatabaseStorage=$(aws rds describe-db-instances --db-instance-identifier "$database" --query 'DBInstances[0].AllocatedStorage' --output text) $(parameters services SettlementTasks ScheduleState)"
  knows=$(parameters alarms DatabaseStorage SettlementTasks ScheduleState)
  same "what alarms know" "$(xargs -n 1 <<<"$runs" | sort | xargs)" "$(xargs -n 1 <<<"$knows" | sort | xargs)" # else: deploy.sh alarms
  local names
  read -ra names < <(of_stack)
  [ ${#names[@]} -gt 0 ] || { fail "alarms" "there is none"; return; }
  all=$(aws cloudwatch describe-alarms --alarm-names "${names[@]}" --query MetricAlarms --output json | jq -c '.[]?')
  [ -n "$all" ] || { fail "alarms" "there is none"; return; }
  ringing=$(jq -rs 'map(select(.StateValue == "ALARM" and .ActionsEnabled) | .AlarmName) | join(" ")' <<<"$all")
  if [ -n "$ringing" ]; then fail "alarms" "$ringing"; else pass "alarms" "$(wc -l <<<"$all" | tr -d ' ') alarms, none rings"; fi
  empty=$(jq -rs 'map(select(.StateValue == "INSUFFICIENT_DATA" and (.TreatMissingData // "missing") == "missing") | .AlarmName) | join(" ")' <<<"$all")
  changed=$(jq -rs 'map(.AlarmConfigurationUpdatedTimestamp) | max' <<<"$all")
  if [ -z "$empty" ]; then
    pass "alarms have data"
  elif empty_since=$(since "$changed") && [ "$empty_since" -lt 1800 ]; then
    skip "alarms have data" "$empty: not yet; the alarms were changed $((empty_since / 60)) minutes ago"
  else
    fail "alarms have data" "$empty"
  fi
}

# An address that has not confirmed is told nothing.
subscriptions() {
  local topic list
  for topic in Critical Warning; do
    list=$(aws sns list-subscriptions-by-topic --topic-arn "$(exported "${topic}Topic")" --query 'Subscriptions[].[Endpoint,SubscriptionArn]' --output text)
    if [ -z "$list" ]; then
      fail "told of $topic" "nobody: no address is subscribed"
    elif grep -q 'PendingConfirmation$' <<<"$list"; then
      fail "told of $topic" "not confirmed: $(awk '$2 == "PendingConfirmation" { printf "%s ", $1 }' <<<"$list")"
    else
      pass "told of $topic" "$(wc -l <<<"$list" | tr -d ' ') confirmed"
    fi
  done
}

# on_call: what somebody needs for a halt, and what not, as IAM itself evaluates the role's policies.
on_call() {
  local role ecs said want action resource wrong=
  role=$(aws iam get-role --role-name "$name-on-call" --query Role.Arn --output text)
  ecs=$(exported DispatcherTask)
  ecs=${ecs%task-definition/*}
  while read -r want action resource; do
    said=$(aws iam simulate-principal-policy --policy-source-arn "${role:-none}" --action-names "$action" --resource-arns "$resource" --query 'EvaluationResults[0].EvalDecision' --output text \
      --context-entries "ContextKeyName=ecs:cluster,ContextKeyValues=${ecs}cluster/$name,ContextKeyType=string" \
      "ContextKeyName=iam:PassedToService,ContextKeyValues=ecs-tasks.amazonaws.com,ContextKeyType=string")
    [ "$said" = "$want" ] || wrong="$wrong $action: ${said:-no answer}, wanted $want;"
  done <<END
allowed application-autoscaling:RegisterScalableTarget ${ecs/:ecs:/:application-autoscaling:}scalable-target/0
allowed ecs:UpdateService ${ecs}service/$name/delivery
allowed ecs:RunTask ${ecs}task-definition/$name-balsong:1
allowed iam:PassRole ${role%-on-call}-balsong
allowed logs:GetLogEvents ${ecs/:ecs:/:logs:}log-group:/$name/balsong:log-stream:balsong
implicitDeny ecs:RunTask ${ecs}task-definition/$name-batch:1
implicitDeny cloudformation:ExecuteChangeSet ${ecs/:ecs:/:cloudformation:}stack/$name-services/0
implicitDeny secretsmanager:GetSecretValue ${ecs/:ecs:/:secretsmanager:}secret:$name/keyset-0
END
  if [ -z "$wrong" ]; then pass "on call" "the role $name-on-call may halt, and deploys nothing"; else fail "on call" "${wrong# }"; fi
}

exported() { aws cloudformation list-exports --query "Exports[?Name=='$name-$1'].Value" --output text; }
# shellcheck disable=SC2317,SC2329 # soon calls these
state_of() { aws cloudwatch describe-alarms --alarm-names "$1" --query 'MetricAlarms[0].StateValue' --output text; }
# shellcheck disable=SC2317,SC2329
running() { aws ecs describe-services --cluster "$name" --services delivery --query 'services[0].runningCount' --output text; }
wanted() { aws ecs describe-services --cluster "$name" --services delivery --query 'services[0].desiredCount' --output text; }

# shellcheck disable=SC2317,SC2329
told() { # ALARM SINCE
  aws cloudwatch describe-alarm-history --alarm-name "$1" --history-item-type Action --start-date "$2" --query "AlarmHistoryItems[0].HistorySummary" --output text
}

# An alarm that is set by hand tells its topic, and the next evaluation sets it back by what is true: within seconds, so the history is looked at. One of
# each topic rings: both have to be let use their key.
alarm_rings() {
  local topic arn alarm began names
  read -ra names < <(of_stack)
  for topic in Critical Warning; do
    arn=$(exported "${topic}Topic")
    alarm=$(aws cloudwatch describe-alarms --alarm-names "${names[@]:-none}" --output text \
      --query "MetricAlarms[?ActionsEnabled && StateValue=='OK' && contains(AlarmActions, '${arn:-none}')].AlarmName | [0]")
    [[ $alarm =~ ^(None)?$ ]] && { fail "$topic alarm rings" "no such alarm is OK"; continue; }
    began=$(ago 60)
    aws cloudwatch set-alarm-state --alarm-name "$alarm" --state-value ALARM --state-reason "verify.sh" || { fail "$topic alarm rings" "$alarm"; continue; }
    soon "$topic alarm rings" "Successfully executed action $arn" told "$alarm" "$began" && soon "$alarm ends" OK state_of "$alarm"
  done
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
  aws rds reboot-db-instance --db-instance-identifier "$database" --force-failover --query DBInstance.DBInstanceStatus --output text >/dev/null || { fail "failover"; return; }
  sleep "$pause"
  soon "database is back" available aws rds describe-db-instances --db-instance-identifier "$database" --query 'DBInstances[0].DBInstanceStatus' --output text || return
  after=$("$here/run.sh" balsong status --output json 2>/dev/null | count) || { fail "failover" "balsong status gave no answer afterwards"; return; }
  if [ "$after" -ge "$before" ]; then pass "failover loses nothing" "$before deliveries before, $after after"; else fail "failover loses nothing" "$before deliveries before, $after after"; fi
}
count() { jq -e '[.months[]?.dispatch.SUCCEEDED // 0] | add // 0'; }

stacks; network; database; kafka; storage; secrets; settings; services; schedule; metrics; alarms; subscriptions; on_call
if [ -n "$act" ]; then
  alarm_rings; scales_out; stop_drains; failover
else
  for check in "alarm rings" "scale-out from none" "stop drains" "failover loses nothing"; do skip "$check" "needs --act"; done
fi
exit $failed
