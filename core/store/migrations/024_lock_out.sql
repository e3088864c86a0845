-- Accounts are locked after too many wrong passwords in a row, until time has passed or an admin unlocks them.

create table unlocks (
    person_id text not null,
    unlocked_by text not null,
    unlocked_at timestamp not null
);

create view wrong_in_a_row as            -- wrong tries of each name since it was last let in or unlocked
    with freed as (
        select person_id, tried_at as freed_at from sign_in_attempts where succeeded
        union all
        select person_id, unlocked_at from unlocks
    ), latest as (
        select person_id, max(freed_at) as freed_at from freed group by person_id
    )
    select a.person_id, a.tried_at from sign_in_attempts as a left join latest as l using (person_id)
    where not a.succeeded and (l.freed_at is null or a.tried_at > l.freed_at);
