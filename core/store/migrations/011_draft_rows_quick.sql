-- The rows of a draft, for sets of any size: untouched samples come as they are, and only edited rows are put together.

create or replace macro draft_rows(of_draft) as table
with edited as (
    select row_key, sample, min(edit_id) over (partition by row_key) as first_id
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
    (e.sample ->> 'critical')::boolean, (e.sample -> 'tags')::varchar[], p.fields
from edited as e left join base as b on b.sample_id = e.row_key left join samples as p on p.sample_id = b.sample_id
where e.sample is not null;
