-- Trials: pairs beside answers, trials that go on from an adapter, waivers of the leakage guard, and more kinds of jobs.

alter table training_sets add column method text default 'sft';   -- 'dpo': each row has a rejected answer, too
alter table training_rows add column rejected text;
alter table trials add column start_model_id text;                -- the adapter it goes on from

create sequence waiver_ids;
create table leakage_waivers (           -- signed: this sample is used though it is like a locked one
    waiver_id bigint primary key default nextval('waiver_ids'),
    task_id text not null,
    sample_id text not null,
    locked_sample_id text not null,
    reason text not null,
    waived_by text not null,
    waived_at timestamp not null
);

alter table jobs rename to jobs_before;
create table jobs (
    job_id text primary key,
    number bigint not null default nextval('job_numbers'),
    kind text not null,                  -- a key of WORK in core/jobs/worker.py
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
insert into jobs by name select * from jobs_before;
drop table jobs_before;
