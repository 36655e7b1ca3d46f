#!/bin/sh
# First the cluster with the user's password, then its database over a private socket, then the server for all.
set -eu
user=${POSTGRES_USER:-postgres}
initdb -D /data/cluster -U "$user" -A scram-sha-256 --pwfile=/dev/stdin -E UTF8 --no-sync --no-instructions <<EOF
${POSTGRES_PASSWORD:?a password is needed}
EOF
echo 'host all all all scram-sha-256' >> /data/cluster/pg_hba.conf
if [ "${POSTGRES_DB:-$user}" != postgres ]; then
    echo "CREATE DATABASE \"${POSTGRES_DB:-$user}\"" | postgres --single -D /data/cluster postgres > /dev/null
fi
exec postgres -D /data/cluster -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
