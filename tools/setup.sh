# shellcheck shell=bash
# What tools/run and tools/test share: saying what happens and putting the machine in order. Sourced, never run.
# Afterwards the working folder is the repository and cargo builds into its target folder.

me=${0##*/}
export started_in=$PWD
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root" || exit 1
export CARGO_TARGET_DIR=$root/target

say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

fail() {
  printf 'tools/%s: %s\n' "$me" "$*" >&2
  exit 1
}

# need_disk GIB: that much must be free where the repository lies.
need_disk() {
  local free
  free=$(df --output=avail -B1G "$root" | tail -n 1 | tr -d ' ')
  [ "$free" -ge "$1" ] || fail "the disk is nearly full: $free GiB free at $root, $1 GiB needed"
}

need_rust() {
  local wanted have
  if ! command -v cargo >/dev/null && [ -r "$HOME/.cargo/env" ]; then
    # shellcheck source=/dev/null
    . "$HOME/.cargo/env"
  fi
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  command -v cargo >/dev/null || fail "no cargo here: install Rust $wanted or newer with rustup, then run this again"
  have=$(rustc --version 2>/dev/null | cut -d ' ' -f 2) || true
  [ -n "$have" ] || fail "cargo is here but rustc does not run: repair the Rust installation"
  [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ] ||
    fail "Rust $have is too old: $wanted or newer is needed (rustup update)"
}

# need_packages LIST...: the Debian packages of tools/packages/LIST, and node and npm.
need_packages() {
  local wanted=() missing=() package
  mapfile -t wanted < <(cd tools/packages && cat "$@")
  node_is_new || wanted+=(nodejs npm)
  for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
  node_is_new || fail "node 18 and npm 9 or newer are needed, this system's own packages are older"
}

installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

node_is_new() {
  local node npm
  node=$(node --version 2>/dev/null) && npm=$(npm --version 2>/dev/null) || return 1
  node=${node#v}
  [ "${node%%.*}" -ge 18 ] && [ "${npm%%.*}" -ge 9 ]
}

install_packages() {
  local as_root=() log=$root/target/apt.log
  command -v apt-get >/dev/null ||
    fail "this is not a Debian-like system (no apt-get): install the counterparts of these packages yourself: $*"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "neither root nor sudo here; as root run: apt-get install $*"
    sudo -n true 2>/dev/null || [ -t 0 ] || fail "sudo asks for a password and nobody is there; as root run: apt-get install $*"
    as_root=(sudo)
  fi
  say "installing Debian packages: $*"
  mkdir -p target
  run_apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"; }
  if ! { run_apt -qq update && run_apt -qq -y install --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
    tail -n 8 "$log" >&2
    fail "apt-get could not install the packages; its last words are above, all of them in $log"
  fi
}

# The viewers' page, where its sources changed since it was last built.
build_web() {
  local web=firmware/origin/web stamp=target/web.stamp now
  now=$(find "$web" \( -name node_modules -o -name dist \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum)
  if [ -f "$web/dist/index.html" ] && [ "$now" = "$(cat "$stamp" 2>/dev/null)" ]; then return; fi
  say "building the viewers' page"
  (cd "$web" && npm ci --no-audit --no-fund && npm run build) || fail "the viewers' page could not be built"
  mkdir -p target
  printf '%s\n' "$now" >"$stamp"
}
