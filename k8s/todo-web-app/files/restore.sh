#!/usr/bin/env bash
# Replaces all data of the database by a backup, or changes nothing if that fails: restore.sh FILE DATABASE
# DATABASE is the name of the database, as a confirmation. FILE may be a folder, which means the newest backup in it. The
# backup may have an older schema; run the migration afterwards. DATABASE_URL_UNPOOLED, DATABASE_URL or PGHOST, PGUSER,
# PGPASSWORD and PGDATABASE select the database. Needs the programs of PostgreSQL, which its image has.
set -euo pipefail
url=${DATABASE_URL_UNPOOLED:-${DATABASE_URL:-}}

refuse() {
    echo "$1" >&2
    exit 1
}

run_sql() {
    psql ${url:+"--dbname=$url"} --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 "$@"
}

backup=$1
if [[ -d $backup ]]; then
    backups=("$backup"/todo-*.dump)
    backup=${backups[-1]}
fi
[[ -e $backup ]] || refuse "There is no backup $backup."
contents=$(pg_restore --list "$backup") && pg_restore --file=/dev/null "$backup" || refuse "$backup is damaged or no backup."
[[ $contents == *" SCHEMA - public "*" TABLE public alembic_version "* ]] || refuse "$backup is no backup of this service."

database=$(run_sql --command="SELECT current_database()")
[[ ${2:-} == "$database" ]] || refuse "This replaces all data of the database $database by $backup.\
 To confirm, add the name of the database: $database"

# A running service would wait for the locks of the restore, and continue with caches of the replaced data.
others=$(run_sql --command="
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()")
((others == 0)) || refuse "$others connections to the database are open. Stop the service, then restore again."

# One transaction: it ends without COMMIT if pg_restore fails. The whole schema is replaced, because tables that the
# backup does not have could prevent its tables from being dropped.
{
    echo "BEGIN; SET client_min_messages = warning; SET lock_timeout = '30s'; DROP SCHEMA IF EXISTS public CASCADE;"
    # Servers before version 17 do not know this parameter, which pg_restore writes for all of them.
    pg_restore --no-owner --no-privileges --no-comments --file=- "$backup" |
        LC_ALL=C sed '1,30{/^SET transaction_timeout = 0;$/d;}'
    echo "ALTER SCHEMA public OWNER TO pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC; COMMIT; ANALYZE;"
} | run_sql --output=/dev/null
echo "The database $database has the data of $backup. Run the migration, then start the service."
