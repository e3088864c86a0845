-- Knowledge: documents, the passages they were cut into, and the versions of a task's index over them.

create table documents (
    document_id text primary key,        -- hash of task, name and bytes
    task_id text not null,
    name text not null,
    size bigint not null,                -- bytes
    added_by text not null,
    added_at timestamp not null
);
create table passages (
    passage_id text primary key,         -- hash of document, place and text
    document_id text not null,
    place integer not null,              -- in the document, from 1
    page integer,                        -- of a PDF, slide of a presentation
    section text not null,               -- headings above it, or the name of the sheet
    text text not null
);
create table indexes (
    task_id text not null,
    number integer not null,             -- version of the task's knowledge base, from 1
    index_id text not null,              -- hash of its documents and of how they are cut; a version may be brought back
    documents text[] not null,
    passages integer not null,
    created_by text not null,
    created_at timestamp not null,
    primary key (task_id, number)
);
