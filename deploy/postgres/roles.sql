-- Creates the database of one ledger and the two roles that use it. Run it once with psql as a superuser:
--
--   TRAILSEAL_OWNER_PASSWORD=... TRAILSEAL_RUNTIME_PASSWORD=... psql -X -f roles.sql postgres
--
-- TRAILSEAL_DATABASE names the database (default: trailseal). Running it for a second database keeps the roles and
-- sets their passwords anew; a database that exists already is left as it is, and its rights are set again.
--
--   trailseal_owner    owns every table and runs migrations. Its credentials are needed only while migrating.
--   trailseal_runtime  what the service connects as. It owns nothing, so it can neither drop nor disable a trigger;
--                      it can create nothing, not even a temporary table; it may truncate nothing. Each migration
--                      grants it, table by table, what the table's class allows (a log table: SELECT and INSERT).
--   trailseal_eraser   nobody can log in as it. Two functions of the schema run with its rights, and delete what an
--                      erasure's or a disposal's entry names, and nothing else; triggers hold even it to that.

\set ON_ERROR_STOP on
\set database trailseal
\getenv database TRAILSEAL_DATABASE
\getenv owner_password TRAILSEAL_OWNER_PASSWORD
\getenv runtime_password TRAILSEAL_RUNTIME_PASSWORD
\if :{?owner_password}
\else
    \warn 'Set TRAILSEAL_OWNER_PASSWORD and TRAILSEAL_RUNTIME_PASSWORD first; nothing was changed.'
    SELECT 1 / 0 AS "TRAILSEAL_OWNER_PASSWORD is not set";
\endif
\if :{?runtime_password}
\else
    \warn 'Set TRAILSEAL_OWNER_PASSWORD and TRAILSEAL_RUNTIME_PASSWORD first; nothing was changed.'
    SELECT 1 / 0 AS "TRAILSEAL_RUNTIME_PASSWORD is not set";
\endif

-- Keep the passwords of the next statements out of the server's log, whatever it is set to.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I', role)
FROM (VALUES ('trailseal_owner'), ('trailseal_runtime'), ('trailseal_eraser')) AS wanted(role)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec

ALTER ROLE trailseal_owner
    LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE trailseal_runtime
    LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT PASSWORD :'runtime_password';
ALTER ROLE trailseal_eraser NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT;
-- The owner gives the role its function while migrating; it never acts as it.
GRANT trailseal_eraser TO trailseal_owner;

-- Byte order everywhere: the C collation sorts text as the log, the API and SQLite do.
SELECT format('CREATE DATABASE %I OWNER trailseal_owner TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
              :'database', 'UTF8', 'C', 'C')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
\gexec

\connect :"database"

REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
REVOKE ALL ON DATABASE :"database" FROM trailseal_runtime;
GRANT CONNECT ON DATABASE :"database" TO trailseal_runtime;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM trailseal_runtime;
GRANT USAGE ON SCHEMA public TO trailseal_runtime;
