#!/usr/bin/env bash
# gitleaks.sh - gitleaks, which finds keys, tokens and passwords, built from source; `make check` and a test use it.
#
#   gitleaks.sh [DEST]   build gitleaks by its Go module's name into DEST; nothing to do if one is there.
#                        Default: /usr/local/bin/gitleaks when that can be written, else .cache/bin/gitleaks
#
# Needs go. About a minute on one core, which it leaves to others when they want it.
set -euo pipefail
version=8.30.1
cache=$(cd "$(dirname "$0")/.." && pwd)/.cache/bin
PATH=$cache:$PATH:/usr/local/bin
dest=${1:-}
if [ -z "$dest" ]; then
  gitleaks version >/dev/null 2>&1 && exit 0
  if [ -w /usr/local/bin ]; then dest=/usr/local/bin/gitleaks; else mkdir -p "$cache"; dest=$cache/gitleaks; fi
fi
"$dest" version >/dev/null 2>&1 && exit 0
command -v go >/dev/null || { echo "gitleaks: MISSING: needs go to be built" >&2; exit 1; }
echo "gitleaks: building $version into $dest (about a minute, once)" >&2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
# `go install` of a module at a version takes exactly the dependencies that gitleaks itself has pinned.
CGO_ENABLED=0 GOBIN=$work GOFLAGS="-p=1 -buildvcs=false" nice -n 15 go install -trimpath -ldflags "-s -w" \
  "github.com/zricethezav/gitleaks/v8@v$version" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
install -D -m 755 "$work/gitleaks" "$dest"
