-- What a model has learned from: its own training set, and those of the models that it was made from.

create view learned_through as           -- model_id: any model; learned_by: an adapter that is in it, or it itself
    with recursive made as (
        select model_id, lineage ->> 'start_model_id' as made_from from models
        union all
        select model_id, base_model_id from models
        union all                        -- a merged folder bears the id of the adapter that is in it
        select m.model_id, a.model_id from models as m
        join models as a on a.kind = 'adapter' and m.kind = 'local' and parse_filename(m.path) = a.model_id
    ), through as (
        select model_id, model_id as learned_by from models where kind = 'adapter'
        union
        select m.model_id, t.learned_by from made as m join through as t on t.model_id = m.made_from
    )
    from through;
