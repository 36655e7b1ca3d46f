-- FOR UPDATE and FOR KEY SHARE of rows that a statement finds through a view.

-- The users' entry where a statement names a view: `path` leads from it to the table. Who may hold rows of a relation
-- is asked of its user, and below a view of the view's owner, unless the view has the rights of its user
-- (security_invoker).
CREATE OR REPLACE FUNCTION occ.hold(mark "char", path oid[], key text[]) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who oid := (SELECT oid FROM pg_roles WHERE rolname = session_user);
    r record;
BEGIN
    FOR r IN SELECT c.* FROM unnest(path) WITH ORDINALITY p (rel, n) JOIN pg_class c ON c.oid = p.rel ORDER BY p.n LOOP
        IF NOT has_any_column_privilege(who, r.oid, 'UPDATE') THEN
            RAISE EXCEPTION USING ERRCODE = '42501',
                MESSAGE = format('permission denied for %s %s',
                                 CASE r.relkind WHEN 'v' THEN 'view' ELSE 'table' END, r.relname);
        END IF;
        IF NOT EXISTS (SELECT FROM pg_options_to_table(r.reloptions)
                        WHERE option_name = 'security_invoker' AND option_value::bool) THEN
            who := r.relowner;
        END IF;
    END LOOP;
    EXECUTE format('SELECT pg_occ_%s_own.hold_%s($1, $2)', r.relnamespace, r.oid) USING key, mark;
    RETURN NULL;
END $$;
