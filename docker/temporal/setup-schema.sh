#!/bin/sh
# Brings Temporal's two PostgreSQL databases to the schema of this image's version: creates them the
# first time, updates them after an upgrade, changes nothing otherwise. Reads SQL_HOST, SQL_PORT,
# SQL_USER, SQL_PASSWORD; TEMPORAL_SCHEMA_DIR where the image keeps the schema elsewhere.
set -eu

schema_dir="${TEMPORAL_SCHEMA_DIR:-/etc/temporal/schema}/postgresql/v12"

setup() {
  database="$1"
  versions="$schema_dir/$2/versioned"
  echo "Setting up the schema of $database"
  temporal-sql-tool --plugin postgres12 --database "$database" create-database
  temporal-sql-tool --plugin postgres12 --database "$database" setup-schema --version 0.0
  temporal-sql-tool --plugin postgres12 --database "$database" update-schema --schema-dir "$versions"
}

setup temporal temporal
setup temporal_visibility visibility
