#!/bin/sh
set -e

# What root's starts have compiled.
rm -rf /var/cache/pontage
if [ "$1" != purge ]; then
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
  exit 0
fi

# It starts this script anew, with a way to ask: nothing is done before it.
asks=false
if [ -e /usr/share/debconf/confmodule ]; then
  . /usr/share/debconf/confmodule
  asks=true
fi

# Keys and signed promises are money: they go only where somebody said so.
delete=false
kept=
for home in @HOMES@; do
  if [ -n "$(ls -A "$home" 2>/dev/null)" ]; then kept="$kept $home"; fi
done
if [ -n "$kept" ] && [ "$asks" = true ]; then
  db_input critical @PACKAGE@/delete-keys || true
  db_go || true
  if db_get @PACKAGE@/delete-keys; then delete=$RET; fi
fi
for home in @HOMES@; do
  if [ "$delete" = true ]; then rm -rf "$home"; fi
  rmdir "$home" 2>/dev/null || true
done
if [ -n "$kept" ] && [ "$delete" != true ]; then
  echo "Kept, because keys with money may lie there:$kept" >&2
fi
echo "Homes of users (~/.pontage) and passwords in /etc/pontage are not touched." >&2
if [ "$asks" = true ]; then db_purge; fi
