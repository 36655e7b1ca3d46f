"""Foreign keys over merged views: PostgreSQL's own checks see committed rows alone and are switched off."""

from collections.abc import Iterator
from typing import Final

from pytest_dsql.local.occ.loop import Loop, Verb, differs, listed, literal
from pytest_dsql.local.occ.template import GeneratedFunction, Template, deeper
from pytest_dsql.local.occ.words import Op, Side


def templates() -> Iterator[Template]:
    """Return the function that acts for the keys that lead to a table: (constraint, side, old key and new)."""
    body = "\n#variable_conflict use_column\nBEGIN\n$actions    END IF;\nEND"
    yield GeneratedFunction(
        "act", body, {"acts": True}, '$private.{name}_$oid(occ_con oid, occ_side "char", occ_key text[]) RETURNS void'
    )
    yield Template(
        "trigger_settle",
        "CREATE TRIGGER occ_settle AFTER INSERT OR UPDATE OR DELETE ON $view EXECUTE FUNCTION occ.statement_ends()",
    )


def loops() -> Iterator[Loop]:
    """Return what a row does to its parents and children."""
    yield _child("insert")
    yield _child("update")
    yield _parent("delete")
    yield _parent("update")
    yield _ACTIONS


def _child(verb: Verb) -> Loop:
    """Return what marks the parent of a row FOR KEY SHARE.

    What is lacking is looked at again at the statement's end, or at COMMIT where the constraint is deferred.
    """
    return Loop(
        f"child_{verb}",
        "pg_constraint k WHERE k.conrelid = rel AND k.contype = 'f'",
        "k.oid",
        {
            "full": "k.confmatchtype = 'f'",
            "constraint": "k.oid::text",
            "parent": "k.confrelid::text",
            "parent_private": "occ.private_schema(k.confrelid)",
            "parent_view": "occ.view_name(k.confrelid)",
            "parent_is_new": _pairs("rel, k.conkey, k.confrelid, k.confkey", "p.%2$s = NEW.%1$s"),
            "all_set": listed("k.conkey", "NEW.%1$s IS NOT NULL", " AND "),
            "any_set": listed("k.conkey", "NEW.%1$s IS NOT NULL", " OR "),
            "new_texts": listed("k.conkey", "NEW.%1$s::text"),
            "new_reference": listed("k.conkey", "NEW.%1$s"),
            "old_reference": listed("k.conkey", "OLD.%1$s"),
        },
        tuple(({"full": full}, _child_text(verb, full=full)) for full in (True, False)),
    )


def _child_text(verb: Verb, *, full: bool) -> str:
    refused = ""
    if full:
        refused = (
            f"ELSIF $any_set THEN\n        PERFORM occ.raise_foreign_key($constraint, '{Side.MIXED}', NULL);\n    "
        )
    test = f"""
    IF $all_set THEN
        PERFORM $parent_private.mark_$parent(p.*, '{Op.SHARED}') FROM $parent_view p WHERE $parent_is_new;
        IF NOT FOUND THEN
            PERFORM occ.put_off($constraint, '{Side.CHILD}', ARRAY[$new_texts]);
        END IF;
    {refused}END IF;"""
    if verb == "update":
        return f"\n    IF {differs('($new_reference)', '($old_reference)')} THEN{deeper(test)}\n    END IF;"
    return test


