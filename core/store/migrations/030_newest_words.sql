-- As in 029, but only the queues that ask about the same run as another one have something to choose from: two queues
-- over different runs, which is what most tasks have, need no sorting.
create or replace macro newest_words(of_runs) as table
with shared as (
    select queue_id
    from (select queue_id, unnest(run_ids) as run_id from queues where list_has_any(run_ids, of_runs))
    qualify count(*) over (partition by run_id) > 1
), past as (
    select supersedes as rating_id from ratings where supersedes is not null
    union all
    select rating_id from ratings semi join shared using (queue_id)
    qualify row_number() over (partition by answer_id, rater order by rating_id desc) > 1
)
select answer_id, rater, verdict, error_types from ratings anti join past using (rating_id);
