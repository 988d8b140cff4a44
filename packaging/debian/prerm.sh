#!/bin/sh
set -e

if [ "$1" = remove ]; then
  if [ -d /run/systemd/system ]; then systemctl --quiet disable --now @UNITS@ >&2; fi
@REMOVAL@
fi
