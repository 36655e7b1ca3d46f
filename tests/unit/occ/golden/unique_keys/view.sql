 SELECT id,
    mail,
    live,
    n
   FROM ( SELECT false AS occ_mine,
            NULL::xid8 AS occ_xid,
            NULL::"char" AS occ_op,
            unique_keys.id,
            unique_keys.mail,
            unique_keys.live,
            unique_keys.n
           FROM unique_keys
        UNION ALL
         SELECT true,
            o.occ_xid,
            o.occ_op,
            o.id,
            o.mail,
            o.live,
            o.n
           FROM pg_occ_<public>_own.unique_keys o) u
  WHERE NOT occ_mine AND (COALESCE(occ.when_planned('occ.as_committed'::text, true), ''::text) = 'on'::text OR pg_current_xact_id_if_assigned() IS NULL OR NOT (EXISTS ( SELECT
           FROM pg_occ_<public>_own.unique_keys o
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.id = u.id AND o.id >= u.id))) OR occ_mine AND NOT COALESCE(occ.when_planned('occ.as_committed'::text, true), ''::text) = 'on'::text AND occ_xid = pg_current_xact_id_if_assigned() AND (occ_op <> ALL (ARRAY['D'::"char", 'N'::"char"]));
