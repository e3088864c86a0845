-- What is put up for release without training: a prompt alone, or another model. It is a trial that learned nothing.

alter table trials alter column training_set_id drop not null;
alter table trials alter column recipe drop not null;
alter table trials add column candidate_model_id text;   -- what answers then; null where a training made it
