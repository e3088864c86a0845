-- Diagnosis: which samples tell nothing of a version, and what people say when asked for retrieval or fine-tuning.

-- One row per sample: `share` right over the versions (a prompt on a model), `with_rest` the item-rest correlation over
-- them, `judged` the answers that two or more people judged. Proofs of trials are left out: they may still be hidden.
create macro item_quality(of_task, by_metric, fewest) as table
with answered as (
    select a.sample_id, r.prompt_id || r.model_id as version, avg(c.value) as value
    from scores as c join answers as a using (answer_id) join runs as r using (run_id)
    where r.task_id = of_task and r.trial_id is null and c.metric = by_metric and c.value is not null
    group by all
), versions as (
    select version, sum(value) as total, count(*) as n from answered group by version
), scored as (
    select sample_id, count(*) as versions, avg(value) as share,
        corr(value, (v.total - value) / nullif(v.n - 1, 0)) as with_rest
    from answered join versions as v using (version) group by sample_id
), said as (
    select a.sample_id, r.answer_id, arg_max(r.verdict, r.rating_id) as verdict
    from ratings as r join answers as a using (answer_id) join runs as o using (run_id)
    where o.task_id = of_task and o.trial_id is null group by a.sample_id, r.answer_id, r.rater
), judged as (
    select sample_id, avg((verdict = 'pass')::int) as passed from said where verdict in ('pass', 'fail')
    group by sample_id, answer_id having count(*) > 1
), split as (
    select sample_id, bool_or(passed > 0 and passed < 1) as split, count(*) as judged from judged group by sample_id
)
select sample_id, versions, share, with_rest, coalesce(split, false) as split, coalesce(judged, 0) as judged,
    coalesce(versions >= fewest and share > 1 - 1e-9, false) as always_pass,
    coalesce(versions >= fewest and share < 1e-9, false) as always_fail
from scored full outer join split using (sample_id);

create sequence guide_ids;
create table guide_answers (             -- the newest row of a task counts
    guide_id bigint primary key default nextval('guide_ids'),
    task_id text not null,
    answers json not null,               -- {question: "yes" | "no"}; what nobody knows is left out
    answered_by text not null,
    answered_at timestamp not null
);
