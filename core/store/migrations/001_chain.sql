-- The chain, station by station. Versions are immutable and named by content; judgements are appended.
-- Times are UTC. PRIMARY KEYs only: no secondary index is ever needed for an update (see docs/decisions).

-- access
create table people (
    person_id text primary key,          -- the casefolded name, so that no two people look alike
    name text not null,
    password_hash text not null,         -- argon2id
    roles text[] not null,
    active boolean not null default true,
    language text not null default '',   -- '' until the person chooses one
    created_at timestamp not null
);
create table sessions (
    token_hash text primary key,         -- SHA-256 of the cookie; the cookie itself is never stored
    person_id text not null,
    created_at timestamp not null,
    expires_at timestamp not null,
    ended_at timestamp
);
create table sign_in_attempts (person_id text not null, tried_at timestamp not null, succeeded boolean not null);

-- audit: one row per act, hash-chained
create table audit_events (
    seq bigint primary key,
    happened_at timestamp not null,
    actor text not null,
    act text not null,
    subject text not null,
    detail json not null,
    previous_hash text not null,
    hash text not null
);

-- evaluation
create table tasks (
    task_id text primary key,
    name json not null,                  -- {"en": ..., "zh": ...}
    description json not null,
    target double not null check (target between 0 and 1),
    error_types json not null,           -- [{"id", "en", "zh", "help_en", "help_zh"}]
    plan json not null,                  -- {"metric", "G", "M"}
    created_by text not null,
    created_at timestamp not null
);
create table rubrics (
    rubric_id text primary key,
    task_id text not null,
    question json not null,
    guidelines json not null,
    scale text not null check (scale in ('pass_fail')),
    created_at timestamp not null
);
create table eval_sets (
    eval_set_id text primary key,
    task_id text not null,
    name text not null,
    version integer not null,
    note text not null,
    scorer text not null,                -- a name in core/scoring/scorers.py
    schema json,                         -- JSON schema of an answer, if the scorer is "json"
    sample_count integer not null,
    created_by text not null,
    created_at timestamp not null
);
create table samples (
    sample_id text primary key,
    task_id text not null,
    key text not null,                   -- the row's own name in the file it came from
    input text not null,
    context text not null,
    reference text not null,
    kind text not null check (kind in ('practice', 'concept')),
    pair text not null,
    group_id text not null,
    split text not null check (split in ('dev', 'train', 'gate', 'retain')),
    critical boolean not null,
    tags text[] not null,
    unique (sample_id, split)
);
create table eval_set_samples (
    eval_set_id text not null,
    position integer not null,
    sample_id text not null,
    primary key (eval_set_id, position)
);
create table group_splits (              -- a group is assigned once, for good
    task_id text not null,
    group_id text not null,
    split text not null check (split in ('dev', 'train', 'gate', 'retain')),
    primary key (task_id, group_id)
);
create table prompts (
    prompt_id text primary key,
    task_id text not null,
    name text not null,
    system text not null,
    template text not null,
    note text not null,
    created_by text not null,
    created_at timestamp not null
);
create table ladders (                   -- ordered rungs for the eval sets of one name
    ladder_id text primary key,
    task_id text not null,
    eval_set_name text not null,
    rungs json not null,                 -- [{"rung": "A", "prompt_id": ...}]
    created_by text not null,
    created_at timestamp not null
);
create table models (
    model_id text primary key,
    name text not null,
    kind text not null check (kind in ('local', 'api', 'adapter')),
    path text not null,                  -- of the model folder, or of the adapter folder
    base_model_id text,                  -- of an adapter
    base_url text,                       -- of an API model
    api_model text,
    key_env text,                        -- the NAME of the environment variable that holds the key
    file_hashes json not null,
    lineage json not null,
    created_by text not null,
    created_at timestamp not null
);
create table runs (
    run_id text primary key,
    task_id text not null,
    job_id text not null,
    eval_set_id text not null,
    split text not null check (split in ('dev', 'train', 'gate', 'retain')),
    prompt_id text not null,
    rung text not null,
    model_id text not null,
    decoding json not null,
    repeats integer not null check (repeats >= 1),
    purpose text not null check (purpose in ('ladder', 'collect', 'proof')),
    trial_id text,                       -- of a proof
    side text check (side in ('before', 'after')),
    planned integer not null,            -- answers wanted
    created_by text not null,
    created_at timestamp not null
);
create table answers (
    answer_id text primary key,          -- hash of run, sample, repeat: ingesting twice changes nothing
    run_id text not null,
    sample_id text not null,
    repeat integer not null,
    text text,
    failure text,
    prompt_tokens integer,
    completion_tokens integer,
    latency_s double,
    check ((text is null) <> (failure is null))
);
create table scores (
    answer_id text not null,
    scorer text not null,
    metric text not null,                -- 'correct', 'valid', 'field:<name>'
    value double check (value between 0 and 1),
    reason text not null,                -- why there is no value, or what was wrong
    primary key (answer_id, scorer, metric)
);

