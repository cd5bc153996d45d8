# What the Linux client of TestLinux does, as /payload of package guest's
# initramfs. Each line that begins with "= " is one result.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
for module in /modules/*; do insmod "$module"; done
busybox --install -s /bin 2>/dev/null
ip link set lo up
ip addr add 192.168.1.60/24 dev eth0
ip link set eth0 up

on() { mount -t nfs -o "$2,vers=3,nolock,proto=tcp" "192.168.1.103:$1" /mnt 2>/tmp/said || { echo "= mount $1: $(sed 's/.*failed: //' /tmp/said)"; return 1; }; }
try() { "$@" </dev/null >/tmp/out 2>/tmp/said && echo "= $*: ok" || echo "= $*: $(sed 's/.*: //; q' /tmp/said)"; }

if on /tree ro; then
	cd /mnt
	find . -path "./many/*" -prune -o -print | sort | while read -r name; do
		echo "= $(stat -c '%n %f %s %u %g %h %t:%T %Y' "$name") $(readlink "$name")"
	done
	try touch new
	try chmod 777 file
	try rm -f file
	try cat secret
	try ls closed
	echo "= link $(cat link)"
	echo "= sum $(sha256sum big)"
	cd /
	umount /mnt
fi
if on /tree/many ro; then
	echo "= many $(ls /mnt | sort -u | wc -l)"
	umount /mnt
fi
on /elsewhere ro
on /tree/nothere ro
if on /rw rw; then
	cd /mnt
	try cp /bin/busybox copy
	try chmod 4711 copy
	try ln copy hard
	try ln -s copy soft
	try mkdir folder
	try mkfifo pipe
	try chown -h 0:0 soft
	try mv soft folder/moved
	try touch -d '2001-02-03 04:05:06' copy
	try truncate -s 5 short
	try rmdir folder
	echo one >log
	echo two >>log
	cd /
	umount /mnt
fi
echo "= done"
