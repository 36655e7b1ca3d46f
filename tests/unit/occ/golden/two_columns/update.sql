CREATE OR REPLACE FUNCTION pg_occ_<public>_own.update_<two_columns>()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
AS $function$
BEGIN
    IF (CASE WHEN NOT (NEW."a" OPERATOR(pg_catalog.=) OLD."a" AND NEW."b" OPERATOR(pg_catalog.=) OLD."b" AND pg_catalog.record_image_eq(ROW(NEW."v"), ROW(OLD."v"))) THEN false
            WHEN COALESCE(pg_catalog.current_setting('occ.state', true), '') OPERATOR(pg_catalog.=) ''
            THEN pg_catalog.set_config('occ.state', '1|<two_columns>|=' OPERATOR(pg_catalog.||) NEW."a"::pg_catalog.text OPERATOR(pg_catalog.||) '/' OPERATOR(pg_catalog.||) pg_catalog.hashtext(NEW."b")::pg_catalog.text OPERATOR(pg_catalog.||) '=', true) IS NOT NULL
            WHEN pg_catalog.current_setting('occ.state') OPERATOR(pg_catalog.~~) '_|<two_columns>|=%'
             AND pg_catalog.ascii(pg_catalog.current_setting('occ.state')) OPERATOR(pg_catalog.<) 52
             AND pg_catalog.strpos(pg_catalog.current_setting('occ.state'), '=' OPERATOR(pg_catalog.||) NEW."a"::pg_catalog.text OPERATOR(pg_catalog.||) '/' OPERATOR(pg_catalog.||) pg_catalog.hashtext(NEW."b")::pg_catalog.text OPERATOR(pg_catalog.||) '=') OPERATOR(pg_catalog.=) 0
             AND pg_catalog.current_setting('occ.row_limit')::pg_catalog.int4 OPERATOR(pg_catalog.>=) 4
            THEN pg_catalog.set_config('occ.state', pg_catalog.chr(pg_catalog.ascii(pg_catalog.current_setting('occ.state')) OPERATOR(pg_catalog.+) 1)
                     OPERATOR(pg_catalog.||) pg_catalog.substr(pg_catalog.current_setting('occ.state'), 2) OPERATOR(pg_catalog.||) '=' OPERATOR(pg_catalog.||) NEW."a"::pg_catalog.text OPERATOR(pg_catalog.||) '/' OPERATOR(pg_catalog.||) pg_catalog.hashtext(NEW."b")::pg_catalog.text OPERATOR(pg_catalog.||) '=', true) IS NOT NULL END) THEN
        INSERT INTO pg_occ_<public>_own."two_columns" (occ_xid, occ_op, occ_head, "a", "b", "v")
        VALUES (pg_catalog.pg_current_xact_id(), 'U', pg_catalog.ascii(pg_catalog.current_setting('occ.state')) OPERATOR(pg_catalog.=) 49, NEW."a", NEW."b", NEW."v");
        RETURN NEW;
    END IF;
    RETURN pg_occ_<public>_own.update_row_<two_columns>(OLD, NEW);
END$function$
