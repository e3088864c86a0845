-- Questions that a model wrote from documents: proposals that an expert checks before any of them becomes a sample.

create table questions (
    question_id text primary key,        -- hash of job, passage and place
    task_id text not null,
    job_id text not null,
    passage_id text not null,
    place integer not null,              -- in the model's reply, from 1; 0 for a reply without questions
    question text,                       -- as the model wrote them; null with a failure
    answer text,
    failure text,
    failure_values json
);
create table question_decisions (
    question_id text primary key,
    approved boolean not null,
    question text not null,              -- as the expert left them
    answer text not null,
    draft_id text,                       -- where it was taken to
    decided_by text not null,
    decided_at timestamp not null
);

-- New rows of a draft may come with further columns, which no later edit of their parts takes away.
create or replace macro draft_rows(of_draft) as table
with edited as (
    select row_key, sample, min(edit_id) over (partition by row_key) as first_id,
        max(sample ->> 'fields') over (partition by row_key) as fields
    from draft_edits where draft_id = of_draft
    qualify row_number() over (partition by row_key order by edit_id desc) = 1
), base as (
    select m.sample_id, m.position from drafts as d join eval_set_samples as m using (eval_set_id)
    where d.draft_id = of_draft
)
select p.sample_id as row_key, b.position, null::bigint as first_id, p.group_id as base_group, p.split as base_split,
    p.key, p.input, p.context, p.reference, p.kind, p.pair, p.group_id, p.split, p.critical, p.tags, p.fields
from base as b join samples as p using (sample_id) anti join edited as e on e.row_key = p.sample_id
union all
select e.row_key, b.position, e.first_id, p.group_id, p.split,
    e.sample ->> 'key', e.sample ->> 'input', e.sample ->> 'context', e.sample ->> 'reference', e.sample ->> 'kind',
    e.sample ->> 'pair', e.sample ->> 'group_id', coalesce(e.sample ->> 'split', p.split),
    (e.sample ->> 'critical')::boolean, (e.sample -> 'tags')::varchar[], coalesce(e.fields::json, p.fields)
from edited as e left join base as b on b.sample_id = e.row_key left join samples as p on p.sample_id = b.sample_id
where e.sample is not null;
