#!/bin/sh
set -e

if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
[ "$1" = purge ] || exit 0

# Keys hold money: they go only where somebody said so.
delete=false
kept=
for home in @HOMES@; do
  if [ -e "$home/keystore.json" ]; then kept="$kept $home"; fi
done
if [ -n "$kept" ] && [ -e /usr/share/debconf/confmodule ]; then
  . /usr/share/debconf/confmodule
  db_input critical @PACKAGE@/delete-keys || true
  db_go || true
  db_get @PACKAGE@/delete-keys && delete=$RET
fi
for home in @HOMES@; do
  if [ "$delete" = true ] || [ ! -e "$home/keystore.json" ]; then rm -rf "$home"; fi
done
if [ -n "$kept" ] && [ "$delete" != true ]; then
  echo "Kept, because keys with money may lie there:$kept" >&2
fi
echo "Homes of users (~/.pontage) and passwords in /etc/pontage are not touched." >&2
if [ -e /usr/share/debconf/confmodule ]; then
  . /usr/share/debconf/confmodule
  db_purge
fi
