-- Model versions that are no longer offered, such as an endpoint whose address was mistyped; the newest row counts.

create sequence model_retirement_ids;
create table model_retirements (
    retirement_id bigint primary key default nextval('model_retirement_ids'),
    model_id text not null,
    retired boolean not null,            -- false: brought back
    set_by text not null,
    set_at timestamp not null
);
