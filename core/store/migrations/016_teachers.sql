-- Teachers and learning curves: answers that a stronger model wrote, checked in part and approved as a batch; what the
-- teacher can do on the locked samples; and trials on a part of what is approved.

create table distillations (
    distillation_id text primary key,
    task_id text not null,
    eval_set_id text not null,
    job_id text not null,                -- in which the teacher answers
    run_id text not null,                -- its candidates
    teacher_model_id text not null,
    teacher text not null,               -- its name, and under which terms its answers may be learned from
    licence text not null,
    student_run_id text,                 -- the student's own answers, for pairs
    created_by text not null,
    created_at timestamp not null
);
create table distillation_draws (        -- the best candidate of each sample was chosen, and a share drawn to be checked
    distillation_id text primary key,
    rule text not null check (rule in ('scorer', 'judge')),
    judging_id text,
    asked integer not null,              -- samples; those with no candidate that is right are left out
    queue_id text not null,
    drawn_by text not null,
    drawn_at timestamp not null
);
create table distilled_answers (
    distillation_id text not null,
    sample_id text not null,
    answer_id text not null,
    primary key (distillation_id, sample_id)
);
create table distillation_decisions (
    distillation_id text primary key,
    decision text not null check (decision in ('approved', 'rejected')),
    passed integer not null,             -- of those checked
    checked integer not null,
    approved integer not null,           -- samples
    reason text not null,
    decided_by text not null,
    decided_at timestamp not null
);
create table teacher_proofs (            -- the teacher on the gate samples of a trial whose result is known
    trial_id text not null,
    teacher_model_id text not null,
    run_id text not null,
    asked_by text not null,
    asked_at timestamp not null,
    primary key (trial_id, teacher_model_id)
);
alter table training_rows add column teacher text;    -- who wrote the completion, where no person did
alter table training_rows add column licence text;

create table learning_curves (
    curve_id text primary key,
    task_id text not null,
    eval_set_id text not null,
    created_by text not null,
    created_at timestamp not null
);
alter table trials add column curve_id text;
alter table trials add column part double;            -- of what is approved, in 0..1; null: all of it, to be proven
