#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints a unit made from its template: names of folders filled in, the hardening that all share inserted.
# usage: pkglibexecdir=... sbindir=... make-unit.sh FOLDER UNIT
set -eu
: "${pkglibexecdir:?}" "${sbindir:?}"
folder=$1 unit=$2
app=${unit#annals-}
app=${app%.*}
case $app in
    ingest) what='takes events in' ;;
    search) what='answers queries' ;;
    admin) what='the console' ;;
    *) what= ;;
esac
template=$folder/$unit.in
[ -z "$what" ] || template=$folder/annals-app.${unit##*.}.in
sed -e "/^@hardening@$/{
r $folder/hardening.conf
d
}" -e "s|@app@|$app|g" -e "s|@what@|$what|g" \
    -e "s|@pkglibexecdir@|$pkglibexecdir|g" -e "s|@sbindir@|$sbindir|g" "$template"
