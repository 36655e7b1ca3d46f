 SELECT a,
    b
   FROM ( SELECT false AS occ_mine,
            NULL::xid8 AS occ_xid,
            NULL::"char" AS occ_op,
            no_key.ctid AS occ_ref,
            no_key.a,
            no_key.b
           FROM no_key
        UNION ALL
         SELECT true,
            o.occ_xid,
            o.occ_op,
            o.occ_ref,
            o.a,
            o.b
           FROM pg_occ_<public>_own.no_key o) u
  WHERE NOT occ_mine AND (COALESCE(occ.when_planned('occ.as_committed'::text, true), ''::text) = 'on'::text OR pg_current_xact_id_if_assigned() IS NULL OR NOT (EXISTS ( SELECT
           FROM pg_occ_<public>_own.no_key o
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_ref = u.occ_ref AND o.occ_ref >= u.occ_ref))) OR occ_mine AND NOT COALESCE(occ.when_planned('occ.as_committed'::text, true), ''::text) = 'on'::text AND occ_xid = pg_current_xact_id_if_assigned() AND (occ_op <> ALL (ARRAY['D'::"char", 'N'::"char"]));
