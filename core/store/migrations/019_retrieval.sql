-- Retrieval in runs: which index a run looked things up in, and the passages as they were shown with each question.

alter table runs add column index_id text;   -- null: nothing was looked up
alter table runs add column k integer;       -- passages shown with a question, at most

create table shown_passages (
    run_id text not null,
    sample_id text not null,
    number integer not null,             -- as answers cite it, from 1
    passage_id text not null,
    document text not null,              -- its name
    page integer,
    section text not null,
    text text not null,                  -- as the model read it
    score double not null,
    primary key (run_id, sample_id, number)
);
