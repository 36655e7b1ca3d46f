CREATE OR REPLACE FUNCTION pg_occ_<public>_own.update_<awkward>()
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
    IF coalesce(pg_column_size(NEW."a, b"), 0) + coalesce(pg_column_size(NEW."{own}"), 0) > 1048576 OR coalesce(octet_length(NEW."a, b"), 0) > 1981 THEN
        PERFORM occ.refuse_sizes(ARRAY[convert_to(NEW."a, b"::text, 'UTF8'), convert_to(NEW."{own}"::text, 'UTF8')]::bytea[], ARRAY['text', 'text']::text[],
                                 ARRAY[coalesce(octet_length(NEW."a, b"), 0)]::int[], ARRAY[1981]::int[]);
    END IF;
    IF NEW."by" IS NULL THEN
        NEW."by" := nextval(<awkward_by_seq>::oid::regclass);
    ELSIF NEW."by" IS DISTINCT FROM OLD."by" THEN
        PERFORM occ.refuse_value('update', 'by', false);
    END IF;
    IF NEW."o.x" IS NOT NULL AND NEW."o.x"::text IS DISTINCT FROM OLD."o.x"::text THEN
        PERFORM occ.refuse_value('update', 'o.x', true);
    END IF;
    occ_state := split_part(current_setting('occ.state', true), '=', 1);
    occ_head := coalesce(strpos(occ_state, '|<awkward>|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '<awkward>|';
    END IF;
    IF (NEW."a, b") IS DISTINCT FROM (OLD."a, b") THEN
        occ_spot := NULL;
        IF NOT occ_head THEN
            SELECT o.ctid, o.occ_op, record_image_eq(ROW(o."by", o."a, b", o."{own}", o."o.x"), ROW(OLD."by", OLD."a, b", OLD."{own}", OLD."o.x")) INTO occ_spot, occ_was, occ_same
              FROM pg_occ_<public>_own."awkward" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."a, b" = OLD."a, b";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."awkward" AS o (occ_xid, occ_op, occ_head, "by", "a, b", "{own}")
            VALUES (pg_current_xact_id(), 'D', occ_head, OLD."by", OLD."a, b", OLD."{own}");
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
            UPDATE pg_occ_<public>_own."awkward" SET occ_op = CASE occ_was WHEN 'I' THEN 'N'::"char" ELSE 'D' END WHERE ctid = occ_spot;
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
              FROM pg_occ_<public>_own."awkward" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."a, b" = NEW."a, b";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."awkward" AS o (occ_xid, occ_op, occ_head, "by", "a, b", "{own}")
            SELECT pg_current_xact_id(), 'I', occ_head, NEW."by", NEW."a, b", NEW."{own}"
             WHERE NOT EXISTS (SELECT FROM "public"."awkward" b WHERE b."a, b" = NEW."a, b") RETURNING o."o.x" INTO NEW."o.x";
            IF NOT FOUND THEN
                INSERT INTO pg_occ_<public>_own."awkward" (occ_xid, occ_op, occ_head, "by", "a, b", "{own}") VALUES ('0', 'I', false, NEW."by", NEW."a, b", NEW."{own}");
                PERFORM occ.raise_duplicate(<awkward_pkey>, ARRAY[NEW."a, b"::text]);
            END IF;
            IF strpos(occ_state, '!') = 0 OR occ_head THEN
                occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        ELSE
            IF occ_was NOT IN ('D', 'N') THEN
                INSERT INTO pg_occ_<public>_own."awkward" (occ_xid, occ_op, occ_head, "by", "a, b", "{own}") VALUES ('0', 'I', false, NEW."by", NEW."a, b", NEW."{own}");
                PERFORM occ.raise_duplicate(<awkward_pkey>, ARRAY[NEW."a, b"::text]);
            END IF;
            UPDATE pg_occ_<public>_own."awkward" o SET "by" = NEW."by", "a, b" = NEW."a, b", "{own}" = NEW."{own}", occ_op = CASE occ_was WHEN 'D' THEN 'R'::"char" ELSE 'I' END
             WHERE o.ctid = occ_spot RETURNING o."o.x" INTO NEW."o.x";
            IF strpos(occ_state, '!') = 0 OR occ_head THEN
                occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        END IF;
    ELSE
        occ_spot := NULL;
        IF NOT occ_head THEN
            SELECT o.ctid, o.occ_op, record_image_eq(ROW(o."by", o."a, b", o."{own}", o."o.x"), ROW(OLD."by", OLD."a, b", OLD."{own}", OLD."o.x")) INTO occ_spot, occ_was, occ_same
              FROM pg_occ_<public>_own."awkward" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."a, b" = OLD."a, b";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."awkward" AS o (occ_xid, occ_op, occ_head, "by", "a, b", "{own}")
            VALUES (pg_current_xact_id(), 'U', occ_head, NEW."by", NEW."a, b", NEW."{own}") RETURNING o."o.x" INTO NEW."o.x";
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
            UPDATE pg_occ_<public>_own."awkward" o SET "by" = NEW."by", "a, b" = NEW."a, b", "{own}" = NEW."{own}", occ_op = CASE occ_was WHEN 'X' THEN 'R' WHEN 'S' THEN 'U' ELSE occ_was END
             WHERE o.ctid = occ_spot RETURNING o."o.x" INTO NEW."o.x";
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
