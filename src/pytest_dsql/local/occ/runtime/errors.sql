-- What users are told, in PostgreSQL's words and with its diagnostic fields.

CREATE OR REPLACE FUNCTION occ.raise_conflict() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = '@CONFLICT@';
END $$;

CREATE OR REPLACE FUNCTION occ.raise_row_limit() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'transaction row limit exceeded';
END $$;

CREATE OR REPLACE FUNCTION occ.raise_size_limit(bytes bigint, size_limit bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'transaction size limit 10mb exceeded',
        DETAIL = format('Current transaction size %smb > %smb', ceil(bytes / 1048576.0), ceil(size_limit / 1048576.0));
END $$;

CREATE OR REPLACE FUNCTION occ.raise_duplicate(index_oid oid, key text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i record;
BEGIN
    SELECT c.relname AS name, t.relname AS rel, n.nspname AS schema,
           (SELECT string_agg(pg_get_indexdef(x.indexrelid, k, true), ', ' ORDER BY k)
              FROM generate_series(1, x.indnkeyatts) k) AS columns
      INTO i
      FROM pg_index x
      JOIN pg_class c ON c.oid = x.indexrelid
      JOIN pg_class t ON t.oid = x.indrelid
      JOIN pg_namespace n ON n.oid = t.relnamespace
     WHERE x.indexrelid = index_oid;
    RAISE EXCEPTION USING ERRCODE = '23505',
        MESSAGE = format('duplicate key value violates unique constraint "%s"', i.name),
        DETAIL = format('Key (%s)=(%s) already exists.', i.columns, array_to_string(key, ', ', 'null')),
        SCHEMA = i.schema, TABLE = i.rel, CONSTRAINT = i.name;
END $$;

CREATE OR REPLACE FUNCTION occ.raise_foreign_key(con_oid oid, side "char", key text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    c record;
    text_ text;
    detail_ text;
BEGIN
    SELECT k.conname AS name, ch.relname AS child, pa.relname AS parent, n.nspname AS schema,
           occ.column_names(k.conrelid, k.conkey) AS child_columns,
           occ.column_names(k.confrelid, k.confkey) AS parent_columns
      INTO c
      FROM pg_constraint k
      JOIN pg_class ch ON ch.oid = k.conrelid
      JOIN pg_class pa ON pa.oid = k.confrelid
      JOIN pg_namespace n ON n.oid = ch.relnamespace
     WHERE k.oid = con_oid;
    IF side = '@PARENT@' THEN
        text_ := format('update or delete on table "%s" violates foreign key constraint "%s" on table "%s"',
                        c.parent, c.name, c.child);
        detail_ := format('Key (%s)=(%s) is still referenced from table "%s".',
                          c.parent_columns, array_to_string(key, ', '), c.child);
    ELSE
        text_ := format('insert or update on table "%s" violates foreign key constraint "%s"', c.child, c.name);
        detail_ := CASE WHEN side = '@MIXED@' THEN 'MATCH FULL does not allow mixing of null and nonnull key values.'
            ELSE format('Key (%s)=(%s) is not present in table "%s".',
                        c.child_columns, array_to_string(key, ', '), c.parent) END;
    END IF;
    RAISE EXCEPTION USING ERRCODE = '23503', MESSAGE = text_, DETAIL = detail_,
        SCHEMA = c.schema, TABLE = c.child, CONSTRAINT = c.name;
END $$;

-- Values for a column whose values are the server's to give. OVERRIDING is looked for only here,
-- where the statement is about to fail, because a trigger does not learn of it otherwise.
CREATE OR REPLACE FUNCTION occ.refuse_value(verb text, col text, generated boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT generated AND verb = 'insert' AND current_query() ~* '\moverriding\s+system\s+value\M' THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = '428C9',
        MESSAGE = format(CASE verb WHEN 'insert' THEN 'cannot insert a non-DEFAULT value into column "%s"'
                                   ELSE 'column "%s" can only be updated to DEFAULT' END, col),
        DETAIL = format(CASE WHEN generated THEN 'Column "%s" is a generated column.'
                             ELSE 'Column "%s" is an identity column defined as GENERATED ALWAYS.' END, col),
        HINT = CASE WHEN NOT generated AND verb = 'insert' THEN 'Use OVERRIDING SYSTEM VALUE to override.' ELSE '' END;
END $$;
