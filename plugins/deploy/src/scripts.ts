/**
 * The scripts that change an environment, for any POSIX shell, on this machine or over ssh. A script that explains its
 * failure itself exits with 3. $1 is the root, $2 the run.
 */

/** The exit code of a script that refuses to act and says why. */
export const REFUSED = 3

const prelude = String.raw`
set -eu
umask 022
root=$1 run=$2
shift 2
releases=$root/releases
fail() { printf '%s\n' "$*" >&2; exit 3; }

# One run at a time, and none that was superseded: a run that hung may wake up after a later one has started.
lock() {
  exec 9>>"$root/.ops-lock"
  # Without flock, as on macOS, the exclusivity of the task has to suffice.
  if command -v flock >/dev/null 2>&1; then
    tries=0
    # Not every flock has -w.
    until flock -n 9; do
      tries=$((tries + 1))
      [ $tries -le 20 ] || fail "$root is still locked by another run; find the process that has $root/.ops-lock open"
      sleep 1
    done
  fi
  check
}
check() {
  last=$(cat "$root/.ops-run" 2>/dev/null) || last=0
  case $last in ''|*[!0-9]*) last=0 ;; esac
  [ "$last" -le "$run" ] || fail "run $run was superseded by run $last in $root; if the database was recreated, remove $root/.ops-run"
}

# rename(2) replaces a link. Without the option mv would move into the folder that the link points to.
replace() { mv -fT -- "$1" "$2" 2>/dev/null || mv -fh "$1" "$2"; }

# fsync(2) of files and folders, if sync accepts names.
flush() { sync -- "$@" 2>/dev/null || sync; }
# A whole tree, which must be on the disk before it is renamed into place.
flush_tree() { sync -f -- "$1" 2>/dev/null || sync; }

# Renamed first, so that processes still using it cannot interfere with what comes next. Folders may be read-only.
discard() {
  for path in "$@"; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    trash=$releases/.trash.$run.$(basename "$path")
    mv -f -- "$path" "$trash"
    [ -L "$trash" ] || chmod -R u+rwX -- "$trash" 2>/dev/null || :
    rm -rf -- "$trash" 2>/dev/null || :
  done
}
note() { mkdir -p "$1"; printf '%s\n' "$3" > "$1/.$2.new"; replace "$1/.$2.new" "$1/$2"; }
is_complete() { [ -f "$releases/$1/.ops-release/release.json" ]; }
`

const list = String.raw`
if [ -L "$root/current" ]; then printf 'current\t%s\n' "$(readlink "$root/current")"; fi
for path in "$releases"/*; do
  number=$(basename "$path")
  case $number in *[!0-9]*) continue ;; esac
  is_complete "$number" || continue
  printf 'release\t%s\t%s\n' "$number" "$(head -n 1 "$path/.ops-release/release.json")"
  for mark in succeeded withdrawn; do
    if [ -f "$path/.ops-release/$mark" ]; then printf '%s\t%s\t%s\n' "$mark" "$number" "$(head -n 1 "$path/.ops-release/$mark")"; fi
  done
done
`

/** Lists the releases; changes nothing. */
export const listScript = `${prelude}${list}`

/** Creates the folders, takes the environment for this run, and removes what killed runs left. */
export const beginScript = String.raw`${prelude}
mkdir -p "$releases" "$root/shared" 2>/dev/null || fail "cannot create or write $root as user $(id -un)"
if [ -e "$root/current" ] && [ ! -L "$root/current" ]; then
  fail "$root/current is not a symbolic link; move it away, and files to keep to $root/shared"
fi
lock
printf '%s\n' "$run" > "$root/.ops-run.new" && replace "$root/.ops-run.new" "$root/.ops-run" && flush "$root/.ops-run" "$root"
for path in "$root"/.current.*; do rm -f -- "$path"; done
for path in "$releases"/.trash.*; do
  [ -e "$path" ] || continue
  chmod -R u+rwX -- "$path" 2>/dev/null || :
  rm -rf -- "$path" || :
done
for path in "$releases"/*.partial "$releases"/*.partial.tar.gz; do discard "$path"; done
${list}`

