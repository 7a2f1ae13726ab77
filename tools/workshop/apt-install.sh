#!/bin/sh
# apt-install.sh PACKAGE...: installs packages, as root, without starting their services now or at the next boot.
# While it works, policy-rc.d says "do not start"; one that was there before is put back, whatever happens.
set -u
policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
saved=$policy.before-workshop
mark='made by the workshop while it installs packages'

put_back() {
    if [ -f "$policy" ] && grep -q "$mark" "$policy"; then rm -f "$policy"; fi
    if [ -e "$saved" ] || [ -L "$saved" ]; then mv -f "$saved" "$policy"; fi
}

forbid_starts() {
    put_back # what an earlier run left that was killed
    if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$saved"; fi
    printf '#!/bin/sh\n# %s\nexit 101\n' "$mark" >"$policy"
    chmod 755 "$policy"
}

# Units of the packages that were not here before. The workshop runs its own instances: a system's own would take
# their ports at the next boot.
disable_units() {
    command -v systemctl >/dev/null || return 0
    for package in "$@"; do
        for unit in $(dpkg -L "$package" 2>/dev/null | sed -n 's,^\(/usr\)\?/lib/systemd/system/\([^/@]*\.\(service\|socket\|timer\)\)$,\2,p'); do
            systemctl disable "$unit" >/dev/null 2>&1 || true
        done
    done
}

installed() {
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' | sed -n 's/ installed$//p' | sort
}

trap '' INT TERM HUP
trap put_back EXIT
export DEBIAN_FRONTEND=noninteractive
before=$(mktemp) after=$(mktemp)
installed >"$before"
forbid_starts
dpkg --configure -a # what an earlier, interrupted installation left
apt-get -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@"
status=$?
installed >"$after"
disable_units $(comm -13 "$before" "$after" | grep -E '^(postgresql|redis|rabbitmq|prometheus|erlang-base|epmd|nginx)')
rm -f "$before" "$after"
exit $status
