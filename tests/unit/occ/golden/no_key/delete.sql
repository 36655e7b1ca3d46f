CREATE OR REPLACE FUNCTION pg_occ_<public>_own.delete_<no_key>()
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
    occ_last := current_setting('occ.last', true);
    IF occ_last <> '' THEN
        SELECT b.ctid INTO occ_spot FROM "public"."no_key" b
         WHERE record_image_eq(ROW(b."a", b."b"), ROW(OLD."a", OLD."b")) AND NOT EXISTS (SELECT FROM pg_occ_<public>_own."no_key" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_ref = b.ctid) AND b.ctid > occ_last::tid LIMIT 1;
    END IF;
    IF coalesce(occ_last, '') = '' OR NOT FOUND THEN
        SELECT b.ctid INTO occ_spot FROM "public"."no_key" b
         WHERE record_image_eq(ROW(b."a", b."b"), ROW(OLD."a", OLD."b")) AND NOT EXISTS (SELECT FROM pg_occ_<public>_own."no_key" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_ref = b.ctid) LIMIT 1;
    END IF;
    IF FOUND THEN
        occ_last := set_config('occ.last', occ_spot::text, true);
    END IF;
    IF occ_spot IS NOT NULL THEN
        INSERT INTO pg_occ_<public>_own."no_key" AS o (occ_xid, occ_op, occ_head, occ_ref, "a", "b")
        VALUES (pg_current_xact_id(), 'D', occ_head, occ_spot, OLD."a", OLD."b");
        IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
            PERFORM occ.raise_row_limit();
        END IF;
        occ_state := set_config('occ.state',
            (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!'
            || substr(occ_state, strpos(occ_state, '|')), true);
    ELSE
        SELECT o.ctid, o.occ_op INTO occ_spot, occ_was FROM pg_occ_<public>_own."no_key" o
         WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op NOT IN ('D', 'N') AND record_image_eq(ROW(o."a", o."b"), ROW(OLD."a", OLD."b")) LIMIT 1;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        UPDATE pg_occ_<public>_own."no_key" SET occ_op = CASE occ_was WHEN 'I' THEN 'N'::"char" ELSE 'D' END WHERE ctid = occ_spot;
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
