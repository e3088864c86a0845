-- Runs at full strength: why calls failed, what they cost, what was answered before, and what endpoints allow.

alter table answers add column round integer default 0;   -- a later round asked again for what had failed
alter table answers add column failure_code text;         -- a code of core/generation/failures.py
alter table answers add column failure_values json;       -- what fills its sentence
alter table answers add column content_key text;          -- hash of model, messages, decoding, schema and repeat
alter table answers add column copied_from text;          -- the earlier answer to the same content, at no cost
alter table answers add column cost double;               -- in the model's currency; null where tokens or prices are unknown
alter table answers add column stored_at timestamp;

create sequence model_terms_ids;
create table model_terms (               -- the newest row of a model counts
    terms_id bigint primary key default nextval('model_terms_ids'),
    model_id text not null,
    currency text not null,
    price_prompt double check (price_prompt >= 0),            -- per million tokens
    price_completion double check (price_completion >= 0),
    requests_per_minute double check (requests_per_minute > 0),
    tokens_per_minute double check (tokens_per_minute > 0),
    concurrency integer not null check (concurrency between 1 and 256),
    set_by text not null,
    set_at timestamp not null
);
create table model_ways (                -- how an endpoint can be asked for JSON, as its calls have shown
    model_id text primary key,
    structured text not null check (structured in ('json_schema', 'json_object', 'text')),
    learned_at timestamp not null
);

-- One more purpose: 'matrix', several prompts on several models.
alter table runs rename to runs_before;
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
    purpose text not null check (purpose in ('ladder', 'collect', 'proof', 'matrix')),
    trial_id text,                       -- of a proof
    side text check (side in ('before', 'after')),
    planned integer not null,            -- answers wanted
    created_by text not null,
    created_at timestamp not null
);
insert into runs by name select * from runs_before;
drop table runs_before;
