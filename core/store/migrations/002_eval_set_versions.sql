-- Eval sets in versions: drafts that become versions, further columns of a file, counts that pages need at once.

alter table eval_sets add column counts json;      -- samples in each split: {"dev": 12, "train": 30}
alter table eval_sets add column parent_id text;   -- the version it was edited from
update eval_sets set counts = found.counts from (
    select eval_set_id, json_group_object(split, n) as counts from (
        select eval_set_id, split, count(*) as n from eval_set_samples join samples using (sample_id)
        group by eval_set_id, split
    ) group by eval_set_id
) as found where found.eval_set_id = eval_sets.eval_set_id;

alter table samples add column fields json;        -- further columns of the file, which prompts may name

-- how the columns of a task's files were understood; the newest row that fits a file is proposed again
create table import_mappings (
    task_id text not null,
    mapping json not null,               -- {"input": "Question", "reference": "Answer", ...}
    saved_by text not null,
    saved_at timestamp not null
);

-- a draft is a version and what people changed in it; the newest edit of a row counts, one without a sample deletes
create table drafts (
    draft_id text primary key,
    eval_set_id text not null,           -- the version it starts from
    created_by text not null,
    created_at timestamp not null
);
create sequence draft_edit_ids;
create table draft_edits (
    edit_id bigint primary key default nextval('draft_edit_ids'),
    draft_id text not null,
    row_key text not null,               -- the id of the sample that was edited, or the name of a new row
    sample json,                         -- its parts after the edit
    edited_by text not null,
    edited_at timestamp not null
);
create table draft_ends (
    draft_id text primary key,
    eval_set_id text,                    -- the version it became; none: it was dropped
    ended_by text not null,
    ended_at timestamp not null
);

-- prompts: solved examples apart from the template, so that their text is never read as one
alter table prompts add column examples json;      -- [{"sample_id", "input", "context", "answer"}]
alter table prompts add column schema json;        -- JSON schema of the answer, where the prompt names one
alter table prompts add column parent_id text;     -- the prompt it was made from
