#!/usr/bin/env bash
# telegraf.sh - Telegraf built from source with the plugins of the ingest benchmark alone; only `make bench` uses it.
#
#   telegraf.sh [DEST]   build telegraf by its Go module's name into DEST; nothing to do if one is there.
#                        Default: /usr/local/bin/telegraf when that can be written, else .cache/bin/telegraf
#
# Needs go. About a minute on one core, which it leaves to others when they want it.
set -euo pipefail
version=1.37.2
# A group's own name (inputs, parsers, outputs) would mean all plugins of that group.
plugins=custom,inputs.mqtt_consumer,parsers.json,parsers.json_v2,outputs.influxdb_v2
cache=$(cd "$(dirname "$0")/.." && pwd)/.cache/bin
PATH=$cache:$PATH:/usr/local/bin
dest=${1:-}
if [ -z "$dest" ]; then
  telegraf version >/dev/null 2>&1 && exit 0
  if [ -w /usr/local/bin ]; then dest=/usr/local/bin/telegraf; else mkdir -p "$cache"; dest=$cache/telegraf; fi
fi
"$dest" version >/dev/null 2>&1 && exit 0
command -v go >/dev/null || { echo "telegraf: MISSING: needs go to be built" >&2; exit 1; }
echo "telegraf: building $version into $dest (about a minute, once)" >&2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
# `go install` of a module at a version takes exactly the dependencies that Telegraf itself has pinned.
CGO_ENABLED=0 GOBIN=$work GOFLAGS="-p=1 -buildvcs=false" nice -n 15 go install -trimpath -tags "$plugins" \
  -ldflags "-s -w -X github.com/influxdata/telegraf/internal.Version=$version" \
  "github.com/influxdata/telegraf/cmd/telegraf@v$version" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
install -D -m 755 "$work/telegraf" "$dest"
"$dest" version >&2
