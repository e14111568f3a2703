"""What was missed: channels that catch up, and the pulse of the web door."""

from socialsync.db import ddl

revision = "0014"
down_revision = "0013"

CATCH_UP = """
alter table channels add column missed_since timestamptz, add column missed_noted_at timestamptz,
    add column caught_up_at timestamptz;
create index ix_channels_missed_since on channels (missed_since) where missed_since is not null;

create table pulses (
    name text constraint pk_pulses primary key,
    beat_at timestamptz not null
);
comment on table pulses is 'When somebody who has to be there was there last: the web door, for webhooks';
"""
LIMITS = """
select set_config('app.system_reason', 'accounts that were connected before they had a limit', true);
insert into limits (key, rate_per_s, burst, tokens)
select distinct 'instagram:' || external_id || '/conversations', 2, 2, 2 from channels
where platform = 'instagram' and status <> 'deleted'
on conflict (key) do nothing;
select set_config('app.system_reason', '', true);
"""


def upgrade() -> None:
    ddl.run(CATCH_UP)
    ddl.run(LIMITS)


def downgrade() -> None:
    ddl.run("""
        drop table pulses;
        drop index ix_channels_missed_since;
        alter table channels drop column missed_since, drop column missed_noted_at,
            drop column caught_up_at;
        delete from limits where key like 'instagram:%/conversations';
    """)
