-- What a value, a row and a key may measure. Rows of columns that have one size each are never measured.

-- Where a value is too large as it comes, it is stored here for a moment, to see what compression makes of it.
CREATE UNLOGGED TABLE IF NOT EXISTS occ.weighed (value bytea);

CREATE OR REPLACE FUNCTION occ.stored_size(value bytea) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    spot tid;
    size int;
BEGIN
    INSERT INTO occ.weighed VALUES (value) RETURNING ctid INTO spot;
    SELECT pg_column_size(w.value) INTO size FROM occ.weighed w WHERE ctid = spot;
    DELETE FROM occ.weighed WHERE ctid = spot;
    RETURN size;
END $$;

CREATE OR REPLACE FUNCTION occ.refuse_sizes(contents bytea[], types text[], keys int[], limits int[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    size int;
    total bigint := 0;
BEGIN
    FOR n IN 1 .. cardinality(keys) LOOP
        IF keys[n] > limits[n] THEN
            RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'key size too large';
        END IF;
    END LOOP;
    FOR n IN 1 .. cardinality(contents) LOOP
        CONTINUE WHEN contents[n] IS NULL;
        size := octet_length(contents[n]);
        size := CASE WHEN size > 2000 THEN occ.stored_size(contents[n]) ELSE size END;
        IF size > @VALUE_LIMIT@ THEN
            RAISE EXCEPTION USING ERRCODE = '54000',
                MESSAGE = format('datatype limit greater than @VALUE_LIMIT@ bytes not supported for %s', types[n]);
        END IF;
        total := total + size;
    END LOOP;
    IF total > @ROW_SIZE_LIMIT@ THEN
        RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'maximum row size exceeded';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION occ.octets(rel oid, nums int2[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format(CASE WHEN typcategory = 'S' OR typname = 'bytea' THEN 'coalesce(octet_length(NEW.%s), 0)'
                                  ELSE 'coalesce(pg_column_size(NEW.%s), 0)' END, occ.name(attname)),
                      ' + ' ORDER BY attnum)
      FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid WHERE attrelid = rel AND attnum = ANY (nums)
$$;

-- The keys that may be too large, and how many bytes each may have. An index holds the primary key, too.
CREATE OR REPLACE FUNCTION occ.wide_keys(rel oid) RETURNS TABLE (octets text, room int) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT occ.octets(rel, ARRAY(SELECT unnest(k.nums) INTERSECT SELECT unnest(occ.wide_columns(rel)))),
           @KEY_LIMIT@ - @KEY_COLUMN@ * (cardinality(k.nums) - 1)
      FROM pg_index x, LATERAL (SELECT ARRAY(SELECT unnest((x.indkey::int2[])[0:x.indnkeyatts - 1])
                                             UNION SELECT unnest(occ.primary_key(rel))) AS nums) k
     WHERE x.indrelid = rel AND x.indexprs IS NULL AND x.indpred IS NULL AND x.indislive
       AND k.nums && occ.wide_columns(rel)
$$;

-- The values of wide columns as bytes, and their types, in lists.
CREATE OR REPLACE FUNCTION occ.wide_values(rel oid, nums int2[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format(CASE atttypid WHEN 'bytea'::regtype THEN 'NEW.%s'
                                  ELSE 'convert_to(NEW.%s::text, ''UTF8'')' END, occ.name(attname)),
                      ', ' ORDER BY attnum)
      FROM pg_attribute WHERE attrelid = rel AND attnum = ANY (nums)
$$;

CREATE OR REPLACE FUNCTION occ.wide_types(rel oid, nums int2[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(quote_literal(occ.base_type(atttypid, -1)), ', ' ORDER BY attnum)
      FROM pg_attribute WHERE attrelid = rel AND attnum = ANY (nums)
$$;

-- What a row `o` counts for at COMMIT: its values, again its keys for every index, and what holding it takes.
CREATE OR REPLACE FUNCTION occ.row_size(rel oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat(string_agg(format(CASE
                      WHEN typcategory = 'S' AND atttypid <> '"char"'::regtype OR atttypid = 'bytea'::regtype
                      THEN 'coalesce(octet_length(o.%s), 0)'
                      WHEN atttypid IN ('json'::regtype, 'jsonb'::regtype)
                      THEN 'coalesce(octet_length(o.%s::text), 0)'
                      ELSE 'coalesce(pg_column_size(o.%s), 0)' END || ' * occ_weights[%s]',
                      occ.name(attname), n), ' + '),
                  ' + 32 + occ_weights[', count(*) + 1, ']')
      FROM unnest(occ.columns(rel)) WITH ORDINALITY k (num, n) JOIN pg_attribute ON attrelid = rel AND attnum = num
      JOIN pg_type ON pg_type.oid = atttypid
$$;
