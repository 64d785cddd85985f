#!/usr/bin/env bash
# images.sh - container images built from Debian's packages, for a Docker engine that cannot pull the official ones.
#
#   images.sh            build the images that are missing
#   images.sh --force    rebuild them all
#
# Each image carries the tag that deploy/compose and testcontainers name, so both run unchanged:
#   python:3.13-slim-trixie   Debian trixie + Python 3.13 + pip
#   eclipse-mosquitto:2       Debian's mosquitto, configuration at /mosquitto/config/mosquitto.conf
#   redis:8                   Debian's redis-server
#   haproxy:3.0               Debian's haproxy
#   prom/prometheus:v3.5.0    Debian's prometheus
#   influxdb:2.7              influxd built by influxd.sh, with the official image's DOCKER_INFLUXDB_INIT_* set-up
# The official images are what users run: where they can be pulled, `docker pull` them instead.
# Needs root, a running engine (docker.sh), debootstrap; about 3 minutes the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export DOCKER_BUILDKIT=0
force=${1:-}
say() { printf 'images: %s\n' "$*" >&2; }
have() { [ "$force" != --force ] && docker image inspect "$1" >/dev/null 2>&1; }
mirror() { # the Debian mirror that this machine's apt already uses
  { cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *//p'; sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\).*/\2/p' /etc/apt/sources.list 2>/dev/null; } | grep -v security | head -1
}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

if ! have local/trixie; then
  command -v debootstrap >/dev/null || { apt-get update -q && apt-get install -y -q debootstrap; } >/dev/null
  say "debootstrap trixie"
  debootstrap --variant=minbase --include=ca-certificates trixie "$work/root" "$(mirror)" >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; exit 1; }
  rm -rf "$work/root/var/cache/apt/archives/"*.deb
  # a certificate authority that this machine trusts besides the usual ones
  cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
  tar -C "$work/root" -c . | docker import - local/trixie >/dev/null
fi

build() { # build TAG, Dockerfile on stdin, context $work/ctx
  local tag=$1; mkdir -p "$work/ctx"; cat >"$work/ctx/Dockerfile"
  say "build $tag"
  docker build -q --network host -t "$tag" "$work/ctx" >/dev/null
  rm -rf "$work/ctx"
}

have python:3.13-slim-trixie || build python:3.13-slim-trixie <<'D'
FROM local/trixie
RUN apt-get install -y --no-install-recommends python3 python3-pip python3-venv curl \
 && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && ln -sf /usr/bin/python3 /usr/local/bin/python \
 && apt-get clean
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_ROOT_USER_ACTION=ignore
CMD ["python3"]
D

have eclipse-mosquitto:2 || build eclipse-mosquitto:2 <<'D'
FROM local/trixie
RUN apt-get install -y --no-install-recommends mosquitto mosquitto-clients && apt-get clean \
 && mkdir -p /mosquitto/config /mosquitto/data /mosquitto/log && chown -R mosquitto:mosquitto /mosquitto \
 && printf 'listener 1883\nallow_anonymous true\n' >/mosquitto/config/mosquitto.conf
VOLUME ["/mosquitto/data", "/mosquitto/log"]
EXPOSE 1883
CMD ["/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]
D

have redis:8 || build redis:8 <<'D'
FROM local/trixie
RUN apt-get install -y --no-install-recommends redis-server redis-tools && apt-get clean && mkdir -p /data && chown redis:redis /data
WORKDIR /data
VOLUME ["/data"]
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no", "--bind", "0.0.0.0", "--dir", "/data"]
D

have haproxy:3.0 || build haproxy:3.0 <<'D'
FROM local/trixie
RUN apt-get install -y --no-install-recommends haproxy && apt-get clean
USER haproxy
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
D

have prom/prometheus:v3.5.0 || build prom/prometheus:v3.5.0 <<'D'
FROM local/trixie
RUN apt-get install -y --no-install-recommends prometheus wget && apt-get clean
USER nobody
EXPOSE 9090
ENTRYPOINT ["prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml"]
D

if ! have influxdb:2.7; then
  "$here/influxd.sh"
  mkdir -p "$work/ctx"; cp "$(command -v influxd)" "$work/ctx/influxd"
  cat >"$work/ctx/entrypoint.sh" <<'S'
#!/bin/sh
# As the official image does: with DOCKER_INFLUXDB_INIT_MODE=setup, the first start creates the user, org and bucket.
set -eu
data=/var/lib/influxdb2
influxd --bolt-path "$data/influxd.bolt" --sqlite-path "$data/influxd.sqlite" --engine-path "$data/engine" --reporting-disabled "$@" &
pid=$!
trap 'kill -TERM $pid; wait $pid' TERM INT
if [ "${DOCKER_INFLUXDB_INIT_MODE:-}" = setup ]; then
  until curl -fs http://127.0.0.1:8086/health >/dev/null; do kill -0 $pid; sleep 0.2; done
  if curl -fs http://127.0.0.1:8086/api/v2/setup | grep -q '"allowed": *true'; then
    case "${DOCKER_INFLUXDB_INIT_RETENTION:-0}" in
      *d) r=$(( ${DOCKER_INFLUXDB_INIT_RETENTION%d} * 86400 ));; *h) r=$(( ${DOCKER_INFLUXDB_INIT_RETENTION%h} * 3600 ));;
      *s) r=${DOCKER_INFLUXDB_INIT_RETENTION%s};; *w) r=$(( ${DOCKER_INFLUXDB_INIT_RETENTION%w} * 604800 ));; *) r=0;;
    esac
    curl -fsS http://127.0.0.1:8086/api/v2/setup -d "{\"username\":\"$DOCKER_INFLUXDB_INIT_USERNAME\",\"password\":\"$DOCKER_INFLUXDB_INIT_PASSWORD\",\"org\":\"$DOCKER_INFLUXDB_INIT_ORG\",\"bucket\":\"$DOCKER_INFLUXDB_INIT_BUCKET\",\"token\":\"$DOCKER_INFLUXDB_INIT_ADMIN_TOKEN\",\"retentionPeriodSeconds\":$r}" >/dev/null
  fi
fi
wait $pid
S
  build influxdb:2.7 <<'D'
FROM local/trixie
RUN apt-get install -y --no-install-recommends curl && apt-get clean
COPY influxd /usr/local/bin/influxd
COPY entrypoint.sh /entrypoint.sh
RUN chmod +x /entrypoint.sh && mkdir -p /var/lib/influxdb2
VOLUME ["/var/lib/influxdb2"]
EXPOSE 8086
ENTRYPOINT ["/entrypoint.sh"]
D
fi
docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep -E '^(python|eclipse-mosquitto|redis|haproxy|prom/prometheus|influxdb):'
