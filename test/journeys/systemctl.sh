#!/bin/sh
# Starts and stops services by their units where no systemd runs: user, folders, credentials and environment as it sets them.
set -eu
for name in "$@"; do :; done
name=${name%.service}
unit=/usr/lib/systemd/system/$name.service
field() { sed -n "s/^$1=//p" "$unit" | sed "s|%S|/var/lib|g"; }
case "$1" in
  enable | start | restart)
    user=$(field User)
    user=${user:-root}
    credentials=/run/credentials/$name
    mkdir -p "$credentials"
    IFS=: read -r credential from <<EOF
$(field LoadCredential)
EOF
    if [ -e "$from" ]; then install -o "$user" -m 400 "$from" "$credentials/$credential"; fi
    for folder in $(field RuntimeDirectory); do install -d -m "$(field RuntimeDirectoryMode)" "/run/$folder"; done
    for folder in $(field StateDirectory); do install -d -o "$user" -m 700 "/var/lib/$folder"; done
    # shellcheck disable=SC2046 # words on purpose
    CREDENTIALS_DIRECTORY=$credentials setsid runuser -u "$user" -- env $(field Environment) $(field ExecStart) \
      >"/run/$name.log" 2>&1 </dev/null &
    echo $! >"/run/$name.pid"
    ;;
  stop)
    pid=$(cat "/run/$name.pid")
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    ;;
  show)
    # Asked for nothing but whether it runs.
    if pid=$(cat "/run/$name.pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null; then echo active; else echo inactive; fi
    ;;
  *) exec /bin/systemctl "$@" ;;
esac
