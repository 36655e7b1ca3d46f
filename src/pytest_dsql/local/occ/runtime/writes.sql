-- The INSTEAD OF triggers: what INSERT, UPDATE and DELETE on a merged view do to the overlay.
--
-- One generated function a verb and table, static SQL only, so that its plans are cached. State of a
-- transaction is one setting, `occ.state`: '<rows modified>[!]|<table>|<table>|=<key>==<key>=', local to the
-- transaction; the ! says that something other than plain updates awaits COMMIT. The keys are those of a
-- transaction that has updated up to four rows of one table, once each, and nothing else (see part_quick).

-- Every write to the overlay is framed by these two: the first finds out whether the table has rows already.
CREATE OR REPLACE FUNCTION occ.part_begin() RETURNS text LANGUAGE sql IMMUTABLE AS $t$ SELECT $$
    occ_state := split_part(current_setting('occ.state', true), '=', 1);
    occ_head := coalesce(strpos(occ_state, '|{oid}|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '{oid}|';
    END IF;
$$ $t$;

CREATE OR REPLACE FUNCTION occ.part_count(plain boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $t$
SELECT $$
    IF rtrim(split_part(occ_state, '|', 1), '!')::int >= current_setting('occ.row_limit')::int THEN
        PERFORM occ.raise_row_limit();
    END IF;
    occ_state := set_config('occ.state', $$ || CASE WHEN plain THEN $$
        CASE WHEN strpos(occ_state, '!') = 0 THEN (split_part(occ_state, '|', 1)::int + 1)::text
             ELSE (rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!' END$$
        ELSE $$(rtrim(split_part(occ_state, '|', 1), '!')::int + 1)::text || '!'$$ END || $$
        || substr(occ_state, strpos(occ_state, '|')), true);
$$ $t$;

-- The same without counting, for locks and for a row that was counted before.
CREATE OR REPLACE FUNCTION occ.part_note() RETURNS text LANGUAGE sql IMMUTABLE AS $t$ SELECT $$
    IF strpos(occ_state, '!') = 0 OR occ_head THEN
        occ_state := set_config('occ.state', rtrim(split_part(occ_state, '|', 1), '!') || '!'
                                             || substr(occ_state, strpos(occ_state, '|')), true);
    END IF;
$$ $t$;

CREATE OR REPLACE FUNCTION occ.part_find(row_is text) RETURNS text LANGUAGE sql IMMUTABLE AS $t$
SELECT replace($$
    occ_spot := NULL;
    IF NOT occ_head THEN
        SELECT o.ctid, o.occ_op, {same} INTO occ_spot, occ_was, occ_same
          FROM {own} o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND {row};
    END IF;
$$, '{row}', row_is) $t$;

-- A committed row of a table without primary key that looks like OLD and is not in the overlay. Rows mostly come in
-- the order of the table, so the search begins behind the one found last.
CREATE OR REPLACE FUNCTION occ.part_take() RETURNS text LANGUAGE sql IMMUTABLE AS $t$
SELECT replace($$
    occ_last := current_setting('occ.last', true);
    IF occ_last <> '' THEN
        {search} AND b.ctid > occ_last::tid LIMIT 1;
    END IF;
    IF coalesce(occ_last, '') = '' OR NOT FOUND THEN
        {search} LIMIT 1;
    END IF;
    IF FOUND THEN
        occ_last := set_config('occ.last', occ_spot::text, true);
    END IF;
$$, '{search}', $$SELECT b.ctid INTO occ_spot FROM {base} b
         WHERE {b_like_old} AND NOT EXISTS (SELECT FROM {own} o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_ref = b.ctid)$$)
$t$;

-- A row that goes: into D, or N where it was never committed. A row which this same command changed
-- already is not there any more for it, as in PostgreSQL.
CREATE OR REPLACE FUNCTION occ.part_erase(keyed boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $t$
SELECT CASE WHEN keyed THEN
    replace(occ.part_find('{o_is_old}'), '{same}', '{o_like_old}') || $$
    IF occ_spot IS NULL THEN
        INSERT INTO {own} AS o (occ_xid, occ_op, occ_head, {w_cols})
        VALUES (pg_current_xact_id(), 'D', occ_head, {w_old});
        {count}
    ELSE
        IF occ_was IN ('D', 'N') OR NOT occ_same THEN
            RETURN NULL;
        END IF;
        UPDATE {own} SET occ_op = CASE occ_was WHEN 'I' THEN 'N'::"char" ELSE 'D' END WHERE ctid = occ_spot;
        IF occ_was IN ('X', 'S') THEN
            {count}
        ELSE
            {note}
        END IF;
    END IF;
$$ ELSE $$
{take}    IF occ_spot IS NOT NULL THEN
        INSERT INTO {own} AS o (occ_xid, occ_op, occ_head, occ_ref, {w_cols})
        VALUES (pg_current_xact_id(), 'D', occ_head, occ_spot, {w_old});
        {count}
    ELSE
        SELECT o.ctid, o.occ_op INTO occ_spot, occ_was FROM {own} o
         WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op NOT IN ('D', 'N') AND {o_like_old} LIMIT 1;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        UPDATE {own} SET occ_op = CASE occ_was WHEN 'I' THEN 'N'::"char" ELSE 'D' END WHERE ctid = occ_spot;
        IF occ_was IN ('X', 'S') THEN
            {count}
        ELSE
            {note}
        END IF;
    END IF;
$$ END $t$;

-- A row that comes. Of a duplicate is told after what the row's own constraints say.
CREATE OR REPLACE FUNCTION occ.part_place(keyed boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $t$
SELECT CASE WHEN keyed THEN
    replace(occ.part_find('{o_is_new}'), '{same}', 'true') || $$
    IF occ_spot IS NULL THEN
        INSERT INTO {own} AS o (occ_xid, occ_op, occ_head, {w_cols})
        SELECT pg_current_xact_id(), 'I', occ_head, {w_new}
         WHERE NOT EXISTS (SELECT FROM {base} b WHERE {b_is_new}) {returning};
        IF NOT FOUND THEN
            {constraints}
            {duplicate}
        END IF;
        {place_count}
    ELSE
        IF occ_was NOT IN ('D', 'N') THEN
            {constraints}
            {duplicate}
        END IF;
        UPDATE {own} o SET {w_set}, occ_op = CASE occ_was WHEN 'D' THEN 'R'::"char" ELSE 'I' END
         WHERE o.ctid = occ_spot {returning};
        {note}
    END IF;
$$ ELSE $$
    INSERT INTO {own} AS o (occ_xid, occ_op, occ_head, {w_cols})
    VALUES (pg_current_xact_id(), 'I', occ_head, {w_new}) {returning};
    {place_count}
$$ END $t$;

-- A row whose primary key stays. {op} is U, or R or K where other keys of it change.
CREATE OR REPLACE FUNCTION occ.part_change(keyed boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $t$
SELECT CASE WHEN keyed THEN
    replace(occ.part_find('{o_is_old}'), '{same}', '{o_like_old}') || $$
    IF occ_spot IS NULL THEN
        INSERT INTO {own} AS o (occ_xid, occ_op, occ_head, {w_cols})
        VALUES (pg_current_xact_id(), {op}, occ_head, {w_new}) {returning};
        {change_count}
    ELSE
        IF occ_was IN ('D', 'N') OR NOT occ_same THEN
            RETURN NULL;
        END IF;
        UPDATE {own} o SET {w_set}, occ_op = {merged_op} WHERE o.ctid = occ_spot {returning};
        IF occ_was IN ('X', 'S') THEN
            {count}
        END IF;
    END IF;
$$ ELSE $$
{take}    IF occ_spot IS NOT NULL THEN
        INSERT INTO {own} AS o (occ_xid, occ_op, occ_head, occ_ref, {w_cols})
        VALUES (pg_current_xact_id(), {op}, occ_head, occ_spot, {w_new}) {returning};
        {change_count}
    ELSE
        SELECT o.ctid, o.occ_op INTO occ_spot, occ_was FROM {own} o
         WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op NOT IN ('D', 'N') AND {o_like_old} LIMIT 1;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        UPDATE {own} o SET {w_set}, occ_op = {merged_op} WHERE o.ctid = occ_spot {returning};
        IF occ_was IN ('X', 'S') THEN
            {count}
        END IF;
    END IF;
$$ END $t$;

-- The columns that must keep their values in an update that has nothing to look after but the row itself.
CREATE OR REPLACE FUNCTION occ.watched(rel oid) RETURNS int2[] LANGUAGE sql STABLE AS $$
    SELECT array_agg(DISTINCT num) FROM (
        SELECT unnest(nums) FROM occ.unique_indexes(rel)
        UNION ALL SELECT unnest(conkey) FROM pg_constraint WHERE conrelid = rel AND contype = 'f'
        UNION ALL SELECT unnest(confkey) FROM pg_constraint WHERE confrelid = rel AND contype = 'f'
        UNION ALL SELECT attnum FROM pg_attribute WHERE attrelid = rel AND attidentity = 'a'
        UNION ALL SELECT unnest(occ.wide_columns(rel))) w (num)
     WHERE num <> ALL (occ.primary_key(rel))
$$;

-- A short text that equal primary keys share. None where the table has none, where its types do not lend themselves
-- to that, or where there is more to do for a row, as columns that the server generates.
CREATE OR REPLACE FUNCTION occ.key_text(rel oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format(CASE WHEN atttypid = ANY ('{text,varchar}'::regtype[]) THEN 'pg_catalog.hashtext(NEW.%s)::pg_catalog.text' ELSE 'NEW.%s::pg_catalog.text' END, occ.name(attname)),
                      ' {cat} ''/'' {cat} ' ORDER BY attnum)
      FROM pg_attribute
     WHERE attrelid = rel AND attnum = ANY (occ.primary_key(rel))
       AND NOT EXISTS (SELECT FROM pg_attribute g WHERE g.attrelid = rel AND g.attgenerated <> '' AND NOT g.attisdropped)
    HAVING bool_and(atttypid = ANY ('{int2,int4,int8,uuid,text,varchar}'::regtype[]))
$$;

-- The first updates of a transaction, in the fewest steps: every expression here is prepared anew in each
-- transaction, so one serves for all of them. A key that the setting does not hold is not in the overlay, so no look-up
-- is needed. It runs in the session's search path, so every name and operator is qualified.
CREATE OR REPLACE FUNCTION occ.part_quick(rel oid) RETURNS text LANGUAGE sql STABLE AS $t$
SELECT coalesce(replace(replace($$
    IF (CASE WHEN NOT ({stays}) THEN false
            WHEN COALESCE(pg_catalog.current_setting('occ.state', true), '') {eq} ''
            THEN pg_catalog.set_config('occ.state', '1|{oid}|=' {cat} {key} {cat} '=', true) IS NOT NULL
            WHEN pg_catalog.current_setting('occ.state') OPERATOR(pg_catalog.~~) '_|{oid}|=%'
             AND pg_catalog.ascii(pg_catalog.current_setting('occ.state')) OPERATOR(pg_catalog.<) 52
             AND pg_catalog.strpos(pg_catalog.current_setting('occ.state'), '=' {cat} {key} {cat} '=') {eq} 0
             AND pg_catalog.current_setting('occ.row_limit')::pg_catalog.int4 OPERATOR(pg_catalog.>=) 4
            THEN pg_catalog.set_config('occ.state', pg_catalog.chr(pg_catalog.ascii(pg_catalog.current_setting('occ.state')) OPERATOR(pg_catalog.+) 1)
                     {cat} pg_catalog.substr(pg_catalog.current_setting('occ.state'), 2) {cat} '=' {cat} {key} {cat} '=', true) IS NOT NULL END) THEN
        INSERT INTO {own} (occ_xid, occ_op, occ_head, {w_cols})
        VALUES (pg_catalog.pg_current_xact_id(), 'U', pg_catalog.ascii(pg_catalog.current_setting('occ.state')) {eq} 49, {w_new});
        RETURN NEW;
    END IF;
$$, '{key}', occ.key_text(rel)), '{stays}',
    occ.each(rel, occ.primary_key(rel), 'NEW.{c} {eq} OLD.{c}', ' AND ')
    || coalesce(' AND pg_catalog.record_image_eq(ROW(' || nullif(occ.each(rel, occ.watched(rel), 'NEW.{c}', ', '), '')
                || '), ROW(' || occ.each(rel, occ.watched(rel), 'OLD.{c}', ', ') || '))', '')), '')
$t$;

CREATE OR REPLACE FUNCTION occ.identity_sequence(rel oid, name name) RETURNS oid LANGUAGE sql STABLE AS $$
    SELECT objid FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
     WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjid = rel AND deptype = 'i' AND attname = name
$$;

-- Refusal of values that are the server's to give, and identity values where none came.
CREATE OR REPLACE FUNCTION occ.part_given(rel oid, verb text) RETURNS text LANGUAGE sql STABLE AS $t$
SELECT coalesce(string_agg(
    CASE WHEN verb = 'insert' AND attidentity = 'a' THEN format($$
    IF NEW.%1$s IS NULL THEN
        NEW.%1$s := nextval(%2$s::oid::regclass);
    ELSE
        PERFORM occ.refuse_value('insert', %3$s, false);
    END IF;$$, occ.name(attname), occ.identity_sequence(rel, attname), occ.shield(quote_literal(attname)))
    WHEN verb = 'update' AND attidentity = 'a' THEN format($$
    IF NEW.%1$s IS NULL THEN
        NEW.%1$s := nextval(%2$s::oid::regclass);
    ELSIF NEW.%1$s IS DISTINCT FROM OLD.%1$s THEN
        PERFORM occ.refuse_value('update', %3$s, false);
    END IF;$$, occ.name(attname), occ.identity_sequence(rel, attname), occ.shield(quote_literal(attname)))
    WHEN verb = 'insert' THEN format($$
    IF NEW.%1$s IS NOT NULL THEN
        PERFORM occ.refuse_value('insert', %2$s, true);
    END IF;$$, occ.name(attname), occ.shield(quote_literal(attname)))
    ELSE format($$
    IF NEW.%1$s IS NOT NULL AND NEW.%1$s::text IS DISTINCT FROM OLD.%1$s::text THEN
        PERFORM occ.refuse_value('update', %2$s, true);
    END IF;$$, occ.name(attname), occ.shield(quote_literal(attname))) END, ''), '')
  FROM pg_attribute
 WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped AND (attidentity = 'a' OR attgenerated <> '')
$t$;

-- What comes before a duplicate is told of by another index: the row's own constraints, then the primary key.
CREATE OR REPLACE FUNCTION occ.part_before_duplicate(rel oid, verb text) RETURNS text LANGUAGE sql STABLE AS $t$
    SELECT '{constraints} ' || CASE WHEN pk IS NULL THEN '' ELSE format('IF %sEXISTS (SELECT FROM {view} v WHERE %s) THEN {duplicate} END IF; ',
                           CASE verb WHEN 'update' THEN format('(%s) IS DISTINCT FROM (%s) AND ',
                                occ.each(rel, pk, 'NEW.{c}', ', '), occ.each(rel, pk, 'OLD.{c}', ', ')) ELSE '' END,
                           occ.each(rel, pk, 'v.{c} = NEW.{c}', ' AND ')) END
      FROM occ.primary_key(rel) pk
$t$;

-- Unique indexes beyond the primary key, against the merged view. An index is asked only when the key is new;
-- the row's own former image never counts.
CREATE OR REPLACE FUNCTION occ.part_unique(rel oid, verb text) RETURNS text LANGUAGE plpgsql STABLE AS $f$
DECLARE
    x record;
    before constant text := occ.part_before_duplicate(rel, verb);
    code text := '';
    test text;
BEGIN
    FOR x IN SELECT * FROM occ.unique_indexes(rel) LOOP
        IF x.plain AND NOT x.nulls_equal THEN
            test := format('IF EXISTS (SELECT FROM {view} v WHERE %s) THEN %sPERFORM occ.raise_duplicate(%s, ARRAY[%s]); END IF;',
                occ.each(rel, x.nums, 'v.{c} = NEW.{c}', ' AND '), before, x.id,
                (SELECT string_agg(format('NEW.%s::text', k), ', ') FROM unnest(x.keys) k));
        ELSE
            test := format($$
    SELECT n.k INTO occ_key FROM (SELECT %1$s, ARRAY[%2$s] AS k FROM (SELECT %3$s) n0 %4$s) n
      JOIN (SELECT %1$s FROM (SELECT * FROM {view} v %6$s) v0 %4$s) m ON %5$s LIMIT 1;
    IF FOUND THEN %8$sPERFORM occ.raise_duplicate(%7$s, occ_key); END IF;$$,
                (SELECT string_agg(format('(%s) AS k%s', k, n), ', ' ORDER BY n) FROM unnest(x.keys) WITH ORDINALITY u (k, n)),
                (SELECT string_agg(format('(%s)::text', k), ', ' ORDER BY n) FROM unnest(x.keys) WITH ORDINALITY u (k, n)),
                occ.each(rel, occ.columns(rel), 'NEW.{c} AS {c}', ', '),
                coalesce('WHERE ' || x.predicate, ''),
                (SELECT string_agg(format(CASE WHEN x.nulls_equal THEN 'm.k%1$s IS NOT DISTINCT FROM n.k%1$s' ELSE 'm.k%1$s = n.k%1$s' END, n), ' AND ')
                   FROM generate_series(1, cardinality(x.keys)) n),
                CASE verb WHEN 'update' THEN 'WHERE NOT ({v_is_old})' ELSE '' END,
                x.id, before);
        END IF;
        IF verb = 'update' THEN
            test := format('IF (%s) IS DISTINCT FROM (%s) THEN %s END IF;',
                occ.each(rel, x.nums, 'NEW.{c}', ', '), occ.each(rel, x.nums, 'OLD.{c}', ', '), test);
        END IF;
        code := code || E'\n    ' || test;
    END LOOP;
    RETURN code;
END $f$;

-- Which letter an update of the row gets.
CREATE OR REPLACE FUNCTION occ.part_op(rel oid) RETURNS text LANGUAGE sql STABLE AS $t$
SELECT 'CASE ' || string_agg(format('WHEN (%s) IS DISTINCT FROM (%s) THEN %L', occ.each(rel, nums, 'NEW.{c}', ', '),
                                    occ.each(rel, nums, 'OLD.{c}', ', '), CASE WHEN plain THEN 'R' ELSE 'K' END), ' '
                             ORDER BY plain DESC) || ' ELSE ''U'' END::"char"'
  FROM occ.unique_indexes(rel)
$t$;

-- A trigger, and where there is a quick way for some rows a function besides, which all others go to.
CREATE OR REPLACE FUNCTION occ.define_trigger(name text, quick text, body text, t jsonb) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    whole text := $$
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
$$ || body || E'\nEND';
BEGIN
    IF quick = '' THEN
        PERFORM occ.define(format('{private}.%s_{oid}() RETURNS trigger', name), whole, t);
    ELSE
        PERFORM occ.define(format('{private}.%s_row_{oid}(old {view}, new {view}) RETURNS {view}', name), whole, t);
        PERFORM occ.define(format('{private}.%s_{oid}() RETURNS trigger', name),
                           format(E'\nBEGIN%s    RETURN {private}.%s_row_{oid}(OLD, NEW);\nEND', quick, name), t, '');
    END IF;
    PERFORM occ.add_trigger('view', format('occ_%s', name)::name,
        format('CREATE TRIGGER occ_%s INSTEAD OF %1$s ON {view} FOR EACH ROW EXECUTE FUNCTION {private}.%1$s_{oid}()', name), t);
END $f$;

CREATE OR REPLACE FUNCTION occ.build_writes(rel oid, t jsonb) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    keyed boolean := (t->>'keyed')::boolean;
    op text := occ.part_op(rel);
    generated int2[] := ARRAY(SELECT attnum FROM pg_attribute
                               WHERE attrelid = rel AND attgenerated <> '' AND NOT attisdropped ORDER BY 1);
    parts jsonb;
BEGIN
    parts := t || jsonb_build_object(
        'note', occ.part_note(),
        'take', occ.part_take(),
        'count', occ.part_count(false),
        -- A row in the overlay of no transaction has PostgreSQL itself look.
        'constraints', 'INSERT INTO {own} (occ_xid, occ_op, occ_head, {w_cols}) VALUES (''0'', ''I'', false, {w_new});',
        'duplicate', 'PERFORM occ.raise_duplicate({pk_index}, ARRAY[{pk_texts}]);',
        'place_count', occ.part_count(false),
        'change_count', CASE WHEN op IS NULL THEN occ.part_count(true)
            ELSE 'IF occ_op_ = ''U'' THEN ' || occ.part_count(true) || ' ELSE ' || occ.part_count(false) || ' END IF;' END,
        'returning', CASE WHEN generated = '{}' THEN '' ELSE format('RETURNING %s INTO %s',
            occ.each(rel, generated, 'o.{c}', ', '), occ.each(rel, generated, 'NEW.{c}', ', ')) END,
        'op', CASE WHEN op IS NULL THEN '''U''' ELSE 'occ_op_' END,
        'merged_op', CASE WHEN op IS NULL THEN 'CASE occ_was WHEN ''X'' THEN ''R'' WHEN ''S'' THEN ''U'' ELSE occ_was END'
            ELSE 'CASE WHEN occ_was IN (''I'', ''R'') THEN occ_was WHEN occ_was = ''X'' THEN ''R''
                       WHEN occ_was = ''K'' AND occ_op_ = ''U'' THEN ''K'' ELSE occ_op_ END' END);

    PERFORM occ.define_trigger('insert', '', occ.expand(
        occ.part_sizes(rel) || occ.part_given(rel, 'insert') || occ.part_unique(rel, 'insert') || occ.part_begin() || occ.part_place(keyed)
        || occ.part_child(rel, 'insert') || E'\n    RETURN NEW;', parts), t);

    PERFORM occ.define_trigger('delete', '', occ.expand(
        occ.part_begin() || occ.part_erase(keyed) || occ.part_parent(rel, 'delete') || E'\n    RETURN OLD;', parts), t);

    PERFORM occ.define_trigger('update', occ.expand(occ.part_quick(rel), parts), occ.expand(
        occ.part_sizes(rel) || occ.part_given(rel, 'update') || occ.part_unique(rel, 'update')
        || coalesce(E'\n    occ_op_ := ' || op || ';', '') || occ.part_begin()
        || CASE WHEN keyed THEN
            'IF ({pk_new}) IS DISTINCT FROM ({pk_old}) THEN'
            || occ.part_erase(true)
            || E'\n    occ_head := false;'
            || replace(occ.part_place(true), '{place_count}', '{note}')
            || 'ELSE' || occ.part_change(true) || 'END IF;'
           ELSE occ.part_change(false) END
        || occ.part_child(rel, 'update') || occ.part_parent(rel, 'update') || E'\n    RETURN NEW;', parts), t);
END $f$;

-- Fragments hold fragments.
CREATE OR REPLACE FUNCTION occ.expand(template text, parts jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT occ.fill(occ.fill(occ.fill(template, parts), parts), parts)
$$;
