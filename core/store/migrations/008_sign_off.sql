-- Plans agreed before results, what experts say of newly broken samples, sign-offs, releases, and what is served.

create table release_plans (             -- version 1 is the plan, later ones are its amendments; the newest counts
    plan_id text primary key,
    trial_id text not null,
    version integer not null check (version >= 1),
    terms json not null,
    reason text not null,                -- of an amendment
    proposed_by text not null,
    proposed_at timestamp not null
);
create table openings (                  -- results looked at without a plan: nothing can be signed off any more
    trial_id text primary key,
    opened_by text not null,
    opened_at timestamp not null
);
create sequence breakage_ids;
create table breakages (                 -- what an expert says of a newly broken sample; the newest row counts
    breakage_id bigint primary key default nextval('breakage_ids'),
    trial_id text not null,
    sample_id text not null,
    answer text not null check (answer in ('accepted', 'blocker')),
    reason text not null,
    answered_by text not null,
    answered_at timestamp not null
);
create view latest_breakages as
    select * from breakages qualify row_number() over (partition by trial_id, sample_id order by breakage_id desc) = 1;
create sequence sign_off_numbers;
create table sign_offs (                 -- put up for decision; what is signed is the digest of the evidence
    sign_off_id text primary key,
    number bigint not null default nextval('sign_off_numbers'),
    task_id text not null,
    trial_id text not null,
    plan_id text not null,
    scope text not null,
    expires_on date not null,
    evidence json not null,              -- item -> hash
    digest text not null,
    findings json not null,              -- the numbers and the gate as they were
    requested_by text not null,
    requested_at timestamp not null
);
create table challenges (                -- a form that may be signed once, by one person, for a few minutes
    token_hash text primary key,
    person_id text not null,
    subject text not null,
    digest text not null,
    expires_at timestamp not null,
    used_at timestamp
);
create sequence signature_ids;
create table signatures (
    signature_id bigint primary key default nextval('signature_ids'),
    kind text not null check (kind in ('plan', 'sign_off', 'release')),
    subject text not null,               -- plan_id, sign_off_id or move_id
    digest text not null,                -- of what was signed
    meaning text not null check (meaning in ('authored', 'reviewed', 'approved', 'overridden', 'rejected',
        'insufficient', 'released', 'rolled_back')),
    reason text not null,
    person_id text not null,
    printed_name text not null,
    roles text[] not null,
    independent boolean not null,        -- neither asked for it, nor trained, nor rated most of it
    signed_at timestamp not null,        -- UTC
    local_time text not null,            -- the signer's clock, with its offset
    challenge text not null unique
);
create table releases (
    release_id text primary key,
    task_id text not null,
    number integer not null,
    sign_off_id text not null,
    manifest json not null,
    digest text not null,
    created_by text not null,
    created_at timestamp not null,
    unique (task_id, number)
);
create table alias_moves (               -- the newest move of an alias counts; the key lets exactly one of two win
    task_id text not null,
    alias text not null check (alias in ('production', 'candidate')),
    move integer not null,
    release_id text not null,
    previous_release_id text,
    reason text not null,
    kind text not null check (kind in ('released', 'rolled_back')),
    moved_by text not null,
    moved_at timestamp not null,
    primary key (task_id, alias, move)
);
create view aliases as
    select * from alias_moves qualify row_number() over (partition by task_id, alias order by move desc) = 1;
create table serving_keys (
    key_hash text primary key,           -- SHA-256 of the key; the key itself is shown once and never stored
    name text not null,
    created_by text not null,
    created_at timestamp not null,
    revoked_at timestamp
);
create table serving_terms (             -- the newest row of a task counts
    task_id text not null,
    version integer not null,
    logged_share double not null check (logged_share between 0 and 1),
    set_by text not null,
    set_at timestamp not null,
    primary key (task_id, version)
);
create table served_answers (            -- the pool "from production", as the server's log brought it
    served_id text primary key,
    task_id text not null,
    release_id text not null,
    input text not null,
    context text not null,
    answer text not null,
    served_at timestamp not null,
    drawn_at timestamp
);
