"""Who may see what: the application's role and the scope of a transaction.

Before the first table, so that no table is ever without walls.
"""

from socialsync.db import ddl

revision = "0001"
down_revision = None

ROLE = """
do $$
begin
    if not exists (select from pg_roles where rolname = 'socialsync_app') then
        create role socialsync_app nologin nosuperuser nobypassrls;
    end if;
exception when duplicate_object or unique_violation then
    null;  -- another database of this cluster made it at the same moment
end $$;

do $$
begin
    if not pg_has_role(current_user, 'socialsync_app', 'set') then
        execute format('grant socialsync_app to %I', current_user);
    end if;
    if (select rolsuper or rolbypassrls from pg_roles where rolname = 'socialsync_app') then
        raise exception 'The role socialsync_app is a superuser or bypasses row-level security'
            using hint = 'alter role socialsync_app nosuperuser nobypassrls';
    end if;
end $$;

grant usage on schema public to socialsync_app;
grant select on alembic_version to socialsync_app;
alter default privileges in schema public grant select, insert, update, delete on tables to socialsync_app;
alter default privileges in schema public grant usage, select on sequences to socialsync_app;
"""

SCOPE = """
create function app_workspace_id() returns uuid
language sql stable parallel safe
return nullif(current_setting('app.workspace_id', true), '')::uuid;

create function app_is_system() returns boolean
language sql stable parallel safe
return coalesce(current_setting('app.system_reason', true), '') <> '';

comment on function app_workspace_id() is
    'The workspace whose rows this transaction sees: set_config(''app.workspace_id'', ''<uuid>'', true)';
comment on function app_is_system() is
    'Whether this transaction works across workspaces: app.system_reason says why';
"""


def upgrade() -> None:
    ddl.run(ROLE)
    ddl.run(SCOPE)


def downgrade() -> None:
    # The role belongs to the whole cluster, other databases may use it: it stays, without rights here.
    ddl.run("""
        drop function app_workspace_id();
        drop function app_is_system();
        alter default privileges in schema public revoke all on tables from socialsync_app;
        alter default privileges in schema public revoke all on sequences from socialsync_app;
        revoke all on alembic_version from socialsync_app;
        revoke all on schema public from socialsync_app;
    """)
