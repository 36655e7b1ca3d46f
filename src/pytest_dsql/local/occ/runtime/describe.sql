-- What the code generator needs to know of a table, as text fragments for its templates.

-- What comes from users (names, expressions, types) is shielded where it enters a fragment, so that no blank of a template
-- is ever found in it, and bared when all blanks are filled in.
CREATE OR REPLACE FUNCTION occ.shield(words text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT replace(replace(replace(words, E'\x01', E'\x01a'), '{', E'\x01b'), '}', E'\x01c')
$$;

CREATE OR REPLACE FUNCTION occ.bare(words text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT replace(replace(replace(words, E'\x01c', '}'), E'\x01b', '{'), E'\x01a', E'\x01')
$$;

-- A name in quotes, always: PL/pgSQL has keywords of its own, which quote_ident() does not know.
CREATE OR REPLACE FUNCTION occ.name(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT occ.shield('"' || replace(name, '"', '""') || '"')
$$;

CREATE OR REPLACE FUNCTION occ.run(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE occ.bare(command);
END $$;

-- Names that a user's expression leaves open are looked for beside its table.
CREATE OR REPLACE FUNCTION occ.own_path() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'SET search_path = pg_catalog, {schema}, pg_temp'
$$;

-- A function that belongs to the engine's role, which is no superuser: what users have defined (checks, generated columns,
-- index expressions) is computed in it. One without a search path of its own has to qualify each name and operator.
CREATE OR REPLACE FUNCTION occ.define(head text, body text, t jsonb, settings text DEFAULT occ.own_path()) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM occ.run(occ.fill(concat('CREATE OR REPLACE FUNCTION ', head, ' LANGUAGE plpgsql SECURITY DEFINER ', settings, ' AS '), t)
        || occ.shield(quote_literal(occ.bare(occ.fill(body, t)))));
END $$;

-- A relation that a description names.
CREATE OR REPLACE FUNCTION occ.relation(t jsonb, slot text) RETURNS regclass LANGUAGE sql STABLE AS $$
    SELECT to_regclass(occ.bare(t->>slot))
$$;

CREATE OR REPLACE FUNCTION occ.fill(template text, parts jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    k text;
    v text;
BEGIN
    FOR k, v IN SELECT key, value FROM jsonb_each_text(parts) LOOP
        template := replace(template, '{' || k || '}', coalesce(v, ''));
    END LOOP;
    RETURN template;
END $$;

CREATE OR REPLACE FUNCTION occ.column_names(rel oid, nums int2[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(a.attname, ', ' ORDER BY k.n)
      FROM unnest(nums) WITH ORDINALITY k (num, n)
      JOIN pg_attribute a ON a.attrelid = rel AND a.attnum = k.num
$$;

-- A list of columns, each put through a pattern: {c} is the quoted name, {n} its position in the list. In PL/pgSQL the
-- plan is made once a session; an SQL function would plan at each of the dozens of calls a table takes.
CREATE OR REPLACE FUNCTION occ.each(rel oid, nums int2[], pattern text, separator text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(string_agg(replace(replace(pattern, '{c}', occ.name(a.attname)), '{n}', k.n::text),
                                       separator ORDER BY k.n), '')
              FROM unnest(nums) WITH ORDINALITY k (num, n)
              JOIN pg_attribute a ON a.attrelid = rel AND a.attnum = k.num);
END $$;

-- The columns of two keys, pairwise: {a} of the first relation, {b} of the second, {n} the position.
CREATE OR REPLACE FUNCTION occ.pairs(rel_a oid, nums_a int2[], rel_b oid, nums_b int2[], pattern text, separator text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(replace(replace(pattern, '{a}', occ.name(a.attname)), '{b}', occ.name(b.attname)),
                      separator ORDER BY k.n)
      FROM ROWS FROM (unnest(nums_a), unnest(nums_b)) WITH ORDINALITY k (num_a, num_b, n)
      JOIN pg_attribute a ON a.attrelid = rel_a AND a.attnum = k.num_a
      JOIN pg_attribute b ON b.attrelid = rel_b AND b.attnum = k.num_b
$$;

CREATE OR REPLACE FUNCTION occ.columns(rel oid) RETURNS int2[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(attnum ORDER BY attnum), '{}')
      FROM pg_attribute WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped
$$;

-- The type that a domain stands on, any other as it is.
CREATE OR REPLACE FUNCTION occ.base_type(type_ oid, modifier int) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    y pg_type;
BEGIN
    LOOP
        SELECT * INTO y FROM pg_type WHERE oid = type_;
        EXIT WHEN y.typtype <> 'd';
        type_ := y.typbasetype;
        modifier := y.typtypmod;
    END LOOP;
    RETURN format_type(type_, modifier);
END $$;

-- The columns of an overlay, as the table has them.
CREATE OR REPLACE FUNCTION occ.overlay_columns(rel oid, nums int2[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(string_agg(format(CASE typtype WHEN 'd' THEN 'o.%s::%s' ELSE 'o.%s' END, occ.name(attname), occ.shield(format_type(atttypid, atttypmod))),
                               ', ' ORDER BY attnum), '')
      FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid WHERE attrelid = rel AND attnum = ANY (nums)
$$;

CREATE OR REPLACE FUNCTION occ.primary_key(rel oid) RETURNS int2[] LANGUAGE sql STABLE AS $$
    SELECT conkey FROM pg_constraint WHERE conrelid = rel AND contype = 'p'
$$;

-- Unique indexes other than the primary key's, and the columns whose change means another key. "plain"
-- ones decide what counts as a change of key among rivals.
CREATE OR REPLACE FUNCTION occ.unique_indexes(rel oid)
RETURNS TABLE (id oid, plain boolean, nulls_equal boolean, predicate text, keys text[], nums int2[])
LANGUAGE sql STABLE AS $$
    SELECT x.indexrelid, x.indexprs IS NULL AND x.indpred IS NULL, x.indnullsnotdistinct,
           occ.shield(pg_get_expr(x.indpred, x.indrelid)),
           (SELECT array_agg(CASE x.indkey[k - 1] WHEN 0 THEN occ.shield(pg_get_indexdef(x.indexrelid, k, false)) ELSE occ.name(attname) END ORDER BY k)
              FROM generate_series(1, x.indnkeyatts) k LEFT JOIN pg_attribute ON attrelid = rel AND attnum = x.indkey[k - 1]),
           (SELECT array_agg(DISTINCT num) FROM (
                SELECT unnest((x.indkey::int2[])[0:x.indnkeyatts - 1]) AS num
                UNION SELECT d.refobjsubid::int2 FROM pg_depend d
                 WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid AND d.refobjid = rel
                   AND NOT (x.indexprs IS NULL AND x.indpred IS NULL)) c
             WHERE num > 0)
      FROM pg_index x
     WHERE x.indrelid = rel AND x.indisunique AND NOT x.indisprimary AND x.indislive
     ORDER BY x.indexrelid
$$;

-- Whether values that are equal look alike too. For a numeric key they need not: 1.0 may become 1.00.
CREATE OR REPLACE FUNCTION occ.equal_is_identical(type_ oid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM pg_opclass c JOIN pg_amproc p ON p.amprocfamily = c.opcfamily
                    WHERE c.opcmethod = (SELECT oid FROM pg_am WHERE amname = 'btree') AND c.opcdefault
                      AND c.opcintype = b.type_ AND p.amproclefttype = b.type_ AND p.amprocnum = 4)
      FROM (SELECT CASE WHEN typbasetype <> 0 THEN typbasetype WHEN oid = 'varchar'::regtype THEN 'text'::regtype ELSE oid END AS type_
              FROM pg_type WHERE oid = type_) b
$$;

-- How a row is found again that a record variable holds.
CREATE OR REPLACE FUNCTION occ.describe_old(rel oid, variable text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    cols int2[] := occ.columns(rel);
    pk int2[] := occ.primary_key(rel);
    old text := variable || '.{c}';
    image text := format('ROW(%s)', occ.each(rel, cols, old, ', '));
BEGIN
    RETURN jsonb_build_object(
        'w_old', occ.each(rel, ARRAY(SELECT attnum FROM pg_attribute
            WHERE attrelid = rel AND attnum = ANY (cols) AND attgenerated = '' ORDER BY 1), old, ', '),
        'o_is_old', occ.each(rel, pk, 'o.{c} = ' || old, ' AND '),
        'v_is_old', CASE WHEN pk IS NULL THEN format('record_image_eq(ROW(%s), %s)', occ.each(rel, cols, 'v.{c}', ', '), image)
                         ELSE occ.each(rel, pk, 'v.{c} = ' || old, ' AND ') END,
        'o_like_old', format('record_image_eq(ROW(%s), %s)', occ.overlay_columns(rel, cols), image),
        'b_like_old', format('record_image_eq(ROW(%s), %s)', occ.each(rel, cols, 'b.{c}', ', '), image));
END $$;

CREATE OR REPLACE FUNCTION occ.describe(rel oid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    cls record;
    cols int2[] := occ.columns(rel);
    o_cols text := occ.overlay_columns(rel, cols);
    written int2[];
    pk int2[] := occ.primary_key(rel);
    sizes text;
    eq constant text := 'OPERATOR(pg_catalog.=)';
BEGIN
    SELECT c.relname, n.nspname, c.relnamespace INTO cls
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = rel;
    SELECT coalesce(array_agg(attnum ORDER BY attnum), '{}') INTO written
      FROM pg_attribute WHERE attrelid = rel AND attnum = ANY (cols) AND attgenerated = '';
    SELECT string_agg(format(CASE WHEN typcategory = 'S' AND atttypid <> '"char"'::regtype OR atttypid = 'bytea'::regtype
                                  THEN 'coalesce(octet_length(o.%s), 0)'
                                  WHEN atttypid IN ('json'::regtype, 'jsonb'::regtype)
                                  THEN 'coalesce(octet_length(o.%s::text), 0)'
                                  ELSE 'coalesce(pg_column_size(o.%s), 0)' END || ' * occ_weights[%s]', occ.name(attname), n), ' + ') INTO sizes
      FROM unnest(cols) WITH ORDINALITY k (num, n) JOIN pg_attribute ON attrelid = rel AND attnum = num
      JOIN pg_type ON pg_type.oid = atttypid;
    RETURN jsonb_build_object(
        'oid', rel,
        'rel', cls.relname,
        'keyed', pk IS NOT NULL,
        'shadow', format('pg_occ_%s', cls.relnamespace),
        'private', format('pg_occ_%s_own', cls.relnamespace),
        'schema', occ.name(cls.nspname),
        'base', format('%s.%s', occ.name(cls.nspname), occ.name(cls.relname)),
        'view', format('pg_occ_%s.%s', cls.relnamespace, occ.name(cls.relname)),
        'own', format('pg_occ_%s_own.%s', cls.relnamespace, occ.name(cls.relname)),
        'keys', format('pg_occ_%s_own.%I', cls.relnamespace, format('%s keys', rel)),
        'shares', format('pg_occ_%s_own.%I', cls.relnamespace, format('%s shares', rel)),
        'o_cols', o_cols,
        'b_cols', occ.each(rel, cols, 'b.{c}', ', '),
        'b_ref', CASE WHEN pk IS NULL THEN ', b.ctid AS occ_ref' END,
        'o_ref', CASE WHEN pk IS NULL THEN ', o.occ_ref' END,
        'o_is_u', CASE WHEN pk IS NULL THEN 'o.occ_ref = u.occ_ref' ELSE occ.each(rel, pk, 'o.{c} = u.{c}', ' AND ') END,
        'o_from_u', CASE WHEN pk IS NULL THEN 'o.occ_ref >= u.occ_ref' ELSE occ.each(rel, pk[1:1], 'o.{c} >= u.{c}', '') END,
        'w_cols', occ.each(rel, written, '{c}', ', '),
        'w_new', occ.each(rel, written, 'NEW.{c}', ', '),
        'w_o', occ.each(rel, written, 'o.{c}', ', '),
        'w_set', occ.each(rel, written, '{c} = NEW.{c}', ', '),
        -- Nothing where only the key and the server's own columns are: such a row has no update worth the name.
        'w_apply', occ.each(rel, array(SELECT a.attnum FROM pg_attribute a
            WHERE a.attrelid = rel AND a.attnum = ANY (written) AND a.attidentity <> 'a'
              AND (a.attnum <> ALL (coalesce(pk, '{}')) OR NOT occ.equal_is_identical(a.atttypid)) ORDER BY 1), '{c} = o.{c}', ', '),
        'pk', occ.each(rel, pk, '{c}', ', '),
        'o_pk', occ.each(rel, pk, 'o.{c}', ', '),
        'eq', eq,
        'cat', 'OPERATOR(pg_catalog.||)',
        'o_is_b', CASE WHEN pk IS NULL THEN format('o.occ_ref %s b.ctid', eq) ELSE occ.each(rel, pk, format('o.{c} %s b.{c}', eq), ' AND ') END,
        'o_is_new', occ.each(rel, pk, 'o.{c} = NEW.{c}', ' AND '),
        'b_is_new', occ.each(rel, pk, 'b.{c} = NEW.{c}', ' AND '),
        'pk_texts', occ.each(rel, pk, 'NEW.{c}::text', ', '),
        'pk_new', occ.each(rel, pk, 'NEW.{c}', ', '),
        'pk_old', occ.each(rel, pk, 'OLD.{c}', ', '),
        'pk_index', (SELECT conindid FROM pg_constraint WHERE conrelid = rel AND contype = 'p'),
        -- A row costs its values, again its keys for every index, and what holding it takes.
        'size', format('%s + 32 + occ_weights[%s]', coalesce(sizes, '0'), cardinality(cols) + 1)
    ) || occ.describe_old(rel, 'OLD');
END $$;
