#!/usr/bin/env bash
# servers.sh - the real servers that the integration tests run against.
#
#   servers.sh           get what is missing; a server whose container can be had is not built from source
#   servers.sh --all     get every server as a local program too (benchmarks and failure tests use them)
#
# mosquitto, mosquitto-clients and redis-server come from Debian; influxd is built from its Go module (influxd.sh).
# What cannot be had is said here; the tests that need it are then skipped, each with its reason.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$(dirname "$here")/.cache/bin
PATH=$cache:$PATH:/usr/sbin:/usr/local/sbin:/usr/local/bin
all=${1:-}
say() { printf 'servers: %s\n' "$*" >&2; }

container() { # container IMAGE: a Docker engine answers and has the image, or can pull it
  command -v docker >/dev/null && docker info >/dev/null 2>&1 || return 1
  docker image inspect "$1" >/dev/null 2>&1 && return 0
  say "pulling $1"
  timeout 300 docker pull -q "$1" >/dev/null 2>&1
}

install_packages() { # from Debian, without starting their system services: the tests start their own
  local as_root=()
  if ! command -v apt-get >/dev/null; then say "MISSING: $* (no apt-get here: install them yourself)"; return; fi
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then say "MISSING: $* (no root: sudo apt-get install $*)"; return; fi
    as_root=(sudo -n)
  fi
  say "installing $* from Debian"
  "${as_root[@]}" bash -s -- "$@" <<'ROOT' || say "MISSING: $* (apt-get failed, see above)"
set -euo pipefail
policy=/usr/sbin/policy-rc.d; kept=
# dpkg asks this file before it starts a service; a machine's own one is put back afterwards.
if [ -e "$policy" ]; then kept=$(mktemp "$policy.XXXXXX"); cp -p "$policy" "$kept"; fi
restore() { if [ -n "$kept" ]; then mv -f "$kept" "$policy"; else rm -f "$policy"; fi; }
trap restore EXIT
printf '#!/bin/sh\nexit 101\n' >"$policy.new"; chmod 755 "$policy.new"; mv -f "$policy.new" "$policy"
log=$(mktemp)
{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1 ||
  { tail -n 10 "$log" >&2; rm -f "$log"; exit 1; }
rm -f "$log"
if [ -d /run/systemd/system ]; then # nor at the next start of the machine
  for service in mosquitto redis-server; do
    case " $* " in *" $service "*) systemctl disable --quiet "$service" || true ;; esac
  done
fi
ROOT
}

packages=()
command -v mosquitto >/dev/null || packages+=(mosquitto)
command -v mosquitto_sub >/dev/null || packages+=(mosquitto-clients)
command -v redis-server >/dev/null || packages+=(redis-server)
[ ${#packages[@]} = 0 ] || install_packages "${packages[@]}"

if ! influxd version >/dev/null 2>&1 && { [ "$all" = --all ] || ! container influxdb:2.7; }; then
  if command -v go >/dev/null && command -v cargo >/dev/null; then
    if [ -w /usr/local/bin ]; then dest=/usr/local/bin/influxd; else mkdir -p "$cache"; dest=$cache/influxd; fi
    say "building influxd into $dest (about 4 minutes, once)"
    "$here/influxd.sh" "$dest" >&2 || say "MISSING: influxd (its build failed, see above)"
  else
    say "MISSING: influxd (needs a Docker engine with influxdb:2.7, or go and cargo to build it)"
  fi
fi
