-- What the proxy has to know of the user's relations, read again after each DDL.

CREATE OR REPLACE FUNCTION occ.catalog()
RETURNS TABLE (schema name, relname name, kind "char", oid oid, shadow name, columns jsonb, unique_indexes jsonb)
LANGUAGE sql STABLE AS $$
    SELECT n.nspname, c.relname, c.relkind, c.oid,
           CASE WHEN s.base IS NOT NULL THEN format('pg_occ_%s', c.relnamespace)::name END,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                        'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                        'default', occ.default_of(c.oid, a.attnum), 'not_null', a.attnotnull,
                        'generated', a.attgenerated <> '', 'always', a.attidentity = 'a',
                        'number', coalesce(array_position(s.attnums, a.attnum), a.attnum)) ORDER BY a.attnum), '[]')
              FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                        'name', i.relname, 'primary', x.indisprimary, 'nulls_not_distinct', x.indnullsnotdistinct,
                        'keys', (SELECT jsonb_agg(pg_get_indexdef(x.indexrelid, k, true) ORDER BY k)
                                   FROM generate_series(1, x.indnkeyatts) k),
                        'expressions', x.indexprs IS NOT NULL,
                        'predicate', pg_get_expr(x.indpred, x.indrelid)) ORDER BY NOT x.indisprimary, i.oid), '[]')
              FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
             WHERE x.indrelid = c.oid AND x.indisunique AND x.indislive)
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN occ.shadowed s ON s.base = c.oid
     WHERE c.relkind IN ('r', 'v') AND occ.is_user_schema(n.nspname)
     ORDER BY 1, 2
$$;
