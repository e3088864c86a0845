-- How long what business systems asked is kept, as set for each task together with the share.

alter table serving_terms add column kept_months integer;        -- null: for good
