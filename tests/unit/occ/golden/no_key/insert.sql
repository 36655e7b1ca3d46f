CREATE OR REPLACE FUNCTION pg_occ_<public>_own.insert_<no_key>()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
    occ_state text;
    occ_head boolean;
    occ_spot tid;
    occ_was "char";
    occ_same boolean;
    occ_op_ "char";
    occ_key text[];
    occ_last text;
BEGIN
    occ_state := split_part(current_setting('occ.state', true), '=', 1);
    occ_head := coalesce(strpos(occ_state, '|<no_key>|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '<no_key>|';
    END IF;
    INSERT INTO pg_occ_<public>_own."no_key" AS o (occ_xid, occ_op, occ_head, "a", "b")
    VALUES (pg_current_xact_id(), 'I', occ_head, NEW."a", NEW."b");
    IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
        PERFORM occ.raise_row_limit();
    END IF;
    occ_state := set_config('occ.state',
        (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!'
        || substr(occ_state, strpos(occ_state, '|')), true);
    RETURN NEW;
END$function$
