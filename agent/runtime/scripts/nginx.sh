# Puts a virtual host into force, or leaves nginx as it was.
# Arguments: the new file, its place, how many certificates there are; of each its variable and the
# places of certificate and key; arguments for nginx.
new=$1 place=$2 count=$3
shift 3

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# beside PLACE WORD: a hidden name in the same directory, which nginx never reads, not by `*` either.
beside() {
  printf '%s/.%s.%s' "$(dirname "$1")" "$(basename "$1")" "$2"
}

# What was written so far; what was there before lies beside it.
written=()
take_back() {
  local each kept
  for each in "${written[@]}"; do
    kept=$(beside "$each" before)
    if as_root test -e "$kept"; then as_root mv "$kept" "$each"; else as_root rm -f "$each"; fi
  done
  fail_step "$1"
}

# put MODE PLACE < text
put() {
  local kept fresh
  kept=$(beside "$2" before) fresh=$(beside "$2" new)
  as_root mkdir -p "$(dirname "$2")" || take_back "$(dirname "$2") cannot be made."
  as_root rm -f "$kept"
  if as_root test -e "$2"; then
    as_root cp -p "$2" "$kept" || take_back "$2 cannot be kept."
  fi
  as_root install -m "$1" /dev/stdin "$fresh" || take_back "$2 cannot be written."
  written+=("$2")
  as_root mv "$fresh" "$2" || take_back "$2 cannot be written."
}

command -v nginx > /dev/null || PATH=$PATH:/usr/sbin:/usr/local/sbin
command -v nginx > /dev/null || fail_step "nginx is not installed on this machine."

for ((; count > 0; count--)); do
  put 644 "$2" < <(get_octopusvariable "$1.CertificatePem"; echo; get_octopusvariable "$1.ChainPem")
  put 600 "$3" < <(get_octopusvariable "$1.PrivateKeyPem")
  shift 3
done
put 644 "$place" < "$new"

if ! as_root nginx "$@" -t 2>&1; then
  take_back "nginx refuses the configuration; what it had before is back in place."
fi
for each in "${written[@]}"; do as_root rm -f "$(beside "$each" before)"; done
as_root nginx "$@" -s reload 2>&1 || fail_step "nginx was not reloaded; does it run?"
echo "nginx serves $place"
