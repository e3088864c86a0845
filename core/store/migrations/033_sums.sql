-- What pages count over and over, counted once: how each sample did in a run that is complete, and what people say of
-- each answer. All of it follows from scores, answers and ratings, and is written in their transaction. Proofs are not
-- summed: what is signed is counted from the scores themselves.

create table summed_runs (
    run_id text primary key              -- complete, and counted in the two tables below
);
create table sample_values (             -- no key: a run's rows come and go together with its row above
    run_id text not null,
    metric text not null,
    sample_id text not null,
    value double not null,               -- in 0..1, averaged over the repeats that have one
    n integer not null                   -- those repeats
);
create table sample_repeats (            -- samples that were answered several times without a failure; no key, as above
    run_id text not null,
    sample_id text not null,
    same_text boolean not null,          -- all repeats the same to the letter
    same_content boolean not null,       -- the same in what the scorer makes of them
    stable boolean                       -- valid in all of them; null where the scorer knows no format
);

-- Each sample's value by that metric (null: by every one) in these runs, counted from the scores.
create macro values_now(of_runs, by_metric) as table
select a.run_id, c.metric, a.sample_id, avg(c.value) as value, count(*)::int as n
from scores as c join answers as a using (answer_id)
where a.run_id in (select unnest(of_runs::text[])) and (by_metric is null or c.metric = by_metric)
    and c.value is not null
group by all;
-- The same, as summed where a run is.
create macro values_of(of_runs, by_metric) as table
select run_id, metric, sample_id, value, n from sample_values
where list_contains(of_runs, run_id) and (by_metric is null or metric = by_metric)
union all
from values_now((select list(run_id) from (select unnest(of_runs::text[]) as run_id except from summed_runs)), by_metric);

create table tallies (                   -- one row for each answer that anybody has said anything of
    answer_id text primary key,
    run_id text not null,
    sample_id text not null,
    passed integer not null,             -- raters whose newest word, in whatever queue, is pass
    failed integer not null,
    points bigint not null,              -- how many of them gave 1 to 5 points, each in twelve bits, 1 in the lowest
    named integer not null,              -- of those who failed it, the ones who named an error type
    kinds text not null                  -- the types they named, rater by rater, with chr(31) between them
);
-- The tally of one answer, or of all (null).
create macro tally(of_answer) as table
with newest as (
    select answer_id, verdict, points, error_types from ratings where of_answer is null or answer_id = of_answer
    qualify row_number() over (partition by answer_id, rater order by rating_id desc) = 1
), counted as (
    select answer_id, count(*) filter (verdict = 'pass')::int as passed, count(*) filter (verdict = 'fail')::int as failed,
        coalesce(sum(1::bigint << (12 * (points - 1))) filter (verdict in ('pass', 'fail')), 0)::bigint as points,
        count(*) filter (verdict = 'fail' and len(error_types) > 0)::int as named,
        coalesce(string_agg(array_to_string(list_distinct(error_types), chr(31)), chr(31))
            filter (verdict = 'fail' and len(error_types) > 0), '') as kinds
    from newest group by answer_id
)
select answer_id, a.run_id, a.sample_id, passed, failed, points, named, kinds from counted join answers as a using (answer_id);
insert into tallies from tally(null);

-- As in 029, from values and tallies.
create or replace macro item_quality(of_task, by_metric, fewest) as table
with asked as (
    select run_id, dense_rank() over (order by prompt_id, model_id) as version from runs
    where task_id = of_task and trial_id is null
), answered as (
    select v.sample_id, r.version, sum(v.value * v.n) / sum(v.n) as value
    from values_of((select list(run_id) from asked), by_metric) as v join asked as r using (run_id) group by all
), versions as (
    select version, sum(value) as total, count(*) as n from answered group by version
), scored as (
    select sample_id, count(*) as versions, avg(value) as share,
        nullif(corr(value, (v.total - value) / nullif(v.n - 1, 0)), 'nan') as with_rest  -- nan: nothing varies
    from answered join versions as v using (version) group by sample_id
), split as (
    select t.sample_id, bool_or(t.passed > 0 and t.failed > 0) as split, count(*) as judged
    from tallies as t join asked using (run_id) where t.passed + t.failed > 1 group by t.sample_id
)
select sample_id, versions, share, with_rest, coalesce(split, false) as split, coalesce(judged, 0) as judged,
    coalesce(versions >= fewest and share > 1 - 1e-9, false) as always_pass,
    coalesce(versions >= fewest and share < 1e-9, false) as always_fail
from scored full outer join split using (sample_id);

create or replace macro judge_beside_people(of_judge, of_judging) as table
with wanted as (
    select g.judging_id, r.run_id, r.model_id from judgings as g join runs as r using (run_id)
    where g.judge_id = of_judge and (of_judging is null or g.judging_id = of_judging)
), asked as (
    select j.answer_id, a.sample_id, w.model_id, any_value(j.verdict) = 'pass' as judged,
        any_value(length(a.text)) as letters
    from wanted as w join judgements as j using (judging_id) join answers as a using (answer_id)
    where j.other_answer_id is null group by j.answer_id, a.sample_id, w.model_id
), voted as (
    from tallies where passed + failed > 0 and run_id in (select run_id from wanted)
), decided as (
    select answer_id, arg_max(verdict, decision_id) = 'pass' as passed
    from decisions semi join asked using (answer_id) group by answer_id
)
select a.answer_id, a.sample_id, a.model_id, a.judged, a.letters, coalesce(v.passed, 0) as passed,
    coalesce(v.failed, 0) as failed,
    if(v.answer_id is null, null, coalesce(d.passed, if(v.passed = v.failed, null, v.passed > v.failed))) as human
from asked as a left join voted as v using (answer_id) left join decided as d using (answer_id);
drop macro table newest_words;
