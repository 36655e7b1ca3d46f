-- FOR UPDATE and FOR KEY SHARE: marks in the overlay, no locks.

-- `mark_<table>(row, 'X' | 'S')` is the engine's own entry, `for_update(row)` and `for_key_share(row)` are the users'.
-- All return NULL, so that a call can stand in a select list.
CREATE OR REPLACE FUNCTION occ.build_marks(rel oid, t jsonb) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    keyed boolean := (t->>'keyed')::boolean;
    body text;
    parts jsonb := t || jsonb_build_object('note', occ.part_note(), 'take', occ.part_take());
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
    EXECUTE replace(occ.expand(occ.fill($$CREATE OR REPLACE FUNCTION {private}.mark_{oid}(occ_row {view}, occ_mark "char") RETURNS int
LANGUAGE plpgsql SECURITY DEFINER AS $body$
#variable_conflict use_column
DECLARE
    occ_state text;
    occ_head boolean;
    occ_spot tid;
    occ_was "char";
    occ_same boolean;
    occ_last text;
BEGIN$$, t) || occ.part_begin() || body || E'\n    RETURN NULL;\nEND $body$', parts), 'OLD.', 'occ_row.');

    FOR mark IN SELECT * FROM (VALUES ('for_update', 'X'), ('for_key_share', 'S')) m (name, letter) LOOP
        EXECUTE occ.fill(format($$CREATE OR REPLACE FUNCTION {shadow}.%s(r {view}) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    IF NOT has_any_column_privilege(session_user, {oid}::oid, 'UPDATE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = %L;
    END IF;
    RETURN {private}.mark_{oid}(r, '%s');
END $body$ $$, mark.name, 'permission denied for table ' || (t->>'rel'), mark.letter), t);
    END LOOP;
END $f$;
