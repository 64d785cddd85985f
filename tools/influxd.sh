#!/usr/bin/env bash
# influxd.sh - a real InfluxDB 2.7 server built from source, for a machine without its image or package.
#
#   influxd.sh [DEST]    build influxd by its Go module's name into DEST (default /usr/local/bin/influxd); nothing to do if it runs
#
# Needs go, cargo and a C compiler. About 4 minutes: flux's Rust library is built by influxdata's own pkg-config
# wrapper, through cargo, then influxd by go. Built without the web UI's assets.
set -euo pipefail
version=v2.7.12
dest=${1:-/usr/local/bin/influxd}
"$dest" version >/dev/null 2>&1 && exit 0
echo "influxd: building $version" >&2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"; mkdir bin
cat >go.mod <<M
module influxd-build
go 1.23
M
export GOFLAGS="-mod=mod -buildvcs=false" GOBIN=$work/bin
# flux pins an old Rust toolchain and turns compiler warnings into errors ("strict"): use the installed one, without it
export RUSTUP_TOOLCHAIN=${RUSTUP_TOOLCHAIN:-$(rustup show active-toolchain 2>/dev/null | cut -d' ' -f1)}
cat >bin/cargo-flux <<'S'
#!/bin/sh
shift
exec cargo build -p flux --no-default-features --features cffi "$@"
S
chmod +x bin/cargo-flux; export CARGO=$work/bin/cargo-flux
{ go get "github.com/influxdata/influxdb/v2@$version"
  go install "$(go list -m -f '{{.Path}}@{{.Version}}' github.com/influxdata/pkg-config)"
  PATH=$work/bin:$PATH go build -trimpath -ldflags "-s -w -X main.version=$version" -o "$work/influxd" github.com/influxdata/influxdb/v2/cmd/influxd
} >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
install -m 755 "$work/influxd" "$dest"
"$dest" version
