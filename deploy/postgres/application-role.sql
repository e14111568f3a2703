-- The role that everything but the migrations signs in with. Postgres runs this once, when its volume is made;
-- to change the password later, run it again with psql as the owner.
\getenv password SOCIALSYNC_APP_PASSWORD
select 'create role socialsync_app'
where not exists (select from pg_roles where rolname = 'socialsync_app') \gexec
alter role socialsync_app login nosuperuser nocreatedb nocreaterole nobypassrls password :'password';
