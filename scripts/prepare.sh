#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

# Says what will be installed on this machine, then makes .venv hold the packages of the given locks.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
lacks() { missing+=("$1|$2"); }

has() { command -v "$1" >/dev/null 2>&1; }
system_socket=unix:///var/run/docker.sock

# Whether Debian's base image will be made here: it is not on the engine, and the registry it is pulled from is silent.
base_image_is_made() {
  has apt-get && ! has mmdebstrap &&
    [[ -z $(docker image ls --quiet --filter 'reference=*/workshop/debian' 2>/dev/null) ]] && ! python3 - <<'END'
import urllib.error
import urllib.request

try:
    urllib.request.urlopen("https://registry-1.docker.io/v2/", timeout=5)
except urllib.error.HTTPError:
    pass  # It answers, and asks for a login that pulls get by themselves.
except OSError as error:
    raise SystemExit(1) from error
END
}

# The checksum of a file, by which a change of it is seen.
checksum() { python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"; }

as_root() {
  if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

venv_works() {
  .venv/bin/python -m pip --version && .venv/bin/ansible-playbook --version
} >/dev/null 2>&1

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Ansible needs Python 3.11 or later, and python3 is $(python3 --version 2>&1): install a later one and put it first on PATH." >&2
  exit 1
fi

needs_venv_package=false
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  if ! has apt-get; then
    echo "Python's venv and ensurepip are missing: install them for $(command -v python3)." >&2
    exit 1
  fi
  needs_venv_package=true
  lacks "python3-venv (apt)" "makes the virtual environment .venv, where all Python packages stay"
fi

engine=$(docker version 2>&1 >/dev/null) && engine=answers
case $engine in
answers) ;;
*"permission denied"*)
  echo "This user may not use the Docker engine of this machine: let root add the user to the group docker, then log in again." >&2
  ;;
*)
  host=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null) || host=$system_socket
  if [[ $host != "$system_socket" ]]; then
    echo "No Docker engine answers at $host: start it, or name another with DOCKER_HOST." >&2
  elif has dockerd || [[ -x /usr/sbin/dockerd || -x /usr/bin/dockerd ]]; then
    echo "The Docker engine of this machine does not answer; it will be started."
    engine=comes
  elif has apt-get; then
    engine=comes
    lacks "docker.io, iptables (apt)" "the Docker engine: images are built and the cluster's nodes run in it"
    [[ $EUID -eq 0 ]] || has setfacl || lacks "acl (apt)" "lets this user talk to the engine at once"
  else
    echo "No Docker engine answers: install Docker and start it." >&2
  fi
  ;;
esac
if [[ $engine == answers || $engine == comes ]]; then
  if base_image_is_made; then
    lacks "mmdebstrap (apt)" "makes the base image from Debian's packages, for it can't be pulled here"
  fi
  if docker buildx version >/dev/null 2>&1; then
    :
  elif has apt-get && apt-get --simulate --no-remove install docker-buildx >/dev/null 2>&1; then
    lacks "docker-buildx (apt)" "BuildKit's client, which builds the images"
  else
    lacks "docker-buildx (compiled)" "BuildKit's client, a plugin in ${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins"
  fi
fi

# Tests only; without the right to install it they say that the pages were not looked at.
needs_browser=false
if [[ " $* " == *test* ]] && has apt-get && ! has chromium && { [[ $EUID -eq 0 ]] || sudo -n true 2>/dev/null; }; then
  needs_browser=true
  lacks "chromium (apt)" "the browser in which the report's pages are tested"
fi

if ((${#missing[@]})); then
  echo "This will be installed on this machine:"
  for line in "${missing[@]}"; do printf '  %-28s %s\n' "${line%%|*}" "${line#*|}"; done
else
  echo "Nothing has to be installed on this machine."
fi
echo "Beside that it fills .venv in this folder, the cache in ${HOME}/.cache/workshop.production_patterns and the lab's" \
  "folder in ${HOME}/.local/state/workshop.production_patterns."

packages=()
if $needs_venv_package; then packages+=(python3-venv); fi
if $needs_browser; then packages+=(chromium); fi
if ((${#packages[@]})); then
  echo "Installing ${packages[*]} ..."
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-remove --no-install-recommends "${packages[@]}" >/dev/null
fi

venv_works || { rm -rf .venv && python3 -m venv .venv; }
changed=()
for file in "$@"; do
  [[ $(checksum "$file") == "$(cat ".venv/$file.sum" 2>/dev/null)" ]] || changed+=("$file")
done
if ((${#changed[@]})); then
  echo "Installing the Python packages of ${changed[*]} into .venv ..."
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes "${changed[@]/#/--requirement=}"
  for file in "${changed[@]}"; do checksum "$file" >".venv/$file.sum"; done
fi