-- jobs
create sequence job_numbers;
create table jobs (
    job_id text primary key,
    number bigint not null default nextval('job_numbers'),
    kind text not null check (kind in ('generate', 'train', 'fetch')),
    task_id text,
    title json not null,                 -- {"message": gettext id, "values": {...}}
    spec json not null,
    state text not null check (state in ('queued', 'running', 'stopping', 'stopped', 'interrupted', 'failed', 'done')),
    message text not null default '',
    attempts integer not null default 0,
    created_by text not null,
    created_at timestamp not null,
    started_at timestamp,
    ended_at timestamp
);

-- review
create table queues (
    queue_id text primary key,
    task_id text not null,
    rubric_id text not null,
    run_ids text[] not null,
    seed integer not null,
    created_by text not null,
    created_at timestamp not null
);
create table queue_items (
    queue_id text not null,
    position integer not null,
    answer_id text not null,
    primary key (queue_id, answer_id)
);
create sequence rating_ids;
create table ratings (                   -- the newest row of a rater for an answer counts; 'undone' takes it back
    rating_id bigint primary key default nextval('rating_ids'),
    queue_id text not null,
    answer_id text not null,
    rater text not null,
    verdict text not null check (verdict in ('pass', 'fail', 'skip', 'undone')),
    error_types text[] not null,
    note text not null,
    correction text,
    origin text not null check (origin in ('typed', 'reference', 'none')),
    supersedes bigint,
    rated_at timestamp not null
);
create sequence approval_ids;
create table approvals (                 -- the newest row of a sample counts
    approval_id bigint primary key default nextval('approval_ids'),
    task_id text not null,
    sample_id text not null,
    answer_id text not null,
    rating_id bigint,
    completion text not null,
    origin text not null check (origin in ('as_is', 'corrected')),
    decision text not null check (decision in ('approved', 'rejected', 'withdrawn')),
    reason text not null,
    decided_by text not null,
    decided_at timestamp not null
);

create view latest_ratings as
    select * from ratings qualify row_number() over (partition by answer_id, rater order by rating_id desc) = 1;
create view latest_approvals as
    select * from approvals qualify row_number() over (partition by sample_id order by approval_id desc) = 1;

-- training: the database itself refuses gate and retain samples
create table training_sets (
    training_set_id text primary key,
    task_id text not null,
    prompt_id text not null,
    row_count integer not null,
    composition json not null,
    created_by text not null,
    created_at timestamp not null
);
create table training_rows (
    training_set_id text not null,
    position integer not null,
    sample_id text not null,
    split text not null check (split = 'train'),
    approval_id bigint not null,
    messages json not null,
    completion text not null,
    primary key (training_set_id, position),
    foreign key (sample_id, split) references samples (sample_id, split)
);
create table trials (
    trial_id text primary key,
    task_id text not null,
    training_set_id text not null,
    base_model_id text not null,
    prompt_id text not null,             -- the prompt the tuned model was taught with
    baseline_rung text not null,         -- what it has to beat, chosen before any gate result exists
    baseline_prompt_id text not null,
    eval_set_id text not null,
    recipe json not null,
    job_id text not null,                -- of the training
    created_by text not null,
    created_at timestamp not null
);
