#!/usr/bin/env bash
# A RabbitMQ of one's own, unprivileged, in a folder; it listens at ADDRESS alone:
#   _rabbitmq.sh start FOLDER NODE_PORT DIST_PORT EPMD_PORT OWNER_PID ADDRESS
#                                                                        again after a kill as well
#   _rabbitmq.sh kill FOLDER                                             as if the power had failed
# It ends, and its folder with it, when its owner does, or when FOLDER/stop is there.

set -u
command=$1 folder=$2
as=()
[ "$(id -u)" = 0 ] && as=(setpriv --reuid=nobody --regid=nogroup --clear-groups --)

kill_node() {
  kill -KILL -- "-$(cat "$folder/group")" 2>/dev/null
  while kill -0 -- "-$(cat "$folder/group")" 2>/dev/null; do sleep 0.02; done
}

case $command in
start)
  port=$3 dist=$4 epmd=$5 owner=$6 address=$7
  library=$(ls -d /usr/lib/rabbitmq/lib/rabbitmq_server-* | head -n 1)
  export HOME=$folder/home ERL_EPMD_PORT=$epmd ERL_EPMD_ADDRESS=127.0.0.1
  export RABBITMQ_NODENAME=switchyard$port@localhost RABBITMQ_NODE_IP_ADDRESS=$address
  export RABBITMQ_NODE_PORT=$port RABBITMQ_DIST_PORT=$dist RABBITMQ_CONF_ENV_FILE=/dev/null
  export RABBITMQ_MNESIA_BASE=$folder/base RABBITMQ_LOG_BASE=$folder/log
  export RABBITMQ_ENABLED_PLUGINS_FILE=$folder/plugins RABBITMQ_CONFIG_FILE=$folder/rabbitmq
  export RABBITMQ_PID_FILE=$folder/pid
  if [ ! -d "$folder/home" ]; then
    mkdir "$folder/home" "$folder/base" "$folder/log"
    echo "[]." >"$folder/plugins"
    printf '%s\n' "listeners.tcp.default = $address:$port" \
      "vm_memory_high_watermark.absolute = 1GB" "loopback_users = none" >"$folder/rabbitmq.conf"
    [ "$(id -u)" = 0 ] && chown -R nobody:nogroup "$folder"
    # Started here and not by the node, which would leave it. It and the guard are in sessions of
    # their own: who ends the tests with all that they started is to end neither.
    setsid "${as[@]}" epmd -port "$epmd" -address 127.0.0.1 </dev/null >/dev/null 2>&1 &
    setsid bash "$0" guard "$folder" "$owner" $! </dev/null >/dev/null 2>&1 &
  fi
  setsid "${as[@]}" "$library/sbin/rabbitmq-server" </dev/null >"$folder/out.txt" 2>&1 &
  echo $! >"$folder/group"
  ;;
kill) kill_node ;;
guard)
  owner=$3 epmd=$4
  while kill -0 "$owner" 2>/dev/null && [ ! -e "$folder/stop" ]; do sleep 0.2; done
  kill_node
  kill -KILL "$epmd" 2>/dev/null
  rm -rf "$folder" "$folder.port"
  ;;
esac
