"""What a database consists of, in Postgres's own words: each object and its definition, to be compared."""

from typing import Any

import psycopg

Catalog = dict[str, str]
"""``{"column posts.status": "text not null", "index ix_posts_due": "CREATE INDEX ...", ...}``."""

_OURS = """
with schema as (
    select oid, nspname, nspacl from pg_namespace
    where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'
), member as (
    select classid, objid from pg_depend where deptype = 'e'  -- an extension's
), relation as (
    select c.*, case when nspname = 'public' then '' else nspname || '.' end || relname as name
    from pg_class c join schema s on s.oid = relnamespace
    where ('pg_class'::regclass, c.oid) not in (table member)
), function as (
    select p.*, p.oid::regprocedure::text as name from pg_proc p join schema s on s.oid = pronamespace
    where prokind in ('f', 'p') and ('pg_proc'::regclass, p.oid) not in (table member)
), type as (
    select t.*, typname as name from pg_type t join schema s on s.oid = typnamespace
    where ('pg_type'::regclass, t.oid) not in (table member)
)
"""

_SCHEMAS = "select 'schema ' || nspname, '' from schema where nspname <> 'public'"

_RELATIONS = """
select concat(case relkind when 'r' then 'table' when 'v' then 'view' else 'relation' end, ' ', name),
    concat_ws(' ', relkind, case when relrowsecurity then 'walled' end,
        case when relforcerowsecurity then 'forced' end, reloptions::text,
        case when relkind in ('v', 'm') then pg_get_viewdef(oid) end)
from relation where relkind not in ('i', 'c')
"""

_COLUMNS = """
select 'column ' || name || '.' || attname,
    concat_ws(' ', format_type(atttypid, atttypmod), case when attnotnull then 'not null' end,
        'default ' || pg_get_expr(adbin, adrelid), nullif(attidentity, ''), nullif(attgenerated, ''))
from relation r join pg_attribute on attrelid = r.oid
left join pg_attrdef on adrelid = attrelid and adnum = attnum
where attnum > 0 and not attisdropped and relkind in ('r', 'p', 'v', 'm', 'c')
"""

_INDEXES = """
select 'index ' || i.relname, pg_get_indexdef(indexrelid)
from relation t join pg_index on indrelid = t.oid join pg_class i on i.oid = indexrelid
"""

_CONSTRAINTS = """
select 'constraint ' || name || '.' || conname, pg_get_constraintdef(c.oid)
from relation r join pg_constraint c on conrelid = r.oid
where contype not in ('n', 't')  -- columns say themselves whether they are not null; triggers are below
"""

_POLICIES = """
select 'policy ' || name || '.' || polname,
    concat_ws(' | ', polcmd, polpermissive, polroles::regrole[]::text, pg_get_expr(polqual, polrelid),
        pg_get_expr(polwithcheck, polrelid))
from relation r join pg_policy on polrelid = r.oid
"""

_TRIGGERS = """
select 'trigger ' || name || '.' || tgname, concat_ws(' ', tgenabled, pg_get_triggerdef(t.oid))
from relation r join pg_trigger t on tgrelid = r.oid where not tgisinternal
"""

_FUNCTIONS = "select 'function ' || name, pg_get_functiondef(oid) from function"

_TYPES = """
select 'type ' || name, concat_ws(' ', typtype,
    (select string_agg(enumlabel, ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid))
from type t left join pg_class c on c.oid = typrelid
where typtype in ('d', 'e') or relkind = 'c'  -- tables are types too, and shown above
"""

_EXTENSIONS = "select 'extension ' || extname, '' from pg_extension where extname <> 'plpgsql'"

_DEFAULT_PRIVILEGES = """
select 'privileges ' || concat_ws(' ', defaclobjtype, 'in', nspname), defaclacl::text
from pg_default_acl left join schema s on s.oid = defaclnamespace
"""

_PRIVILEGES = """
select 'privileges ' || name || ' of ' || case grantee when 0 then 'public' else grantee::regrole::text end,
    string_agg(privilege_type, ', ' order by privilege_type)
from (
    select name, (aclexplode(relacl)).* from relation
    union all select nspname, (aclexplode(nspacl)).* from schema
    union all select name, (aclexplode(proacl)).* from function
) granted
where grantee <> 10  -- the server's owner
group by name, grantee
"""

_QUERIES = (
    _SCHEMAS, _RELATIONS, _COLUMNS, _INDEXES, _CONSTRAINTS, _POLICIES, _TRIGGERS, _FUNCTIONS, _TYPES,
    _EXTENSIONS, _DEFAULT_PRIVILEGES, _PRIVILEGES,
)  # fmt: skip


def read(connection: psycopg.Connection[Any]) -> Catalog:
    """Everything in this database that is not Postgres's own, nor an extension's."""
    found: Catalog = {}
    for query in _QUERIES:
        found.update(connection.execute(_OURS + query).fetchall())
    return found


def differences(here: Catalog, there: Catalog) -> list[str]:
    """What stands in one and not, or otherwise, in the other: a sentence each."""
    return [
        f"{name}: {here.get(name, 'missing')!r} here, {there.get(name, 'missing')!r} there"
        for name in sorted({*here, *there})
        if here.get(name) != there.get(name)
    ]
