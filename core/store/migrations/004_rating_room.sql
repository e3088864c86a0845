-- The rating room: a scale of 1 to 5 beside pass and fail, corrections that a model wrote, flags, and receipts by
-- which a rating that a browser sends twice is kept once. A check cannot be changed in place, so two tables move.
create table rubrics_now (
    rubric_id text primary key,
    task_id text not null,
    question json not null,
    guidelines json not null,
    scale text not null check (scale in ('pass_fail', 'five')),
    reference text not null check (reference in ('shown', 'on_demand', 'hidden')),
    created_at timestamp not null
);
insert into rubrics_now
    select rubric_id, task_id, question, guidelines, scale, 'on_demand', created_at from rubrics order by created_at;
drop table rubrics;
alter table rubrics_now rename to rubrics;

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
    origin text not null check (origin in ('typed', 'reference', 'none')),
    flagged boolean not null,            -- somebody else should look at this answer
    supersedes bigint,
    receipt text,                        -- made by the browser; sent again, it changes nothing
    rated_at timestamp not null
);
insert into ratings_now
    select rating_id, queue_id, answer_id, rater, verdict, null, error_types, note, correction, origin, false,
        supersedes, null, rated_at
    from ratings order by rating_id;
drop table ratings;
alter table ratings_now rename to ratings;

alter table people add column plain_form boolean default false;  -- rates in the form instead of on the card
