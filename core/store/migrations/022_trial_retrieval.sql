-- Proofs look passages up: both sides in the same index version, where their prompts have a place for passages.

alter table trials add column index_id text;   -- null: nothing is looked up
alter table trials add column k integer;       -- passages shown with a question, at most
