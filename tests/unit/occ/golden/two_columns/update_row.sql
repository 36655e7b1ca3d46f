CREATE OR REPLACE FUNCTION pg_occ_<public>_own.update_row_<two_columns>(old pg_occ_<public>.two_columns, new pg_occ_<public>.two_columns)
 RETURNS pg_occ_<public>.two_columns
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
    IF coalesce(pg_column_size(NEW."b"), 0) + coalesce(pg_column_size(NEW."v"), 0) > 1048576 OR coalesce(octet_length(NEW."b"), 0) > 1973 THEN
        PERFORM occ.refuse_sizes(ARRAY[convert_to(NEW."b"::text, 'UTF8'), convert_to(NEW."v"::text, 'UTF8')]::bytea[], ARRAY['text', 'numeric']::text[],
                                 ARRAY[coalesce(octet_length(NEW."b"), 0)]::int[], ARRAY[1973]::int[]);
    END IF;
    occ_state := split_part(current_setting('occ.state', true), '=', 1);
    occ_head := coalesce(strpos(occ_state, '|<two_columns>|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '<two_columns>|';
    END IF;
    IF (NEW."a", NEW."b") IS DISTINCT FROM (OLD."a", OLD."b") THEN
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
        occ_head := false;
        occ_spot := NULL;
        IF NOT occ_head THEN
            SELECT o.ctid, o.occ_op, true INTO occ_spot, occ_was, occ_same
              FROM pg_occ_<public>_own."two_columns" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."a" = NEW."a" AND o."b" = NEW."b";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."two_columns" AS o (occ_xid, occ_op, occ_head, "a", "b", "v")
            SELECT pg_current_xact_id(), 'I', occ_head, NEW."a", NEW."b", NEW."v"
             WHERE NOT EXISTS (SELECT FROM "public"."two_columns" b WHERE b."a" = NEW."a" AND b."b" = NEW."b");
            IF NOT FOUND THEN
                INSERT INTO pg_occ_<public>_own."two_columns" (occ_xid, occ_op, occ_head, "a", "b", "v") VALUES ('0', 'I', false, NEW."a", NEW."b", NEW."v");
                PERFORM occ.raise_duplicate(<two_columns_pkey>, ARRAY[NEW."a"::text, NEW."b"::text]);
            END IF;
            IF strpos(occ_state, '!') = 0 OR occ_head THEN
                occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        ELSE
            IF occ_was NOT IN ('D', 'N') THEN
                INSERT INTO pg_occ_<public>_own."two_columns" (occ_xid, occ_op, occ_head, "a", "b", "v") VALUES ('0', 'I', false, NEW."a", NEW."b", NEW."v");
                PERFORM occ.raise_duplicate(<two_columns_pkey>, ARRAY[NEW."a"::text, NEW."b"::text]);
            END IF;
            UPDATE pg_occ_<public>_own."two_columns" o SET "a" = NEW."a", "b" = NEW."b", "v" = NEW."v", occ_op = CASE occ_was WHEN 'D' THEN 'R'::"char" ELSE 'I' END
             WHERE o.ctid = occ_spot;
            IF strpos(occ_state, '!') = 0 OR occ_head THEN
                occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        END IF;
    ELSE
        occ_spot := NULL;
        IF NOT occ_head THEN
            SELECT o.ctid, o.occ_op, record_image_eq(ROW(o."a", o."b", o."v"), ROW(OLD."a", OLD."b", OLD."v")) INTO occ_spot, occ_was, occ_same
              FROM pg_occ_<public>_own."two_columns" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."a" = OLD."a" AND o."b" = OLD."b";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."two_columns" AS o (occ_xid, occ_op, occ_head, "a", "b", "v")
            VALUES (pg_current_xact_id(), 'U', occ_head, NEW."a", NEW."b", NEW."v");
            IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
                PERFORM occ.raise_row_limit();
            END IF;
            occ_state := set_config('occ.state',
                CASE WHEN strpos(occ_state, '!') = 0 THEN (split_part(occ_state, '|', 1)::int + 1)::text
                     ELSE (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!' END
                || substr(occ_state, strpos(occ_state, '|')), true);
        ELSE
            IF occ_was IN ('D', 'N') OR NOT occ_same THEN
                RETURN NULL;
            END IF;
            UPDATE pg_occ_<public>_own."two_columns" o SET "a" = NEW."a", "b" = NEW."b", "v" = NEW."v", occ_op = CASE occ_was WHEN 'X' THEN 'R' WHEN 'S' THEN 'U' ELSE occ_was END
             WHERE o.ctid = occ_spot;
            IF occ_was IN ('X', 'S') THEN
                IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
                    PERFORM occ.raise_row_limit();
                END IF;
                occ_state := set_config('occ.state',
                    (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!'
                    || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        END IF;
    END IF;
    RETURN NEW;
END$function$
