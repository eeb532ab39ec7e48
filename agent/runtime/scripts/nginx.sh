# Puts a virtual host into force, or leaves nginx as it was.
# Arguments: the new file, its place, arguments for nginx.
new=$1 place=$2
shift 2

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

command -v nginx > /dev/null || PATH=$PATH:/usr/sbin:/usr/local/sbin
command -v nginx > /dev/null || fail_step "nginx is not installed on this machine."

before=
if as_root test -e "$place"; then
  before=$new.before
  as_root cat "$place" > "$before" || fail_step "$place cannot be read."
fi
as_root mkdir -p "$(dirname "$place")" || fail_step "$(dirname "$place") cannot be made."
# The temporary name does not end in .conf, so that nginx never reads half a file.
as_root install -m 644 "$new" "$place.new" || fail_step "$place cannot be written."
as_root mv "$place.new" "$place"

if ! as_root nginx "$@" -t 2>&1; then
  if [ -n "$before" ]; then
    as_root install -m 644 "$before" "$place.new" && as_root mv "$place.new" "$place"
  else
    as_root rm -f "$place"
  fi
  fail_step "nginx refuses the configuration; what it had before is back in place."
fi
as_root nginx "$@" -s reload 2>&1 || fail_step "nginx was not reloaded; does it run?"
echo "nginx serves $place"
