CREATE OR REPLACE FUNCTION pg_occ_<public>_own.insert_<unique_keys>()
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
    IF coalesce(pg_column_size(NEW."mail"), 0) > 1048576 OR coalesce(octet_length(NEW."mail"), 0) > 1973 THEN
        PERFORM occ.refuse_sizes(ARRAY[convert_to(NEW."mail"::text, 'UTF8')]::bytea[], ARRAY['text']::text[],
                                 ARRAY[coalesce(octet_length(NEW."mail"), 0)]::int[], ARRAY[1973]::int[]);
    END IF;
    IF EXISTS (SELECT FROM pg_occ_<public>."unique_keys" v WHERE v."mail" = NEW."mail") THEN
        INSERT INTO pg_occ_<public>_own."unique_keys" (occ_xid, occ_op, occ_head, "id", "mail", "live", "n") VALUES ('0', 'I', false, NEW."id", NEW."mail", NEW."live", NEW."n");
        IF EXISTS (SELECT FROM pg_occ_<public>."unique_keys" v WHERE v."id" = NEW."id") THEN
            PERFORM occ.raise_duplicate(<unique_keys_pkey>, ARRAY[NEW."id"::text]);
        END IF;
        PERFORM occ.raise_duplicate(<unique_keys_mail_key>, ARRAY[NEW."mail"::text]);
    END IF;
    SELECT n.k INTO occ_key
      FROM (SELECT (lower(mail)) AS k1, ARRAY[(lower(mail))::text] AS k FROM (SELECT NEW."id" AS "id", NEW."mail" AS "mail", NEW."live" AS "live", NEW."n" AS "n") n0 WHERE live) n
      JOIN (SELECT (lower(mail)) AS k1 FROM (SELECT * FROM pg_occ_<public>."unique_keys" v ) v0 WHERE live) m ON m.k1 = n.k1
     LIMIT 1;
    IF FOUND THEN
        INSERT INTO pg_occ_<public>_own."unique_keys" (occ_xid, occ_op, occ_head, "id", "mail", "live", "n") VALUES ('0', 'I', false, NEW."id", NEW."mail", NEW."live", NEW."n");
        IF EXISTS (SELECT FROM pg_occ_<public>."unique_keys" v WHERE v."id" = NEW."id") THEN
            PERFORM occ.raise_duplicate(<unique_keys_pkey>, ARRAY[NEW."id"::text]);
        END IF;
        PERFORM occ.raise_duplicate(<live_mail>, occ_key);
    END IF;
    SELECT n.k INTO occ_key
      FROM (SELECT ("n") AS k1, ARRAY[("n")::text] AS k FROM (SELECT NEW."id" AS "id", NEW."mail" AS "mail", NEW."live" AS "live", NEW."n" AS "n") n0 ) n
      JOIN (SELECT ("n") AS k1 FROM (SELECT * FROM pg_occ_<public>."unique_keys" v ) v0 ) m ON m.k1 IS NOT DISTINCT FROM n.k1
     LIMIT 1;
    IF FOUND THEN
        INSERT INTO pg_occ_<public>_own."unique_keys" (occ_xid, occ_op, occ_head, "id", "mail", "live", "n") VALUES ('0', 'I', false, NEW."id", NEW."mail", NEW."live", NEW."n");
        IF EXISTS (SELECT FROM pg_occ_<public>."unique_keys" v WHERE v."id" = NEW."id") THEN
            PERFORM occ.raise_duplicate(<unique_keys_pkey>, ARRAY[NEW."id"::text]);
        END IF;
        PERFORM occ.raise_duplicate(<some_n>, occ_key);
    END IF;
    occ_state := split_part(current_setting('occ.state', true), '=', 1);
    occ_head := coalesce(strpos(occ_state, '|<unique_keys>|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '<unique_keys>|';
    END IF;
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
        IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
            PERFORM occ.raise_row_limit();
        END IF;
        occ_state := set_config('occ.state',
            (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!'
            || substr(occ_state, strpos(occ_state, '|')), true);
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
    RETURN NEW;
END$function$
