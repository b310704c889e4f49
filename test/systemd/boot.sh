#!/usr/bin/env bash
# Becomes the first process of a machine of its own: a real systemd with journald and D-Bus, in namespaces that
# sandbox.ts has made. What units and installers write to is private and starts empty or as a copy; all else is the
# machine's own. The checkout and Node are where hardened units see them too, wherever they lie outside; what is in the
# folder for temporary files has the same path on both sides.
#
#   boot.sh PLACE CHECKOUT NODE TEMPORARY
set -e
place=$1 checkout=$2 node=$3 temporary=$4
hide() {
  [[ ! -d $1 ]] || mount -t tmpfs -o mode=0755 tmpfs "$1"
}
mount --make-rprivate /
hide "$(dirname "$place")"
mkdir -p "$place/checkout" "$place/bin" "$place/temporary"
touch "$place/bin/node"
mount --bind "$checkout" "$place/checkout"
mount --bind "$node" "$place/bin/node"
mount --bind "$temporary" "$place/temporary"
for folder in /run /var/tmp /var/log /var/lib /var/cache /srv /home /usr/local/lib; do
  [[ $place == "$folder"/* ]] || hide "$folder"
done
mkdir -p "$temporary"
mount --move "$place/temporary" "$temporary"
cp -a /etc /run/ops-etc
mount --bind /run/ops-etc /etc
rm -rf /etc/systemd && mkdir -p /etc/systemd/system
mkdir -p /run/lock /run/systemd /run/dbus /var/lib/systemd /var/log/journal
# As systemd-tmpfiles leaves it: who is in this group reads the journal.
chgrp systemd-journal /var/log/journal && chmod 2755 /var/log/journal
if [[ -d /sys/fs/cgroup/unified ]]; then
  # A tmpfs of its own: systemd would remount the one it finds read-only, for the whole machine.
  mount -t tmpfs tmpfs /sys/fs/cgroup
  mkdir /sys/fs/cgroup/unified /sys/fs/cgroup/systemd
  mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
  mount -t cgroup -o none,name=systemd,xattr cgroup /sys/fs/cgroup/systemd
elif [[ -e /sys/fs/cgroup/cgroup.procs ]]; then
  umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
units=/etc/systemd/system
# What takes care of a machine's hardware has no place here.
for unit in systemd-tmpfiles-setup systemd-tmpfiles-setup-dev systemd-tmpfiles-clean systemd-sysctl systemd-sysusers \
  systemd-modules-load systemd-random-seed systemd-udevd systemd-udev-trigger systemd-remount-fs systemd-timesyncd \
  systemd-logind systemd-update-utmp kmod-static-nodes; do
  ln -s /dev/null "$units/$unit.service"
done
ln -s /dev/null "$units/systemd-tmpfiles-clean.timer"
# Stand-ins, so that units that are wanted by them start as on a server.
for target in multi-user network network-online basic sysinit; do
  printf '[Unit]\nDefaultDependencies=no\n' >"$units/$target.target"
done
cat >"$units/sandbox.target" <<'UNIT'
[Unit]
DefaultDependencies=no
AllowIsolate=yes
Wants=dbus.socket systemd-journald.socket multi-user.target
UNIT
export container=other
exec env -i PATH="$PATH" container=other /lib/systemd/systemd \
  --system --unit=sandbox.target --log-target=journal --show-status=no
