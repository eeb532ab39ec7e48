#!/bin/sh
# Installs the agent (Tentacle) of the Octopus server named below and registers this machine:
#
#   curl -fsSL SERVER/tentacle/install.sh | TENTACLE_TOKEN=TOKEN-... sh -s -- --environment Test --role web
#
# What follows `--` goes to `tentacle register`, except these:
#   --no-service         do not install and start the systemd unit
#   --install-dir DIR    install there, not in /opt/octopus-tentacle (root) or below ~/.local
# Nothing runs before the whole script has arrived: its last line starts it.
set -eu

server=@SERVER@
allow_plain=@ALLOW_PLAIN@

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

find_python() {
    for candidate in python3 python3.13 python3.12 python3.11; do
        found=$(command -v "$candidate") || continue
        if "$found" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$found"
            return
        fi
    done
    older=$(python3 --version 2>/dev/null || echo "no python3")
    fail "the agent needs Python 3.11 or newer, and this machine has $older.
Install it and run this again: 'apt-get install python3' on Debian 12 or Ubuntu 24.04 and newer,
'dnf install python3.11' on Red Hat 8 and 9 and their like."
}

fetch() {
    if command -v curl >/dev/null; then
        curl -fsSL ${ca_file:+--cacert "$ca_file"} "$1" -o "$2"
    elif command -v wget >/dev/null; then
        wget -q ${ca_file:+--ca-certificate="$ca_file"} "$1" -O "$2"
    else
        fail "neither curl nor wget is installed."
    fi || fail "$1 could not be downloaded."
}

quote() {
    printf %s "$1" | sed "s/'/'\\\\''/g; s/^/'/; s/\$/'/"
}

choose_folders() {
    if [ "$(id -u)" -eq 0 ]; then
        bin=/usr/local/bin
        folder=/opt/octopus-tentacle
    else
        [ -n "${HOME:-}" ] || fail "HOME is not set."
        bin=$HOME/.local/bin
        folder=$HOME/.local/lib/octopus-tentacle
    fi
    if [ -n "$install_dir" ]; then
        mkdir -p "$install_dir" || fail "$install_dir cannot be made."
        folder=$(cd "$install_dir" && pwd)
        bin=
    fi
}

install_program() {
    mkdir -p "$folder" || fail "$folder cannot be made."
    work=$(mktemp -d "$folder/.new.XXXXXX") || fail "$folder cannot be written to."
    trap 'rm -rf "$work"' EXIT
    fetch "$server/agent/v1/tentacle.pyz" "$work/tentacle.pyz"
    fetch "$server/agent/v1/tentacle.pyz.sha256" "$work/sha256"
    read -r expected _ <"$work/sha256" || fail "the server named no checksum."
    actual=$("$python" -I -c 'import hashlib, sys
print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$work/tentacle.pyz")
    [ "$actual" = "$expected" ] ||
        fail "the download is damaged: its SHA-256 is $actual, expected $expected."
    version=$("$python" -I "$work/tentacle.pyz" --version) || fail "the agent does not start here."
    printf '#!/bin/sh\nexec %s -I %s "$@"\n' "$(quote "$python")" "$(quote "$folder/tentacle.pyz")" \
        >"$work/tentacle"
    chmod 0755 "$work/tentacle" "$work/tentacle.pyz"
    mv -f "$work/tentacle.pyz" "$folder/tentacle.pyz"
    mv -f "$work/tentacle" "$folder/tentacle"
    tentacle=$folder/tentacle
    if [ -n "$bin" ]; then
        mkdir -p "$bin"
        ln -sf "$folder/tentacle" "$bin/tentacle"
        tentacle=$bin/tentacle
    fi
    echo "Installed $version in $folder."
}

start_service() {
    if [ "$service" = yes ] && [ "$(id -u)" -eq 0 ] && [ -d /run/systemd/system ]; then
        "$tentacle" service install ${instance:+--instance "$instance"} ${home:+--home "$home"}
        return
    fi
    if [ "$service" = yes ]; then
        echo "No service was installed: that needs root and systemd."
    fi
    echo "Start the agent with: $tentacle run${instance:+ --instance $instance}${home:+ --home $home}"
}

main() {
    service=yes install_dir='' instance='' home='' ca_file='' previous=''
    left=$#
    while [ "$left" -gt 0 ]; do
        argument=$1
        shift
        left=$((left - 1))
        case $previous in
            --install-dir) install_dir=$argument previous='' && continue ;;
            --instance) instance=$argument ;;
            --home) home=$argument ;;
            --ca-file) ca_file=$argument ;;
        esac
        previous=$argument
        case $argument in
            --no-service) service=no ;;
            --install-dir) ;;
            --install-dir=*) install_dir=${argument#*=} ;;
            *) set -- "$@" "$argument" ;;
        esac
        case $argument in
            --instance=*) instance=${argument#*=} ;;
            --home=*) home=${argument#*=} ;;
            --ca-file=*) ca_file=${argument#*=} ;;
        esac
    done
    [ "$(uname -s)" = Linux ] || fail "the agent runs on Linux; this is $(uname -s)."
    python=$(find_python) || exit 1
    choose_folders
    install_program
    "$tentacle" register --server "$server" ${allow_plain:+--allow-plain} "$@"
    start_service
}

main "$@"
