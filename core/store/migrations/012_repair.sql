-- Repair: a model rewrites an answer as an expert tells it to, and every correction keeps where its words come from.
-- Items that everybody skipped and queues that are late can be closed; points that lie far apart are a dispute.

create sequence rewriter_choice_ids;
create table rewriters (                 -- which model rewrites for the raters of a task; the newest choice counts
    choice_id bigint primary key default nextval('rewriter_choice_ids'),
    task_id text not null,
    model_id text,                       -- null: none
    chosen_by text not null,
    chosen_at timestamp not null
);
create table rewrites (                  -- one round: what was to be improved, what the expert said, what came back
    rewrite_id text primary key,
    queue_id text not null,
    answer_id text not null,
    rater text not null,
    receipt text,                        -- made by the browser; sent again, it changes nothing
    round integer not null,              -- of this rater on this answer, from 1
    model_id text not null,
    job_id text not null,
    wrong text not null,
    before text not null,
    text text,
    failure text,
    failure_code text,
    failure_values json,
    prompt_tokens integer,
    completion_tokens integer,
    latency_s double,
    asked_at timestamp not null,
    ended_at timestamp,
    check (text is null or failure is null)
);

create table ratings_now (               -- the newest row of a rater for an answer counts; 'undone' takes it back
    rating_id bigint primary key default nextval('rating_ids'),
    queue_id text not null,
    answer_id text not null,
    rater text not null,
    verdict text not null check (verdict in ('pass', 'fail', 'skip', 'undone')),
    points integer check (points between 1 and 5),  -- where the rubric asks for them; 4 and 5 pass
    error_types text[] not null,
    note text not null,
    correction text,
    origin text not null check (origin in ('typed', 'reference', 'rewritten', 'edited', 'none')),
    rewrite_id text,                     -- of a correction that a model wrote, or that was edited from there
    flagged boolean not null,            -- somebody else should look at this answer
    supersedes bigint,
    receipt text,                        -- made by the browser; sent again, it changes nothing
    rated_at timestamp not null
);
insert into ratings_now by name select * from ratings order by rating_id;
drop table ratings;
alter table ratings_now rename to ratings;

alter table decisions add column points integer;
alter table decisions add column origin text default 'none';   -- as of a rating; before 013 it was not kept
alter table decisions add column rewrite_id text;
alter table approvals add column written text default '';      -- as the origin of a rating; before 013 it was not kept
alter table approvals add column rewrite_id text;

alter table queues add column closed_by text;
alter table queues add column closed_at timestamp;             -- from then on nobody is asked any more
create sequence closing_ids;
create table closings (                  -- of items that nobody can judge; the newest row of an item counts
    closing_id bigint primary key default nextval('closing_ids'),
    queue_id text not null,
    answer_id text not null,
    act text not null check (act in ('closed', 'put_back')),
    reason text not null,
    closed_by text not null,
    closed_at timestamp not null
);

create or replace view latest_ratings as
    select * from ratings qualify row_number() over (partition by answer_id, rater order by rating_id desc) = 1;
create or replace view latest_approvals as
    select * from approvals qualify row_number() over (partition by sample_id order by approval_id desc) = 1;
create or replace view queue_ratings as  -- each rater's newest word on each item of a queue
    select rating_id, queue_id, answer_id, rater, verdict, points, error_types, note, correction, origin, rewrite_id,
        rated_at
    from ratings qualify row_number() over (partition by queue_id, answer_id, rater order by rating_id desc) = 1;
create or replace view queue_decisions as
    select decision_id, queue_id, answer_id, verdict, points, error_types, reason, correction, origin, rewrite_id,
        decided_by, decided_at
    from decisions qualify row_number() over (partition by queue_id, answer_id order by decision_id desc) = 1;
create or replace view queue_states as   -- is_open: somebody may be asked about the item
    with said as (
        select queue_id, answer_id, count(*) filter (verdict = 'pass') as passed,
            count(*) filter (verdict = 'fail') as failed, count(*) filter (verdict = 'skip') as skipped,
            max(points) - min(points) as apart
        from queue_ratings group by queue_id, answer_id
    ), closed as (
        select queue_id, answer_id, act from closings
        qualify row_number() over (partition by queue_id, answer_id order by closing_id desc) = 1
    ), items as (
        select i.queue_id, i.answer_id, i.position, i.needed, coalesce(s.passed, 0) as passed,
            coalesce(s.failed, 0) as failed, coalesce(s.skipped, 0) as skipped, coalesce(s.apart, 0) as apart,
            d.verdict as decision, coalesce(c.act = 'closed', false) as closed, q.closed_at is not null as ended,
            coalesce(s.passed + s.failed, 0) >= coalesce(i.needed, 1) as enough
        from queue_items as i join queues as q on q.queue_id = i.queue_id
        left join said as s on s.queue_id = i.queue_id and s.answer_id = i.answer_id
        left join closed as c on c.queue_id = i.queue_id and c.answer_id = i.answer_id
        left join queue_decisions as d on d.queue_id = i.queue_id and d.answer_id = i.answer_id
    )
    select queue_id, answer_id, position, needed, passed, failed, skipped, apart, decision,
        case when decision is not null then 'done'
            when closed then 'closed'
            when enough and (passed > 0 and failed > 0 or apart >= 2) then 'disputed'
            when enough then 'done'
            when ended then 'closed'
            when passed + failed = 0 then 'waiting'
            else 'needs_others' end as state,
        decision is null and not closed and not ended and (needed is null or not enough) as is_open
    from items;
