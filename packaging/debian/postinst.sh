#!/bin/sh
set -e
. /usr/share/debconf/confmodule

if [ "$1" = configure ]; then
  for each in @PROGRAMS@; do
    if [ -e "/usr/lib/sysusers.d/$each.conf" ]; then systemd-sysusers "$each.conf"; fi
    if [ -e "/usr/lib/tmpfiles.d/$each.conf" ]; then systemd-tmpfiles --create "$each.conf"; fi
  done >&2
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload >&2
    # Nothing that runs is stopped for an upgrade: sessions would end with it.
    for unit in @UNITS@; do
      if [ -n "$2" ] && systemctl -q is-active "$unit"; then
        echo "$unit goes on with the version before this one until: systemctl restart $unit" >&2
      fi
    done
  fi
fi
