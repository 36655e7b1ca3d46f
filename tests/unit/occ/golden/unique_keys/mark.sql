CREATE OR REPLACE FUNCTION pg_occ_<public>_own.mark_<unique_keys>(occ_row pg_occ_<public>.unique_keys, occ_mark "char")
 RETURNS integer
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
    occ_last text;
BEGIN
    occ_state := split_part(current_setting('occ.state', true), '=', 1);
    occ_head := coalesce(strpos(occ_state, '|<unique_keys>|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '<unique_keys>|';
    END IF;
    occ_spot := NULL;
    IF NOT occ_head THEN
        SELECT o.ctid, o.occ_op, true INTO occ_spot, occ_was, occ_same
          FROM pg_occ_<public>_own."unique_keys" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."id" = occ_row."id";
    END IF;
    IF occ_spot IS NULL THEN
        INSERT INTO pg_occ_<public>_own."unique_keys" (occ_xid, occ_op, occ_head, "id", "mail", "live", "n") VALUES (pg_current_xact_id(), occ_mark, occ_head, occ_row."id", occ_row."mail", occ_row."live", occ_row."n");
        IF strpos(occ_state, '!') = 0 OR occ_head THEN
            occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
        END IF;
    ELSIF occ_mark = 'X' AND occ_was IN ('S', 'U', 'K') THEN
        UPDATE pg_occ_<public>_own."unique_keys" SET occ_op = CASE occ_was WHEN 'S' THEN 'X'::"char" ELSE 'R' END WHERE ctid = occ_spot;
        IF strpos(occ_state, '!') = 0 OR occ_head THEN
            occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
        END IF;
    END IF;
    RETURN NULL;
END$function$
