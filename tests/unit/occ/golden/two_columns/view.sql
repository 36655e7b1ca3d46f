 SELECT a,
    b,
    v
   FROM ( SELECT false AS occ_mine,
            NULL::xid8 AS occ_xid,
            NULL::"char" AS occ_op,
            two_columns.a,
            two_columns.b,
            two_columns.v
           FROM two_columns
        UNION ALL
         SELECT true,
            o.occ_xid,
            o.occ_op,
            o.a,
            o.b,
            o.v
           FROM pg_occ_<public>_own.two_columns o) u
  WHERE NOT occ_mine AND (COALESCE(occ.when_planned('occ.as_committed'::text, true), ''::text) = 'on'::text OR pg_current_xact_id_if_assigned() IS NULL OR NOT (EXISTS ( SELECT
           FROM pg_occ_<public>_own.two_columns o
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.a = u.a AND o.b = u.b AND o.a >= u.a))) OR occ_mine AND NOT COALESCE(occ.when_planned('occ.as_committed'::text, true), ''::text) = 'on'::text AND occ_xid = pg_current_xact_id_if_assigned() AND (occ_op <> ALL (ARRAY['D'::"char", 'N'::"char"]));
