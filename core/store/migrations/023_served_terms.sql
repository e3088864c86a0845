-- What is kept of a served answer also says what gave it, from which index, and what it took.

alter table served_answers add column model text;                -- as it was asked for
alter table served_answers add column model_id text;             -- null in what was kept before this
alter table served_answers add column index_id text;
alter table served_answers add column passages text[];           -- ids, in the order shown
alter table served_answers add column fields json;               -- further columns of the question
alter table served_answers add column prompt_tokens integer;     -- null where the model does not tell
alter table served_answers add column completion_tokens integer;
alter table served_answers add column latency_s double;
