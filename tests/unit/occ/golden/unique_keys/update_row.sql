CREATE OR REPLACE FUNCTION pg_occ_<public>_own.update_row_<unique_keys>(old pg_occ_<public>.unique_keys, new pg_occ_<public>.unique_keys)
 RETURNS pg_occ_<public>.unique_keys
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
    IF coalesce(pg_column_size(NEW."mail"), 0) > 1048576 OR coalesce(octet_length(NEW."mail"), 0) > 1973 THEN
        PERFORM occ.refuse_sizes(ARRAY[convert_to(NEW."mail"::text, 'UTF8')]::bytea[], ARRAY['text']::text[],
                                 ARRAY[coalesce(octet_length(NEW."mail"), 0)]::int[], ARRAY[1973]::int[]);
    END IF;
    IF (NEW."mail") IS DISTINCT FROM (OLD."mail") THEN
        IF EXISTS (SELECT FROM pg_occ_<public>."unique_keys" v WHERE v."mail" = NEW."mail") THEN
            INSERT INTO pg_occ_<public>_own."unique_keys" (occ_xid, occ_op, occ_head, "id", "mail", "live", "n") VALUES ('0', 'I', false, NEW."id", NEW."mail", NEW."live", NEW."n");
            IF (NEW."id") IS DISTINCT FROM (OLD."id") AND EXISTS (SELECT FROM pg_occ_<public>."unique_keys" v WHERE v."id" = NEW."id") THEN
                PERFORM occ.raise_duplicate(<unique_keys_pkey>, ARRAY[NEW."id"::text]);
            END IF;
            PERFORM occ.raise_duplicate(<unique_keys_mail_key>, ARRAY[NEW."mail"::text]);
        END IF;
    END IF;
    IF (NEW."mail", NEW."live") IS DISTINCT FROM (OLD."mail", OLD."live") THEN
        SELECT n.k INTO occ_key
          FROM (SELECT (lower(mail)) AS k1, ARRAY[(lower(mail))::text] AS k FROM (SELECT NEW."id" AS "id", NEW."mail" AS "mail", NEW."live" AS "live", NEW."n" AS "n") n0 WHERE live) n
          JOIN (SELECT (lower(mail)) AS k1 FROM (SELECT * FROM pg_occ_<public>."unique_keys" v WHERE NOT (v."id" = OLD."id")) v0 WHERE live) m ON m.k1 = n.k1
         LIMIT 1;
        IF FOUND THEN
            INSERT INTO pg_occ_<public>_own."unique_keys" (occ_xid, occ_op, occ_head, "id", "mail", "live", "n") VALUES ('0', 'I', false, NEW."id", NEW."mail", NEW."live", NEW."n");
            IF (NEW."id") IS DISTINCT FROM (OLD."id") AND EXISTS (SELECT FROM pg_occ_<public>."unique_keys" v WHERE v."id" = NEW."id") THEN
                PERFORM occ.raise_duplicate(<unique_keys_pkey>, ARRAY[NEW."id"::text]);
            END IF;
            PERFORM occ.raise_duplicate(<live_mail>, occ_key);
        END IF;
    END IF;
    IF (NEW."n") IS DISTINCT FROM (OLD."n") THEN
        SELECT n.k INTO occ_key
          FROM (SELECT ("n") AS k1, ARRAY[("n")::text] AS k FROM (SELECT NEW."id" AS "id", NEW."mail" AS "mail", NEW."live" AS "live", NEW."n" AS "n") n0 ) n
          JOIN (SELECT ("n") AS k1 FROM (SELECT * FROM pg_occ_<public>."unique_keys" v WHERE NOT (v."id" = OLD."id")) v0 ) m ON m.k1 IS NOT DISTINCT FROM n.k1
         LIMIT 1;
        IF FOUND THEN
            INSERT INTO pg_occ_<public>_own."unique_keys" (occ_xid, occ_op, occ_head, "id", "mail", "live", "n") VALUES ('0', 'I', false, NEW."id", NEW."mail", NEW."live", NEW."n");
            IF (NEW."id") IS DISTINCT FROM (OLD."id") AND EXISTS (SELECT FROM pg_occ_<public>."unique_keys" v WHERE v."id" = NEW."id") THEN
                PERFORM occ.raise_duplicate(<unique_keys_pkey>, ARRAY[NEW."id"::text]);
            END IF;
            PERFORM occ.raise_duplicate(<some_n>, occ_key);
        END IF;
    END IF;
    occ_op_ := CASE WHEN (NEW."mail") IS DISTINCT FROM (OLD."mail") THEN 'R' WHEN (NEW."n") IS DISTINCT FROM (OLD."n") THEN 'R' WHEN (NEW."mail", NEW."live") IS DISTINCT FROM (OLD."mail", OLD."live") THEN 'K' ELSE 'U' END::"char";
    occ_state := split_part(current_setting('occ.state', true), '=', 1);
    occ_head := coalesce(strpos(occ_state, '|<unique_keys>|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '<unique_keys>|';
    END IF;
    IF (NEW."id") IS DISTINCT FROM (OLD."id") THEN
        occ_spot := NULL;
        IF NOT occ_head THEN
            SELECT o.ctid, o.occ_op, record_image_eq(ROW(o."id", o."mail", o."live", o."n"), ROW(OLD."id", OLD."mail", OLD."live", OLD."n")) INTO occ_spot, occ_was, occ_same
              FROM pg_occ_<public>_own."unique_keys" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."id" = OLD."id";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."unique_keys" AS o (occ_xid, occ_op, occ_head, "id", "mail", "live", "n")
            VALUES (pg_current_xact_id(), 'D', occ_head, OLD."id", OLD."mail", OLD."live", OLD."n");
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
            UPDATE pg_occ_<public>_own."unique_keys" SET occ_op = CASE occ_was WHEN 'I' THEN 'N'::"char" ELSE 'D' END WHERE ctid = occ_spot;
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
              FROM pg_occ_<public>_own."unique_keys" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."id" = NEW."id";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."unique_keys" AS o (occ_xid, occ_op, occ_head, "id", "mail", "live", "n")
            SELECT pg_current_xact_id(), 'I', occ_head, NEW."id", NEW."mail", NEW."live", NEW."n"
             WHERE NOT EXISTS (SELECT FROM "public"."unique_keys" b WHERE b."id" = NEW."id");
            IF NOT FOUND THEN
                INSERT INTO pg_occ_<public>_own."unique_keys" (occ_xid, occ_op, occ_head, "id", "mail", "live", "n") VALUES ('0', 'I', false, NEW."id", NEW."mail", NEW."live", NEW."n");
                PERFORM occ.raise_duplicate(<unique_keys_pkey>, ARRAY[NEW."id"::text]);
            END IF;
            IF strpos(occ_state, '!') = 0 OR occ_head THEN
                occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        ELSE
            IF occ_was NOT IN ('D', 'N') THEN
                INSERT INTO pg_occ_<public>_own."unique_keys" (occ_xid, occ_op, occ_head, "id", "mail", "live", "n") VALUES ('0', 'I', false, NEW."id", NEW."mail", NEW."live", NEW."n");
                PERFORM occ.raise_duplicate(<unique_keys_pkey>, ARRAY[NEW."id"::text]);
            END IF;
            UPDATE pg_occ_<public>_own."unique_keys" o SET "id" = NEW."id", "mail" = NEW."mail", "live" = NEW."live", "n" = NEW."n", occ_op = CASE occ_was WHEN 'D' THEN 'R'::"char" ELSE 'I' END
             WHERE o.ctid = occ_spot;
            IF strpos(occ_state, '!') = 0 OR occ_head THEN
                occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        END IF;
    ELSE
        occ_spot := NULL;
        IF NOT occ_head THEN
            SELECT o.ctid, o.occ_op, record_image_eq(ROW(o."id", o."mail", o."live", o."n"), ROW(OLD."id", OLD."mail", OLD."live", OLD."n")) INTO occ_spot, occ_was, occ_same
              FROM pg_occ_<public>_own."unique_keys" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."id" = OLD."id";
        END IF;
        IF occ_spot IS NULL THEN
            INSERT INTO pg_occ_<public>_own."unique_keys" AS o (occ_xid, occ_op, occ_head, "id", "mail", "live", "n")
            VALUES (pg_current_xact_id(), occ_op_, occ_head, NEW."id", NEW."mail", NEW."live", NEW."n");
            IF occ_op_ = 'U' THEN
                IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
                    PERFORM occ.raise_row_limit();
                END IF;
                occ_state := set_config('occ.state',
                    CASE WHEN strpos(occ_state, '!') = 0 THEN (split_part(occ_state, '|', 1)::int + 1)::text
                         ELSE (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!' END
                    || substr(occ_state, strpos(occ_state, '|')), true);
            ELSE
                IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
                    PERFORM occ.raise_row_limit();
                END IF;
                occ_state := set_config('occ.state',
                    (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!'
                    || substr(occ_state, strpos(occ_state, '|')), true);
            END IF;
        ELSE
            IF occ_was IN ('D', 'N') OR NOT occ_same THEN
                RETURN NULL;
            END IF;
            UPDATE pg_occ_<public>_own."unique_keys" o SET "id" = NEW."id", "mail" = NEW."mail", "live" = NEW."live", "n" = NEW."n", occ_op = CASE WHEN occ_was IN ('I', 'R') THEN occ_was
                                WHEN occ_was = 'X' THEN 'R'
                                WHEN occ_was = 'K' AND occ_op_ = 'U' THEN 'K'
                                ELSE occ_op_ END
             WHERE o.ctid = occ_spot;
            IF occ_was IN ('X', 'S') THEN
                IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
                    PERFORM occ.raise_row_limit();
                END IF;
                occ_state := set_config('occ.state',
                    (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!'
                    || substr(occ_state, strpos(occ_state, '|')), true);
            ELSIF occ_op_ <> 'U' THEN
                IF strpos(occ_state, '!') = 0 OR occ_head THEN
                    occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
                END IF;
            END IF;
        END IF;
    END IF;
    RETURN NEW;
END$function$
