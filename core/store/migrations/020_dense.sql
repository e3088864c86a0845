-- Indexes that are searched by meaning: the way each version is searched in, and the vectors of passages.

alter table indexes add column method text default 'bm25';   -- bm25, dense or hybrid
alter table indexes add column embedder text;                -- JSON: where the vectors are from, never a key; null with bm25
alter table indexes add column vectors text;                 -- SHA-256 of the vectors in the order of the passages

create table vectors (
    embedder_id text not null,           -- hash of what made it
    text_id text not null,               -- SHA-256 of the passage with its section above it
    vector float[] not null,             -- of length 1
    primary key (embedder_id, text_id)
);
