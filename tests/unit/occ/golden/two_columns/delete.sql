CREATE OR REPLACE FUNCTION pg_occ_<public>_own.delete_<two_columns>()
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
    occ_head := coalesce(strpos(occ_state, '|<two_columns>|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '<two_columns>|';
    END IF;
    occ_spot := NULL;
    IF NOT occ_head THEN
        SELECT o.ctid, o.occ_op, record_image_eq(ROW(o."a", o."b", o."v"), ROW(OLD."a", OLD."b", OLD."v")) INTO occ_spot, occ_was, occ_same
          FROM pg_occ_<public>_own."two_columns" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."a" = OLD."a" AND o."b" = OLD."b";
    END IF;
    IF occ_spot IS NULL THEN
        INSERT INTO pg_occ_<public>_own."two_columns" AS o (occ_xid, occ_op, occ_head, "a", "b", "v")
        VALUES (pg_current_xact_id(), 'D', occ_head, OLD."a", OLD."b", OLD."v");
        IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
            PERFORM occ.raise_row_limit();
        END IF;
        occ_state := set_config('occ.state',
            (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!'
            || substr(occ_state, strpos(occ_state, '|')), true);
    ELSE
        IF occ_was IN ('D', 'N') OR NOT occ_same THEN
            RETURN NULL;
        END IF;
        UPDATE pg_occ_<public>_own."two_columns" SET occ_op = CASE occ_was WHEN 'I' THEN 'N'::"char" ELSE 'D' END WHERE ctid = occ_spot;
        IF occ_was IN ('X', 'S') THEN
            IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
                PERFORM occ.raise_row_limit();
            END IF;
            occ_state := set_config('occ.state',
                (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!'
                || substr(occ_state, strpos(occ_state, '|')), true);
        ELSE
            IF strpos(occ_state, '!') = 0 OR occ_head THEN
                occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        END IF;
    END IF;
    RETURN OLD;
END$function$
