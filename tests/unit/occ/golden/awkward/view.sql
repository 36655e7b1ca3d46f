 SELECT by,
    "a, b",
    "{own}",
    "o.x"
   FROM ( SELECT false AS occ_mine,
            NULL::xid8 AS occ_xid,
            NULL::"char" AS occ_op,
            awkward.by,
            awkward."a, b",
            awkward."{own}",
            awkward."o.x"
           FROM awkward
        UNION ALL
         SELECT true,
            o.occ_xid,
            o.occ_op,
            o.by,
            o."a, b",
            o."{own}",
            o."o.x"
           FROM pg_occ_<public>_own.awkward o) u
  WHERE NOT occ_mine AND (COALESCE(occ.when_planned('occ.as_committed'::text, true), ''::text) = 'on'::text OR pg_current_xact_id_if_assigned() IS NULL OR NOT (EXISTS ( SELECT
           FROM pg_occ_<public>_own.awkward o
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."a, b" = u."a, b" AND o."a, b" >= u."a, b"))) OR occ_mine AND NOT COALESCE(occ.when_planned('occ.as_committed'::text, true), ''::text) = 'on'::text AND occ_xid = pg_current_xact_id_if_assigned() AND (occ_op <> ALL (ARRAY['D'::"char", 'N'::"char"]));
