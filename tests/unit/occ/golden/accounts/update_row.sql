CREATE OR REPLACE FUNCTION pg_occ_<public>_own.update_row_<accounts>(old pg_occ_<public>.accounts, new pg_occ_<public>.accounts)
 RETURNS pg_occ_<public>.accounts
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
    occ_head := coalesce(strpos(occ_state, '|<accounts>|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '<accounts>|';
    END IF;
    IF (NEW."id") IS DISTINCT FROM (OLD."id") THEN
        occ_spot := NULL;
        IF NOT occ_head THEN
            SELECT o.ctid, o.occ_op, record_image_eq(ROW(o."id", o."balance"), ROW(OLD."id", OLD."balance")) INTO occ_spot, occ_was, occ_same
              FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."id" = OLD."id";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."accounts" AS o (occ_xid, occ_op, occ_head, "id", "balance")
            VALUES (pg_current_xact_id(), 'D', occ_head, OLD."id", OLD."balance");
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
            UPDATE pg_occ_<public>_own."accounts" SET occ_op = CASE occ_was WHEN 'I' THEN 'N'::"char" ELSE 'D' END WHERE ctid = occ_spot;
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
              FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."id" = NEW."id";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."accounts" AS o (occ_xid, occ_op, occ_head, "id", "balance")
            SELECT pg_current_xact_id(), 'I', occ_head, NEW."id", NEW."balance"
             WHERE NOT EXISTS (SELECT FROM "public"."accounts" b WHERE b."id" = NEW."id");
            IF NOT FOUND THEN
                INSERT INTO pg_occ_<public>_own."accounts" (occ_xid, occ_op, occ_head, "id", "balance") VALUES ('0', 'I', false, NEW."id", NEW."balance");
                PERFORM occ.raise_duplicate(<accounts_pkey>, ARRAY[NEW."id"::text]);
            END IF;
            IF strpos(occ_state, '!') = 0 OR occ_head THEN
                occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        ELSE
            IF occ_was NOT IN ('D', 'N') THEN
                INSERT INTO pg_occ_<public>_own."accounts" (occ_xid, occ_op, occ_head, "id", "balance") VALUES ('0', 'I', false, NEW."id", NEW."balance");
                PERFORM occ.raise_duplicate(<accounts_pkey>, ARRAY[NEW."id"::text]);
            END IF;
            UPDATE pg_occ_<public>_own."accounts" o SET "id" = NEW."id", "balance" = NEW."balance", occ_op = CASE occ_was WHEN 'D' THEN 'R'::"char" ELSE 'I' END
             WHERE o.ctid = occ_spot;
            IF strpos(occ_state, '!') = 0 OR occ_head THEN
                occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        END IF;
    ELSE
        occ_spot := NULL;
        IF NOT occ_head THEN
            SELECT o.ctid, o.occ_op, record_image_eq(ROW(o."id", o."balance"), ROW(OLD."id", OLD."balance")) INTO occ_spot, occ_was, occ_same
              FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."id" = OLD."id";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."accounts" AS o (occ_xid, occ_op, occ_head, "id", "balance")
            VALUES (pg_current_xact_id(), 'U', occ_head, NEW."id", NEW."balance");
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
            UPDATE pg_occ_<public>_own."accounts" o SET "id" = NEW."id", "balance" = NEW."balance", occ_op = CASE occ_was WHEN 'X' THEN 'R' WHEN 'S' THEN 'U' ELSE occ_was END
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
