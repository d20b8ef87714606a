# Installing Debian packages; sourced by the scripts beside it.

build_packages="gcc g++ cmake ninja-build pkg-config libc6-dev
    liblz4-dev libxxhash-dev libroaring-dev libre2-dev libmicrohttpd-dev libsnappy-dev zlib1g-dev
    libgnutls28-dev libcrypt-dev libyaml-dev libzstd-dev libjansson-dev"
test_packages="clang clang-format clang-tidy libclang-rt-14-dev
    libcriterion-dev libcurl4-openssl-dev curl
    prometheus prometheus-node-exporter prometheus-alertmanager victoria-metrics"

# Prints those of the named packages that are not installed.
missing_packages() {
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
    done
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "$0: installing packages needs root, or sudo: $*" >&2
        return 1
    fi
}

# Installs what is missing of the named packages. Services among them (the peers for tests) are not started: nobody asked
# for a Prometheus on this machine.
install_packages() {
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    echo "$0: installing Debian packages: $missing" >&2
    policy=/usr/sbin/policy-rc.d
    made_policy=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        made_policy=yes
    fi
    outcome=0
    # Lists may be missing or old on a fresh machine; they are fetched only if the first attempt fails.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2 || {
        as_root apt-get update -q >&2
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2 || outcome=$?
    }
    [ -z "$made_policy" ] || as_root rm -f "$policy"
    return $outcome
}

# The source revision, for `varve version`.
revision() {
    git -C "$1" rev-parse --short=12 HEAD 2>/dev/null || echo unknown
}
