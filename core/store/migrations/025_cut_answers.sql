-- Answers that ended at the limit of tokens, and how long an endpoint may take over one.

alter table answers add column cut boolean;           -- null: from before this was kept, or a failed call
alter table model_terms add column deadline_s double; -- seconds for one answer with all its tries; null: the usual ones
