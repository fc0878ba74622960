# Where things are. Sourced by the scripts beside it; a shell that runs cargo with the RocksDB feature
# by hand sources it too and calls use_rocksdb, or RocksDB is compiled again for that checkout.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
# What one machine needs once, whatever the number of checkouts.
export DUOCHAIN_CACHE=${DUOCHAIN_CACHE:-$HOME/.cache/duochain}
target=${CARGO_TARGET_DIR:-$top/target}
[[ $target = /* ]] || target=$top/$target
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin

# Version of a crate in Cargo.lock.
locked() {
    awk -v name="\"$1\"" '$1 == "name" && $3 == name { getline; gsub(/"/, "", $3); print $3; exit }' "$top/Cargo.lock"
}

# Version of this project.
version() {
    sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -n 1
}

rocksdb_lib=$DUOCHAIN_CACHE/rocksdb-$(locked librocksdb-sys)/lib

# Every later cargo call links the archive that deploy/rocksdb built once.
use_rocksdb() {
    export ROCKSDB_LIB_DIR=$rocksdb_lib ROCKSDB_STATIC=1
}

# Home of an installed JDK of major version $1; nothing when there is none.
jdk() {
    local home
    for home in ${JAVA_HOME:+"$JAVA_HOME"} /usr/lib/jvm/*; do
        if [[ -x $home/bin/javac ]] && grep -qs "^JAVA_VERSION=\"$1[.\"]" "$home/release"; then
            printf '%s\n' "$home"
            return
        fi
    done
}

# Runs a command under a heading and tells how long it took.
step() {
    local name=$1 begun=$SECONDS status=0
    shift
    printf '==> %s\n' "$name"
    "$@" || status=$?
    printf '<== %s: %s, %d s\n' "$name" "$([[ $status = 0 ]] && echo done || echo "FAILED ($status)")" $((SECONDS - begun))
    return "$status"
}

fail() {
    printf 'duochain: %s\n' "$*" >&2
    exit 1
}
