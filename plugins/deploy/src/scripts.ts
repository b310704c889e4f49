/**
 * What is done where an environment is, for any POSIX shell: the same here and behind ssh. Each script ends with 3 when
 * it says itself what is wrong. $1 is the root, $2 the run.
 */

/** The exit code of a script that says why. */
export const saidWhy = 3

const prelude = String.raw`
set -eu
umask 022
root=$1 run=$2
shift 2
releases=$root/releases
fail() { printf '%s\n' "$*" >&2; exit 3; }

# Only one at a time, and nobody whose time is over: a run that hung, and whose successor has begun, comes too late.
lock() {
  exec 9>>"$root/.ops-lock"
  # Without flock, as on macOS, the exclusivity of the task has to do.
  if command -v flock >/dev/null 2>&1; then
    tries=0
    # -w is not everywhere.
    until flock -n 9; do
      tries=$((tries + 1))
      [ $tries -le 20 ] || fail "$root is locked by another run that does not end; see who has $root/.ops-lock open"
      sleep 1
    done
  fi
  check
}
check() {
  last=$(cat "$root/.ops-run" 2>/dev/null) || last=0
  case $last in ''|*[!0-9]*) last=0 ;; esac
  [ "$last" -le "$run" ] || fail "run $last has taken over $root, so run $run, which is older, does nothing more; if the database of ops was made anew, remove $root/.ops-run"
}

# rename(2) over what is there. Without the option mv would go into the folder that a link leads to.
replace() { mv -fT -- "$1" "$2" 2>/dev/null || mv -fh "$1" "$2"; }

# fsync(2) of files and folders, where sync takes names.
flush() { sync -- "$@" 2>/dev/null || sync; }
# All of a tree: what is renamed into its place must be on the disk before it.
flush_tree() { sync -f -- "$1" 2>/dev/null || sync; }

# Under another name first: what still works in it cannot get into what comes next. Folders may be read-only.
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

/** What is there; changes nothing. */
export const listScript = `${prelude}${list}`

/** Makes the folders, takes the environment for this run, and removes what runs that were killed have left. */
export const beginScript = String.raw`${prelude}
mkdir -p "$releases" "$root/shared" 2>/dev/null || fail "$root cannot be made or written to by $(id -un)"
if [ -e "$root/current" ] && [ ! -L "$root/current" ]; then
  fail "$root/current is no symbolic link, so it cannot be switched; move it away, and what must stay of it to $root/shared"
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

/** Unpacks $4, whose sha256 is $5, as release $3; $6 says whether the archive is a copy that can go. */
export const unpackScript = `${prelude}
number=$1 archive=$2 expected=$3 isCopy=$4
partial=$releases/$number.partial
check
if command -v sha256sum >/dev/null 2>&1; then sum=$(sha256sum < "$archive")
elif command -v shasum >/dev/null 2>&1; then sum=$(shasum -a 256 < "$archive")
else sum=$(openssl dgst -sha256 -r < "$archive")
fi
sum=$(printf %s "$sum" | cut -c 1-64)
[ "$sum" = "$expected" ] || fail "the artifact has changed on its way: its sha256 is $sum, expected $expected"
mkdir -- "$partial"
# -o: it belongs to whoever unpacks it.
tar -xzof "$archive" -C "$partial"
if [ "$isCopy" = yes ]; then rm -f -- "$archive"; fi
`

/** Puts links to what is shared into release $3: groups of a path, the text of its link, and whether it is a folder. */
export const linkScript = String.raw`${prelude}
partial=$releases/$1.partial
shift
check
while [ $# -gt 0 ]; do
  path=$1 text=$2 isFolder=$3
  shift 3
  shared=$root/shared/$path
  # Through a link of the artifact's own this would remove and write wherever that leads.
  parent=$(dirname "$path")
  while [ "$parent" != . ]; do
    if [ -L "$partial/$parent" ]; then fail "\"$path\" cannot be shared, since \"$parent\" is a link in the artifact"; fi
    parent=$(dirname "$parent")
  done
  if [ ! -e "$shared" ] && [ ! -L "$shared" ]; then
    mkdir -p "$(dirname "$shared")"
    if [ -e "$partial/$path" ]; then cp -Rp -- "$partial/$path" "$shared"
    elif [ "$isFolder" = yes ]; then mkdir -p "$shared"
    else fail "$shared does not exist; put it there, or write \"$path/\" in \"shared\" for a folder that is made"
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

/** Makes release $3 complete: from here on it is whole, with $4 in it as what is known of it. */
export const completeScript = `${prelude}
number=$1 about=$2
partial=$releases/$number.partial
lock
rm -rf -- "$partial/.ops-release"
note "$partial/.ops-release" release.json "$about"
flush_tree "$partial"
if [ -e "$releases/$number" ]; then fail "$releases/$number exists already"; fi
replace "$partial" "$releases/$number"
flush "$releases"
`

/** Makes release $3 the current one; without a number there is none any more. */
export const switchScript = `${prelude}
lock
if [ -z "$1" ]; then rm -f -- "$root/current"
else
  is_complete "$1" || fail "$releases/$1 is no complete release"
  rm -f -- "$root/.current.$run"
  ln -s -- "releases/$1" "$root/.current.$run"
  replace "$root/.current.$run" "$root/current"
fi
flush "$root"
`

/** Notes that release $3 has succeeded, or was withdrawn ($4), and since when or why ($5). */
export const markScript = `${prelude}
lock
about=$releases/$1/.ops-release
if [ "$2" = succeeded ]; then rm -f -- "$about/withdrawn"; fi
note "$about" "$2" "$3"
`

/** Removes the releases $3, $4, …, or what is left of one that was not completed (8.partial). */
export const removeScript = `${prelude}
lock
current=$(readlink "$root/current" 2>/dev/null) || current=
for name in "$@"; do
  if [ "$current" = "releases/$name" ]; then fail "$name is the current release of $root, and stays"; fi
  discard "$releases/$name"
done
`
