-- FOR UPDATE and FOR KEY SHARE: marks in the overlay, no locks.

-- `mark_<table>(row, 'X' | 'S')` is the engine's own entry, `for_update(row)` and `for_key_share(row)` are the users'.
-- `hold_<table>(key, mark)` finds the row first. All return NULL, so that a call can stand in a select list.
CREATE OR REPLACE FUNCTION occ.build_marks(rel oid, t jsonb) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    keyed boolean := (t->>'keyed')::boolean;
    body text;
    parts jsonb := t || occ.describe_old(rel, 'occ_row') || jsonb_build_object('note', occ.part_note(), 'take', occ.part_take());
    mark record;
BEGIN
    body := CASE WHEN keyed THEN
        replace(occ.part_find('{o_is_old}'), '{same}', 'true') || $$
    IF occ_spot IS NULL THEN
        INSERT INTO {own} (occ_xid, occ_op, occ_head, {w_cols}) VALUES (pg_current_xact_id(), occ_mark, occ_head, {w_old});
        {note}
    ELSIF occ_mark = 'X' AND occ_was IN ('S', 'U', 'K') THEN
        UPDATE {own} SET occ_op = CASE occ_was WHEN 'S' THEN 'X'::"char" ELSE 'R' END WHERE ctid = occ_spot;
        {note}
    END IF;$$
    ELSE $$
{take}    IF occ_spot IS NOT NULL THEN
        INSERT INTO {own} (occ_xid, occ_op, occ_head, occ_ref, {w_cols})
        VALUES (pg_current_xact_id(), occ_mark, occ_head, occ_spot, {w_old});
        {note}
    ELSIF occ_mark = 'X' THEN
        UPDATE {own} o SET occ_op = CASE o.occ_op WHEN 'S' THEN 'X'::"char" ELSE 'R' END
         WHERE o.ctid = (SELECT o.ctid FROM {own} o
                          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('S', 'U', 'K') AND {o_like_old} LIMIT 1);
        {note}
    END IF;$$ END;
    PERFORM occ.define('{private}.mark_{oid}(occ_row {view}, occ_mark "char") RETURNS int', occ.expand($$
#variable_conflict use_column
DECLARE
    occ_state text;
    occ_head boolean;
    occ_spot tid;
    occ_was "char";
    occ_same boolean;
    occ_last text;
BEGIN$$ || occ.part_begin() || body || E'\n    RETURN NULL;\nEND', parts), t);

    IF keyed THEN
        PERFORM occ.define('{private}.hold_{oid}(text[], "char") RETURNS int', occ.fill($$
BEGIN
    PERFORM {private}.mark_{oid}(v.*, $2) FROM {view} v WHERE {v_is_key};
    RETURN NULL;
END $$, t || jsonb_build_object('v_is_key', occ.of_key(rel, occ.primary_key(rel), 'v.%s = $1[%s]::%s', ' AND '))), t);
    END IF;

    -- For a row that has to be refused, also where another of its key is in the way.
    PERFORM occ.define('{shadow}.refuse(r {view}) RETURNS boolean', occ.fill($$
BEGIN
    INSERT INTO {own} (occ_xid, occ_op, occ_head, {w_cols}) VALUES ('0', 'I', false, {w_row});
    RETURN NULL;
END $$, t || jsonb_build_object('w_row', (
        SELECT string_agg(format(CASE WHEN attidentity = '' THEN 'r.%s' ELSE 'coalesce(r.%s, nextval(%s::oid::regclass))' END,
                                 occ.name(attname), occ.identity_sequence(rel, attname)), ', ' ORDER BY attnum)
          FROM pg_attribute WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped AND attgenerated = ''))), t);

    FOR mark IN SELECT * FROM (VALUES ('for_update', 'X'), ('for_key_share', 'S')) m (name, letter) LOOP
        PERFORM occ.define(format('{shadow}.%s(r {view}) RETURNS int', mark.name), occ.fill(format($$
BEGIN
    IF NOT has_any_column_privilege(session_user, {oid}::oid, 'UPDATE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = %s;
    END IF;
    RETURN {private}.mark_{oid}(r, '%s');
END $$, occ.shield(quote_literal('permission denied for table ' || (t->>'rel'))), mark.letter), t), t);
    END LOOP;
END $f$;

-- The users' entry where a statement names a view: `path` leads from it to the table. Who may hold rows of a relation is
-- asked of its user, and below a view of the view's owner, unless the view has the rights of its user (security_invoker).
CREATE OR REPLACE FUNCTION occ.hold(mark "char", path oid[], key text[]) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who oid := (SELECT oid FROM pg_roles WHERE rolname = session_user);
    r record;
BEGIN
    FOR r IN SELECT c.* FROM unnest(path) WITH ORDINALITY p (rel, n) JOIN pg_class c ON c.oid = p.rel ORDER BY p.n LOOP
        IF NOT has_any_column_privilege(who, r.oid, 'UPDATE') THEN
            RAISE EXCEPTION USING ERRCODE = '42501',
                MESSAGE = format('permission denied for %s %s', CASE r.relkind WHEN 'v' THEN 'view' ELSE 'table' END, r.relname);
        END IF;
        IF NOT EXISTS (SELECT FROM pg_options_to_table(r.reloptions) WHERE option_name = 'security_invoker' AND option_value::bool) THEN
            who := r.relowner;
        END IF;
    END LOOP;
    EXECUTE format('SELECT pg_occ_%s_own.hold_%s($1, $2)', r.relnamespace, r.oid) USING key, mark;
    RETURN NULL;
END $$;
