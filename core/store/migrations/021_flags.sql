-- Flags are looked at and closed with a reason; what answers repeat somebody's own words is said in one place.

create sequence flag_closing_ids;
create table flag_closings (             -- what came of a flag; a newer rating that is flagged is a new flag
    flag_closing_id bigint primary key default nextval('flag_closing_ids'),
    rating_id bigint not null,           -- the rating that raised it
    reason text not null,
    closed_by text not null,
    closed_at timestamp not null
);

create view own_answers as               -- answers that are word for word what a rater wrote as a correction
    with written as (                    -- labels and short fields, below 40 characters, are everybody's
        select rater, answer_id, correction from ratings
        where origin in ('typed', 'edited') and length(correction) >= 40
        union all
        select decided_by, answer_id, correction from decisions
        where origin in ('typed', 'edited') and length(correction) >= 40
    )
    select w.rater, other.answer_id
    from written as w join answers as a on a.answer_id = w.answer_id
    join answers as other on other.sample_id = a.sample_id
        and other.text between w.correction and w.correction  -- by "=" the join would hash every text there is
    where other.answer_id <> w.answer_id;