def _parent(verb: Verb) -> Loop:
    """Return what becomes of the children of a row that goes, or whose referenced key changes.

    It waits for the end of the statement, which may have to do with these rows itself; so does the check that there are
    none.
    """
    changes = f" AND {differs('($new_referenced)', '($old_referenced)')}" if verb == "update" else ""
    checked = (
        "IF EXISTS (SELECT FROM $child_view c WHERE $child_is_old) THEN\n"
        f"            PERFORM occ.put_off($constraint, '{Side.PARENT}', ARRAY[$old_texts]);\n        END IF;"
    )
    acts = {
        "delete": f"PERFORM occ.put_off($constraint, '{Side.ON_DELETE}', ARRAY[$old_texts]);",
        "update": f"PERFORM occ.put_off($constraint, '{Side.ON_UPDATE}', ARRAY[$old_texts, $new_texts]);",
    }[verb]
    action = "k.confdeltype" if verb == "delete" else "k.confupdtype"
    return Loop(
        f"parent_{verb}",
        "pg_constraint k WHERE k.confrelid = rel AND k.contype = 'f'",
        "k.oid",
        {
            "has_action": f"{action} IN ('c', 'n', 'd')",
            "constraint": "k.oid::text",
            "child_view": "occ.view_name(k.conrelid)",
            "child_is_old": _pairs("k.conrelid, k.conkey, rel, k.confkey", "c.%1$s = OLD.%2$s"),
            "all_set": listed("k.confkey", "OLD.%1$s IS NOT NULL", " AND "),
            "old_texts": listed("k.confkey", "OLD.%1$s::text"),
            "new_texts": listed("k.confkey", "NEW.%1$s::text"),
            "old_referenced": listed("k.confkey", "OLD.%1$s"),
            "new_referenced": listed("k.confkey", "NEW.%1$s"),
        },
        tuple(
            ({"has_action": does}, f"\n    IF $all_set{changes} THEN\n        {text}\n    END IF;")
            for does, text in ((True, acts), (False, checked))
        ),
    )


def _pairs(keys: str, pattern: str) -> str:
    return f"occ.pairs({keys}, {literal(pattern)}, ' AND ')"


def _action(head: str, change: str) -> str:
    return (
        f"    $branch occ_con = $constraint AND occ_side = '$side' THEN\n        {head}{change} WHERE $child_is_key;\n"
    )


# A child that had the default already does not change, and looks for its parent not again.
_CHECK_DEFAULT: Final = f"PERFORM occ.put_off($constraint, '{Side.PARENT}', occ_key[1:$key_length]);\n        "
_ACTIONS: Final = Loop(
    "actions",
    """(SELECT c.*, a.side, a.action,
                 CASE a.side WHEN 'd' THEN coalesce(c.confdelsetcols, c.conkey) ELSE c.conkey END AS nums
            FROM pg_constraint c, LATERAL (VALUES ('d', c.confdeltype), ('u', c.confupdtype)) a (side, action)
           WHERE c.confrelid = rel AND c.contype = 'f' AND a.action IN ('c', 'n', 'd')) k""",
    "k.oid, k.side",
    {
        "action": "k.action",
        "side": "k.side",
        "branch": "CASE row_number() OVER (ORDER BY k.oid, k.side) WHEN 1 THEN 'IF' ELSE 'ELSIF' END",
        "constraint": "k.oid::text",
        "key_length": "cardinality(k.confkey)::text",
        "child_view": "occ.view_name(k.conrelid)",
        "child_is_key": listed("k.conkey", "c.%1$s = occ_key[%2$s]::%3$s", " AND ", rel="k.conrelid"),
        "set_new_key": "occ.listed(k.conrelid, k.conkey, '%1$s = occ_key[%2$s]::%3$s', ', ', cardinality(k.conkey))",
        "set_null": listed("k.nums", "%1$s = NULL", rel="k.conrelid"),
        "set_default": listed("k.nums", "%1$s = DEFAULT", rel="k.conrelid"),
    },
    (
        ({"action": "c", "side": "d"}, _action("", "DELETE FROM $child_view c")),
        ({"action": "c", "side": "u"}, _action("", "UPDATE $child_view c SET $set_new_key")),
        ({"action": "n"}, _action("", "UPDATE $child_view c SET $set_null")),
        ({"action": "d"}, _action(_CHECK_DEFAULT, "UPDATE $child_view c SET $set_default")),
    ),
)
