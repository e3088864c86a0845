-- Scorers: which one counts for an eval set. The newest choice; without one, the scorer the set was saved with.
create table scorers (
    scorer_id text primary key,          -- named by content, as it stands beside each score
    definition json not null,            -- {"method", "options", "checks"}
    created_by text not null,
    created_at timestamp not null
);
create sequence scorer_choice_ids;
create table scorer_choices (
    choice_id bigint primary key default nextval('scorer_choice_ids'),
    eval_set_id text not null,
    scorer_id text not null,
    chosen_by text not null,
    chosen_at timestamp not null
);
create table superseded_scores (         -- what `scores` held before a set was scored anew; `scores` is what counts
    answer_id text not null,
    scorer text not null,
    metric text not null,
    value double,
    reason text not null,
    superseded_at timestamp not null
);

-- Judges: a model asked about one criterion. Their verdicts are never scores, so that no gate can read them.
create table judges (
    judge_id text primary key,           -- named by content: criterion, anchors, model, decoding, prompt
    task_id text not null,
    name text not null,
    form text not null check (form in ('single', 'pair')),
    model_id text not null,
    definition json not null,
    created_by text not null,
    created_at timestamp not null
);
create table judgings (                  -- one judge over the answers of one run, or of two side by side
    judging_id text primary key,
    judge_id text not null,
    task_id text not null,
    job_id text not null,
    run_id text not null,
    other_run_id text,
    planned integer not null,
    created_by text not null,
    created_at timestamp not null
);
create table judgements (
    judgement_id text primary key,       -- hash of judging, answer and order: taking one in twice changes nothing
    judging_id text not null,
    answer_id text not null,
    other_answer_id text,
    swapped boolean not null,            -- the other answer was shown first
    verdict text check (verdict in ('pass', 'fail', 'first', 'second', 'tie')),
    rationale text not null,
    failure text,                        -- the judge failed: no verdict, counted as such
    reply text not null,                 -- what it said, as it said it
    repaired boolean not null,
    prompt_tokens integer,
    completion_tokens integer,
    latency_s double,
    check ((verdict is null) <> (failure is null))
);
