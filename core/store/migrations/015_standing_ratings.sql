-- What each rater says of each answer in each queue now: every rating but those that a later one took the place of. As
-- `queue_ratings`, found by number instead of by sorting all that anybody ever said.
create view standing_ratings as
    from ratings as r anti join (select supersedes from ratings where supersedes is not null) as s
    on s.supersedes = r.rating_id;
