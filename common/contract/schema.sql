-- The tables of the workshop. Run as one simple query, which makes it one transaction.
--
-- It runs at every start, so where all is in place it must neither change anything nor wait for a
-- reader or a writer. That is why indexes and columns are looked up in the catalogue first: even
-- `create index if not exists` takes a lock that waits for every insert.

set local client_min_messages = warning; -- no notice that a table exists
set local statement_timeout = 0;         -- an index on someone's large table takes its time

-- Two programs that start at once go one after the other. The key is ours alone by convention.
select pg_advisory_xact_lock(5000, 5001);

create table if not exists fruits (
    id         bigint generated always as identity primary key,
    name       text not null,
    quantity   integer not null check (quantity > 0),
    created_at timestamptz not null default now(),
    message_id uuid unique -- null where a message had none
);

create table if not exists dead_letter (
    id          bigint generated always as identity primary key,
    received_at timestamptz not null default now(),
    message_id  uuid unique,
    reason      text not null,
    body        bytea not null
);

-- Another implementation of the workshop may have made `fruits` first, as it sees fit: then what
-- our statements need is added, and its columns keep their types.
do $$
declare
    missing text;
begin
    -- Without these it is a table of something else.
    select string_agg(needed, ', ') into missing
    from unnest(array['name', 'quantity']) as needed
    where not exists (select from pg_attribute where attrelid = 'fruits'::regclass
                      and attname = needed and not attisdropped);
    if missing is not null then
        raise exception 'the table fruits is not ours: it has no column %', missing;
    end if;

    -- When a row came. A column of that name may exist without a default, filled by its program.
    if not exists (select from pg_attribute where attrelid = 'fruits'::regclass
                   and attname = 'created_at' and not attisdropped) then
        alter table fruits add column created_at timestamptz not null default now();
    elsif not exists (select from pg_attribute where attrelid = 'fruits'::regclass
                      and attname = 'created_at' and atthasdef) then
        alter table fruits alter column created_at set default now();
    end if;

    -- The message's id, which may be missing in a row.
    if not exists (select from pg_attribute where attrelid = 'fruits'::regclass
                   and attname = 'message_id' and not attisdropped) then
        alter table fruits add column message_id uuid;
    elsif exists (select from pg_attribute where attrelid = 'fruits'::regclass
                  and attname = 'message_id' and attnotnull) then
        alter table fruits alter column message_id drop not null;
    end if;

    -- What `on conflict (message_id)` needs: a unique index on this column alone, on all rows.
    -- Where ids stand twice already, the first row keeps its id, and no row goes.
    if not exists (select from pg_index join pg_attribute on attrelid = indrelid and attnum = indkey[0]
                   where indrelid = 'fruits'::regclass and attname = 'message_id'
                   and indisunique and indisvalid and indnkeyatts = 1 and indpred is null) then
        lock table fruits in share row exclusive mode;
        update fruits as later set message_id = null
        where exists (select from fruits as first
                      where first.message_id = later.message_id and first.ctid < later.ctid);
        create unique index fruits_message_id on fruits (message_id);
    end if;

    -- The sums of the last minute read nothing but this index, and retention finds by it what to
    -- delete. All three columns are keys, rather than two of them `include`d, because a b-tree
    -- stores equal keys once: rows of one batch share created_at, and the index is a third as big.
    if not exists (select from pg_index join pg_class on pg_class.oid = indexrelid
                   where indrelid = 'fruits'::regclass and relname = 'fruits_last_minute') then
        create index fruits_last_minute on fruits (created_at, name, quantity);
    end if;
end
$$;
