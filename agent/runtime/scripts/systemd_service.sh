# Installs a unit of systemd and brings its service into the wanted state.
# Arguments: unit, environment, directory of units, name, system or user, enable or disable, state.
unit=$1 environment=$2 directory=$3 name=$4 scope=$5 mode=$6 state=$7

as_root() {
  if [ "$scope" = user ] || [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

ctl() {
  if [ "$scope" = user ]; then systemctl --user "$@"; else as_root systemctl "$@"; fi
}

command -v systemctl > /dev/null || fail_step "This machine has no systemd."
[ -d /run/systemd/system ] || fail_step "systemd does not run on this machine."
if [ "$scope" = user ]; then
  export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
  case $(ctl is-system-running 2> /dev/null) in
    "" | offline | unknown)
      fail_step "systemd does not run for the user $(id -un); 'loginctl enable-linger $(id -un)' starts it."
      ;;
  esac
fi
began=$(date +%s)

put() {
  as_root install -m "$1" "$2" "$3.new" && as_root mv "$3.new" "$3" || fail_step "$3 cannot be written."
}

property() {
  ctl show --property="$1" --value "$name.service"
}

# What systemd and the program have said since the step began.
show_journal() {
  local whose=--unit
  if [ "$scope" = user ]; then whose=--user-unit; fi
  # The last words of a program reach the journal a moment after its end.
  sleep 1
  as_root journalctl "$whose" "$name.service" --since "@$began" --lines 30 --no-pager --no-hostname 2>&1
}

[ -d "$directory" ] || as_root mkdir -p "$directory" || fail_step "$directory cannot be made."
put 600 "$environment" "$directory/$name.service.environment"
put 644 "$unit" "$directory/$name.service"
ctl daemon-reload 2>&1 || fail_step "systemd did not read the unit."
# Lines that systemd passes over.
while IFS= read -r line; do
  write_warning "${line#"$directory/"}"
done < <(
  if [ "$scope" = user ]; then set -- --user; else set --; fi
  systemd-analyze "$@" verify "$directory/$name.service" 2>&1 | grep -F "$directory/$name.service:"
)
ctl "$mode" "$name.service" 2>&1 || fail_step "systemd did not $mode the service."

case $state in
  restarted) ctl restart "$name.service" 2>&1 ;;
  started) ctl start "$name.service" 2>&1 ;;
  stopped) ctl stop "$name.service" 2>&1 || fail_step "$name was not stopped." ;;
esac || failed=1

if [ "$state" = restarted ] || [ "$state" = started ]; then
  restarts=$(property NRestarts)
  # A program that ends at once is found a moment later only, unless its end was waited for.
  for _ in 1 2 3; do
    [ -n "$failed" ] || [ "$(property Type)" = oneshot ] && break
    sleep 1
    ctl is-active --quiet "$name.service" && [ "$(property NRestarts)" = "$restarts" ] || failed=1
  done
  if [ -n "$failed" ]; then
    ctl status --no-pager --lines 0 "$name.service" 2>&1
    show_journal
    fail_step "The service $name does not run."
  fi
fi
echo "The service $name is $state"