/** Unpacks $4, whose sha256 is $5, as release $3; $6 is yes if the archive is a copy to be removed. */
export const unpackScript = `${prelude}
number=$1 archive=$2 expected=$3 isCopy=$4
partial=$releases/$number.partial
check
if command -v sha256sum >/dev/null 2>&1; then sum=$(sha256sum < "$archive")
elif command -v shasum >/dev/null 2>&1; then sum=$(shasum -a 256 < "$archive")
else sum=$(openssl dgst -sha256 -r < "$archive")
fi
sum=$(printf %s "$sum" | cut -c 1-64)
[ "$sum" = "$expected" ] || fail "the artifact was damaged while copying: expected sha256 $expected, got $sum"
mkdir -- "$partial"
# -o: the files belong to the user who unpacks them.
tar -xzof "$archive" -C "$partial"
# As root, tar keeps every bit.
chmod -R go-w,ug-s -- "$partial"
if [ "$isCopy" = yes ]; then rm -f -- "$archive"; fi
`

/** Creates links to shared paths in release $3: triples of path, link target, and whether it is a folder. */
export const linkScript = String.raw`${prelude}
partial=$releases/$1.partial
shift
check
while [ $# -gt 0 ]; do
  path=$1 text=$2 isFolder=$3
  shift 3
  shared=$root/shared/$path
  # Through a link in the artifact, this would remove and write outside of the release.
  parent=$(dirname "$path")
  while [ "$parent" != . ]; do
    if [ -L "$partial/$parent" ]; then fail "cannot share \"$path\": \"$parent\" is a symbolic link in the artifact"; fi
    parent=$(dirname "$parent")
  done
  if [ ! -e "$shared" ] && [ ! -L "$shared" ]; then
    mkdir -p "$(dirname "$shared")"
    if [ -e "$partial/$path" ]; then cp -Rp -- "$partial/$path" "$shared"
    elif [ "$isFolder" = yes ]; then mkdir -p "$shared"
    else fail "$shared does not exist; create it, or write \"$path/\" in \"shared\" if it is a folder"
    fi
  fi
  mkdir -p "$(dirname "$partial/$path")"
  rm -rf -- "$partial/$path"
  ln -s -- "$text" "$partial/$path"
done
`

/** Runs the command $4 in the folder $3 of the root. */
export const commandScript = `${prelude}
check
cd "$root/$1"
/bin/sh -c "$2"
`

/** Completes release $3, with $4 as its release.json. */
export const completeScript = `${prelude}
number=$1 info=$2
partial=$releases/$number.partial
lock
rm -rf -- "$partial/.ops-release"
note "$partial/.ops-release" release.json "$info"
flush_tree "$partial"
if [ -e "$releases/$number" ]; then fail "$releases/$number already exists"; fi
replace "$partial" "$releases/$number"
flush "$releases"
`

/** Makes release $3 the current one; without a number, removes `current`. */
export const switchScript = `${prelude}
lock
if [ -z "$1" ]; then rm -f -- "$root/current"
else
  is_complete "$1" || fail "$releases/$1 is not a complete release"
  rm -f -- "$root/.current.$run"
  ln -s -- "releases/$1" "$root/.current.$run"
  replace "$root/.current.$run" "$root/current"
fi
flush "$root"
`

/** Records that release $3 succeeded or was withdrawn ($4), and when or why ($5). */
export const markScript = `${prelude}
lock
folder=$releases/$1/.ops-release
if [ "$2" = succeeded ]; then rm -f -- "$folder/withdrawn"; fi
note "$folder" "$2" "$3"
`

/** Removes the releases $3, $4, …; 8.partial is an incomplete one. */
export const removeScript = `${prelude}
lock
current=$(readlink "$root/current" 2>/dev/null) || current=
for name in "$@"; do
  if [ "$current" = "releases/$name" ]; then fail "cannot remove $name: it is the current release of $root"; fi
  discard "$releases/$name"
done
`
