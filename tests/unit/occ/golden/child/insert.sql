CREATE OR REPLACE FUNCTION pg_occ_<public>_own.insert_<child>()
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
    occ_head := coalesce(strpos(occ_state, '|<child>|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '<child>|';
    END IF;
    occ_spot := NULL;
    IF NOT occ_head THEN
        SELECT o.ctid, o.occ_op, true INTO occ_spot, occ_was, occ_same
          FROM pg_occ_<public>_own."child" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."id" = NEW."id";
    END IF;
    IF occ_spot IS NULL THEN
        INSERT INTO pg_occ_<public>_own."child" AS o (occ_xid, occ_op, occ_head, "id", "up")
        SELECT pg_current_xact_id(), 'I', occ_head, NEW."id", NEW."up"
         WHERE NOT EXISTS (SELECT FROM "public"."child" b WHERE b."id" = NEW."id");
        IF NOT FOUND THEN
            INSERT INTO pg_occ_<public>_own."child" (occ_xid, occ_op, occ_head, "id", "up") VALUES ('0', 'I', false, NEW."id", NEW."up");
            PERFORM occ.raise_duplicate(<child_pkey>, ARRAY[NEW."id"::text]);
        END IF;
        IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
            PERFORM occ.raise_row_limit();
        END IF;
        occ_state := set_config('occ.state',
            (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!'
            || substr(occ_state, strpos(occ_state, '|')), true);
    ELSE
        IF occ_was NOT IN ('D', 'N') THEN
            INSERT INTO pg_occ_<public>_own."child" (occ_xid, occ_op, occ_head, "id", "up") VALUES ('0', 'I', false, NEW."id", NEW."up");
            PERFORM occ.raise_duplicate(<child_pkey>, ARRAY[NEW."id"::text]);
        END IF;
        UPDATE pg_occ_<public>_own."child" o SET "id" = NEW."id", "up" = NEW."up", occ_op = CASE occ_was WHEN 'D' THEN 'R'::"char" ELSE 'I' END
         WHERE o.ctid = occ_spot;
        IF strpos(occ_state, '!') = 0 OR occ_head THEN
            occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!' || substr(occ_state, strpos(occ_state, '|')), true);
        END IF;
    END IF;
    IF NEW."up" IS NOT NULL THEN
        PERFORM pg_occ_<public>_own.mark_<parent>(p.*, 'S') FROM pg_occ_<public>."parent" p WHERE p."id" = NEW."up";
        IF NOT FOUND THEN
            PERFORM occ.put_off(<child_up_fkey>, 'c', ARRAY[NEW."up"::text]);
        END IF;
    END IF;
    RETURN NEW;
END$function$
