#!/usr/bin/env bash
# Writes a backup of the database into FOLDER, and deletes all but the newest KEEP backups there: backup.sh FOLDER KEEP
# DATABASE_URL_UNPOOLED, DATABASE_URL or PGHOST, PGUSER, PGPASSWORD and PGDATABASE select the database. Needs the programs
# of PostgreSQL, which its image has.
set -euo pipefail
shopt -s nullglob
umask 077
folder=$1 keep=$2
url=${DATABASE_URL_UNPOOLED:-${DATABASE_URL:-}}

mkdir -p -- "$folder"
# Files of runs that were killed.
find "$folder" -name 'todo-*.partial' -mmin +1440 -delete
backup=$folder/todo-$(date -u +%Y%m%dT%H%M%SZ).dump
trap 'rm -f -- "$backup.partial"' EXIT
# The service's schema and extension only, because the databases of a provider contain other schemas.
pg_dump ${url:+"--dbname=$url"} --format=custom --schema=public --extension=unaccent --no-owner --no-privileges \
    --lock-wait-timeout=60s --file="$backup.partial"
# Reads all of the file, so that no file with the name of a backup is incomplete.
pg_restore --file=/dev/null "$backup.partial"
sync "$backup.partial"
mv -- "$backup.partial" "$backup"

# The names sort by time.
backups=("$folder"/todo-*.dump)
if ((${#backups[@]} > keep)); then
    rm -- "${backups[@]:0:${#backups[@]}-keep}"
fi
ls -l -- "$folder"/todo-*.dump
