-- What PostgreSQL says of a table, as it stands in what is generated.

-- A name in quotes, always: PL/pgSQL has keywords of its own, which quote_ident() does not know.
CREATE OR REPLACE FUNCTION occ.name(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '"' || replace(name, '"', '""') || '"'
$$;

CREATE OR REPLACE FUNCTION occ.shadow_schema(rel oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format('pg_occ_%s', relnamespace) FROM pg_class WHERE oid = rel
$$;

CREATE OR REPLACE FUNCTION occ.private_schema(rel oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format('pg_occ_%s_own', relnamespace) FROM pg_class WHERE oid = rel
$$;

CREATE OR REPLACE FUNCTION occ.view_name(rel oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format('pg_occ_%s.%s', relnamespace, occ.name(relname)) FROM pg_class WHERE oid = rel
$$;

CREATE OR REPLACE FUNCTION occ.column_names(rel oid, nums int2[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(a.attname, ', ' ORDER BY k.n)
      FROM unnest(nums) WITH ORDINALITY k (num, n)
      JOIN pg_attribute a ON a.attrelid = rel AND a.attnum = k.num
$$;

-- A list of columns, each put through a pattern: %1$s is the quoted name, %2$s its position in the list, behind
-- `before` others, and %3$s its type. In PL/pgSQL the plan is made once a session; an SQL function would plan at each
-- of the dozens of calls a table takes.
CREATE OR REPLACE FUNCTION occ.listed(rel oid, nums int2[], pattern text, separator text, before int DEFAULT 0)
RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(string_agg(
                       format(pattern, occ.name(a.attname), k.n + before, format_type(a.atttypid, a.atttypmod)),
                       separator ORDER BY k.n), '')
              FROM unnest(nums) WITH ORDINALITY k (num, n)
              JOIN pg_attribute a ON a.attrelid = rel AND a.attnum = k.num);
END $$;

-- The columns of two keys, pairwise: %1$s of the first relation, %2$s of the second.
CREATE OR REPLACE FUNCTION occ.pairs(rel_a oid, nums_a int2[], rel_b oid, nums_b int2[], pattern text, separator text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format(pattern, occ.name(a.attname), occ.name(b.attname)), separator ORDER BY k.n)
      FROM ROWS FROM (unnest(nums_a), unnest(nums_b)) WITH ORDINALITY k (num_a, num_b, n)
      JOIN pg_attribute a ON a.attrelid = rel_a AND a.attnum = k.num_a
      JOIN pg_attribute b ON b.attrelid = rel_b AND b.attnum = k.num_b
$$;

CREATE OR REPLACE FUNCTION occ.columns(rel oid) RETURNS int2[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(attnum ORDER BY attnum), '{}')
      FROM pg_attribute WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped
$$;

CREATE OR REPLACE FUNCTION occ.primary_key(rel oid) RETURNS int2[] LANGUAGE sql STABLE AS $$
    SELECT conkey FROM pg_constraint WHERE conrelid = rel AND contype = 'p'
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
CREATE OR REPLACE FUNCTION occ.overlay_columns(rel oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format(CASE typtype WHEN 'd' THEN 'o.%s::%s' ELSE 'o.%s' END,
                             occ.name(attname), format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
      FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped
$$;

-- Unique indexes other than the primary key's, and the columns whose change means another key. "plain"
-- ones decide what counts as a change of key among rivals.
CREATE OR REPLACE FUNCTION occ.unique_indexes(rel oid)
RETURNS TABLE (id oid, plain boolean, nulls_equal boolean, predicate text, keys text[], nums int2[])
LANGUAGE sql STABLE AS $$
    SELECT x.indexrelid, x.indexprs IS NULL AND x.indpred IS NULL, x.indnullsnotdistinct,
           pg_get_expr(x.indpred, x.indrelid),
           (SELECT array_agg(CASE x.indkey[k - 1] WHEN 0 THEN pg_get_indexdef(x.indexrelid, k, false)
                                                  ELSE occ.name(attname) END ORDER BY k)
              FROM generate_series(1, x.indnkeyatts) k
              LEFT JOIN pg_attribute ON attrelid = rel AND attnum = x.indkey[k - 1]),
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
      FROM (SELECT CASE WHEN typbasetype <> 0 THEN typbasetype
                        WHEN oid = 'varchar'::regtype THEN 'text'::regtype ELSE oid END AS type_
              FROM pg_type WHERE oid = type_) b
$$;

-- The columns of no fixed size that a row is written with.
CREATE OR REPLACE FUNCTION occ.wide_columns(rel oid) RETURNS int2[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(attnum ORDER BY attnum), '{}') FROM pg_attribute
     WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped AND attlen = -1 AND attgenerated = ''
$$;

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
    SELECT string_agg(format(CASE WHEN atttypid = ANY ('{text,varchar}'::regtype[])
                                  THEN 'pg_catalog.hashtext(NEW.%s)::pg_catalog.text'
                                  ELSE 'NEW.%s::pg_catalog.text' END, occ.name(attname)),
                      ' OPERATOR(pg_catalog.||) ''/'' OPERATOR(pg_catalog.||) ' ORDER BY attnum)
      FROM pg_attribute
     WHERE attrelid = rel AND attnum = ANY (occ.primary_key(rel))
       AND NOT EXISTS (SELECT FROM pg_attribute g
                        WHERE g.attrelid = rel AND g.attgenerated <> '' AND NOT g.attisdropped)
    HAVING bool_and(atttypid = ANY ('{int2,int4,int8,uuid,text,varchar}'::regtype[]))
$$;

CREATE OR REPLACE FUNCTION occ.identity_sequence(rel oid, name name) RETURNS oid LANGUAGE sql STABLE AS $$
    SELECT objid FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
     WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjid = rel AND deptype = 'i'
       AND attname = name
$$;

-- The values of a row `r` that is proposed; an identity column may have none yet.
CREATE OR REPLACE FUNCTION occ.proposed_values(rel oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format(CASE WHEN attidentity = '' THEN 'r.%s'
                                  ELSE 'coalesce(r.%s, nextval(%s::oid::regclass))' END,
                             occ.name(attname), occ.identity_sequence(rel, attname)), ', ' ORDER BY attnum)
      FROM pg_attribute WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
$$;
