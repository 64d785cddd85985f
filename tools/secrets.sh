#!/usr/bin/env bash
# secrets.sh - looks for keys, tokens and passwords in every commit, and in what is not committed yet.
#
# What is not one is named in .gitleaks.toml. Without gitleaks, and without go to build it, a developer's machine
# goes on and says so; continuous integration does not.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.cache/bin:$PATH:/usr/local/bin
if ! tools/gitleaks.sh; then
  echo "secrets: NOT looked for" >&2
  [ -z "${CI:-}" ]
  exit
fi
look=(gitleaks git --no-banner --log-level warn --redact --verbose)
"${look[@]}" .
"${look[@]}" --pre-commit .
echo "secrets: none found"
