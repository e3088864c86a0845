-- People of the company's own sign-in (OpenID Connect), sessions that end when nobody uses them, and confirmations:
-- who has no password here shows in another way that it is them before they sign.

create table identities (                -- by issuer and subject, never by name or e-mail: both change hands
    issuer text not null,
    subject text not null,
    person_id text not null,
    linked_at timestamp not null,
    primary key (issuer, subject)
);
create table confirmations (             -- they signed in anew, for this one form, which has to be used soon
    person_id text not null,
    what text not null,
    confirmed_at timestamp not null,
    used_at timestamp
);
alter table sessions add column seen_at timestamp;   -- when somebody last did something with it, to the minute
