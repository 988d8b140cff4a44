#!/bin/sh
set -e
# Nothing is asked for before the package is purged.
. /usr/share/debconf/confmodule
