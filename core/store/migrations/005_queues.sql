-- Queues with terms, claims that expire, states per item, decisions on disputes; blind comparisons; looks before approvals.

alter table queues add column name text default '';
alter table queues add column raters text[] default [];       -- nobody named: every expert
alter table queues add column terms json default '{}';         -- as the operator asked: which answers, each, overlap
alter table queues add column deadline date;
alter table queues add column claim_minutes integer default 30;
alter table queue_items add column needed integer;             -- ratings wanted; null: one is enough, all may add theirs

create sequence claim_ids;
create table claims (                    -- the newest row of a rater for an item counts until it expires
    claim_id bigint primary key default nextval('claim_ids'),
    queue_id text not null,
    answer_id text not null,
    rater text not null,
    expires_at timestamp not null
);
create sequence decision_ids;
create table decisions (                 -- on disputed items; the newest row of an item counts
    decision_id bigint primary key default nextval('decision_ids'),
    queue_id text not null,
    answer_id text not null,
    verdict text not null check (verdict in ('pass', 'fail')),
    error_types text[] not null,
    reason text not null,
    correction text,
    rating_ids bigint[] not null,        -- what was decided between
    supersedes bigint,
    decided_by text not null,
    decided_at timestamp not null
);

create view queue_ratings as             -- each rater's newest word on each item of a queue
    select rating_id, queue_id, answer_id, rater, verdict, error_types, note, correction, rated_at from ratings
    qualify row_number() over (partition by queue_id, answer_id, rater order by rating_id desc) = 1;
create view queue_decisions as
    select decision_id, queue_id, answer_id, verdict, error_types, reason, correction, decided_by, decided_at
    from decisions qualify row_number() over (partition by queue_id, answer_id order by decision_id desc) = 1;
create view queue_states as
    with said as (
        select queue_id, answer_id, count(*) filter (verdict = 'pass') as passed,
            count(*) filter (verdict = 'fail') as failed, count(*) filter (verdict = 'skip') as skipped
        from queue_ratings group by queue_id, answer_id
    )
    select i.queue_id, i.answer_id, i.position, i.needed, coalesce(s.passed, 0) as passed,
        coalesce(s.failed, 0) as failed, coalesce(s.skipped, 0) as skipped, d.verdict as decision,
        case when d.verdict is not null then 'done'
            when coalesce(s.passed + s.failed, 0) = 0 then 'waiting'
            when s.passed + s.failed < coalesce(i.needed, 1) then 'needs_others'
            when s.passed > 0 and s.failed > 0 then 'disputed'
            else 'done' end as state
    from queue_items as i
    left join said as s on s.queue_id = i.queue_id and s.answer_id = i.answer_id
    left join queue_decisions as d on d.queue_id = i.queue_id and d.answer_id = i.answer_id;

create table rounds (                    -- of blind comparisons
    round_id text primary key,
    task_id text not null,
    name text not null,
    run_ids text[] not null,             -- one version each
    raters text[] not null,              -- nobody named: every expert
    seed integer not null,
    created_by text not null,
    created_at timestamp not null,
    locked_by text,
    locked_at timestamp                  -- from then on nobody compares, and everybody may see
);
create table pairs (
    pair_id text primary key,
    round_id text not null,
    position integer not null,
    sample_id text not null,
    left_answer text not null,
    right_answer text not null,
    identical boolean not null           -- never shown: a tie by itself
);
create sequence preference_ids;
create table preferences (               -- the newest row of a rater for a pair counts; 'undone' takes it back
    preference_id bigint primary key default nextval('preference_ids'),
    round_id text not null,
    pair_id text not null,
    rater text not null,
    choice text not null check (choice in ('left', 'right', 'tie', 'both_bad', 'undone')),
    reason text not null,
    supersedes bigint,
    chosen_at timestamp not null
);
create view latest_preferences as
    select preference_id, round_id, pair_id, rater, choice, reason, chosen_at from preferences
    qualify row_number() over (partition by pair_id, rater order by preference_id desc) = 1;

create table looks (                     -- who has seen which text before approving it
    person_id text not null,
    sample_id text not null,
    text_hash text not null,
    looked_at timestamp not null,
    primary key (person_id, sample_id, text_hash)
);
