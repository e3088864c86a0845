-- The rows of a draft as they are now: the version it starts from, with the newest edit of each row on top.

create macro draft_rows(of_draft) as table
with edited as (
    select row_key, sample, min(edit_id) over (partition by row_key) as first_id
    from draft_edits where draft_id = of_draft
    qualify row_number() over (partition by row_key order by edit_id desc) = 1
), base as (
    select m.position, p.* from drafts as d
    join eval_set_samples as m using (eval_set_id) join samples as p using (sample_id)
    where d.draft_id = of_draft
)
select coalesce(b.sample_id, e.row_key) as row_key, b.position, e.first_id,
    b.group_id as base_group, b.split as base_split,
    coalesce(e.sample ->> 'key', b.key) as key,
    coalesce(e.sample ->> 'input', b.input) as input,
    coalesce(e.sample ->> 'context', b.context) as context,
    coalesce(e.sample ->> 'reference', b.reference) as reference,
    coalesce(e.sample ->> 'kind', b.kind) as kind,
    coalesce(e.sample ->> 'pair', b.pair) as pair,
    coalesce(e.sample ->> 'group_id', b.group_id) as group_id,
    coalesce(e.sample ->> 'split', b.split) as split,
    coalesce((e.sample ->> 'critical')::boolean, b.critical) as critical,
    coalesce((e.sample -> 'tags')::varchar[], b.tags) as tags,
    b.fields
from base as b full outer join edited as e on e.row_key = b.sample_id
where e.row_key is null or e.sample is not null;
