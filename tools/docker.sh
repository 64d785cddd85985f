#!/usr/bin/env bash
# docker.sh - a Docker engine and the compose plugin on a Debian machine, from its packages and Go modules.
#
#   docker.sh            install what is missing, start dockerd if none answers, and wait until it does
#
# Needs root. About 1 minute the first time, 2 more if the compose plugin has to be built.
set -euo pipefail
command -v dockerd >/dev/null && command -v iptables >/dev/null || { apt-get update -q; DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends docker.io iptables; } >/dev/null
if ! docker info >/dev/null 2>&1; then
  setsid nohup dockerd >/var/log/dockerd.log 2>&1 &
  for _ in $(seq 60); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
fi
docker info --format 'engine {{.ServerVersion}} ({{.Driver}})'
if ! docker compose version >/dev/null 2>&1; then
  work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
  printf 'module compose-build\ngo 1.24\n' >go.mod
  export GOFLAGS="-mod=mod -buildvcs=false"
  { go get github.com/docker/compose/v2@v2.40.3
    go build -trimpath -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=v2.40.3" -o docker-compose github.com/docker/compose/v2/cmd
  } >log 2>&1 || { tail -n 20 log >&2; exit 1; }
  install -D -m 755 docker-compose /usr/local/lib/docker/cli-plugins/docker-compose
fi
docker compose version
