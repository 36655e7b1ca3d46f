-- What is generated for a table, with blanks; and how they are filled in, once: what fills a blank may hold anything.

DROP TABLE IF EXISTS occ.template;
CREATE TABLE occ.template (
    name text NOT NULL,
    applies jsonb NOT NULL,
    words text[] NOT NULL,
    blanks text[] NOT NULL,
    head_words text[],
    head_blanks text[]
);

-- A text of words with blanks between them.
CREATE OR REPLACE FUNCTION occ.filled(words text[], blanks text[], slots jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    empty text := (SELECT string_agg(b, ', ') FROM unnest(blanks) b WHERE slots->>b IS NULL);
BEGIN
    IF empty IS NOT NULL THEN
        RAISE EXCEPTION 'nothing fills the blank %', empty;
    END IF;
    RETURN (SELECT string_agg(concat(p.word, slots->>p.blank), '' ORDER BY p.n)
              FROM ROWS FROM (unnest(words), unnest(blanks)) WITH ORDINALITY p (word, blank, n));
END $$;

-- The one template of a name whose facts are those of `slots`.
CREATE OR REPLACE FUNCTION occ.part(wanted text, slots jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    t occ.template;
BEGIN
    SELECT * INTO STRICT t FROM occ.template WHERE name = wanted AND slots @> applies;
    RETURN occ.filled(t.words, t.blanks, slots);
END $$;

-- The commands that make the functions of a table. They belong to the engine's role, which is no superuser: what users
-- have defined (checks, generated columns, index expressions) is computed in them.
CREATE OR REPLACE FUNCTION occ.code(slots jsonb) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT array_agg('CREATE OR REPLACE FUNCTION ' || occ.filled(head_words, head_blanks, slots) || ' AS '
                             || quote_literal(occ.filled(words, blanks, slots)) ORDER BY name)
              FROM occ.template WHERE head_words IS NOT NULL AND slots @> applies);
END $$;

-- The functions of tables, by their names without a table's number.
CREATE OR REPLACE FUNCTION occ.functions_in(home text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT array_agg(DISTINCT name) FROM occ.template WHERE head_blanks[1] = home
$$;
