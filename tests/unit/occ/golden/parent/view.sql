 SELECT id
   FROM ( SELECT false AS occ_mine,
            NULL::xid8 AS occ_xid,
            NULL::"char" AS occ_op,
            parent.id
           FROM parent
        UNION ALL
         SELECT true,
            o.occ_xid,
            o.occ_op,
            o.id
           FROM pg_occ_<public>_own.parent o) u
  WHERE NOT occ_mine AND (COALESCE(occ.when_planned('occ.as_committed'::text, true), ''::text) = 'on'::text OR pg_current_xact_id_if_assigned() IS NULL OR NOT (EXISTS ( SELECT
           FROM pg_occ_<public>_own.parent o
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.id = u.id AND o.id >= u.id))) OR occ_mine AND NOT COALESCE(occ.when_planned('occ.as_committed'::text, true), ''::text) = 'on'::text AND occ_xid = pg_current_xact_id_if_assigned() AND (occ_op <> ALL (ARRAY['D'::"char", 'N'::"char"]));
