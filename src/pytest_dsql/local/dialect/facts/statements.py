"""Statements and objects."""

from .fact import Fact, unsupported

# Statements that are refused by a text of their own; every other one DSQL does not know is refused by the
# name of its parse node.
NODE_TEXTS = {
    "CreateTrig": unsupported("CREATE TRIGGER not supported", "rec"),
    "CreateEnum": unsupported("CREATE TYPE not supported", "rec"),
    "AlterEnum": unsupported("ALTER TYPE not supported", "rec"),
    "AlterType": unsupported("ALTER TYPE not supported", "rec; form by analogy"),
    "Merge": unsupported("unsupported statement type: MERGE", "rec"),
}
UNSUPPORTED_STATEMENT = unsupported("unsupported statement: {}", "rec, skill, live: Truncate, Listen, Lock ...")
VACUUM = unsupported("unsupported VACUUM statement", "rec")
CALL_SUBQUERY = unsupported("cannot use subquery in CALL argument", "rec")

DROP_OBJECT = unsupported("unsupported object in DROP statement", "rec")
DROP_DOMAIN_CASCADE = unsupported("DROP DOMAIN with CASCADE unsupported", "live", "2026-10")
ALTER_DOMAIN = unsupported("unsupported ALTER DOMAIN {} statement", "live: refused; text by analogy", "2026-10")
# AlterDomainStmt's letters of what live saw refused.
REFUSED_DOMAIN_CHANGES = {"C": "ADD CONSTRAINT", "O": "SET NOT NULL"}
RENAME_OBJECT = unsupported("unsupported object in RENAME statement", "rec")
OWNER_OBJECT = unsupported("unsupported object in ALTER OWNER statement", "analogy")
SCHEMA_OBJECT = unsupported("unsupported object in ALTER SCHEMA statement", "analogy")
GRANT_SYSTEM = unsupported("feature not supported on system entity", "live")
GRANT_OBJECT = unsupported("unsupported object type in GRANT", "skill", "2026-10")
ROLE_OPTION = unsupported("unsupported role option: {}", "lint refuses PASSWORD; text by analogy", "2026-08")
TEMPORARY_VIEW = unsupported("TEMPORARY or TEMP view not supported for CREATE VIEW", "analogy")

COPY_FILE = Fact("42501", "permission denied to COPY {} a file", "lint refuses; PostgreSQL 16 text", "2026-08")
COPY_PROGRAM = Fact("42501", "permission denied to COPY {} an external program", "PostgreSQL 16")
SYNTAX = Fact("42601", 'syntax error at or near "{}"', "PostgreSQL")
SYNTAX_AT_END = Fact("42601", "syntax error at end of input", "PostgreSQL")

# Statements DSQL runs (AWS's published grammar, plus what `rec` and `guide` show beyond it).
KNOWN_STATEMENTS = frozenset(
    [
        "Select",
        "Insert",
        "Update",
        "Delete",
        "Transaction",
        "VariableSet",
        "VariableShow",
        "ConstraintsSet",
        "Explain",
        "Copy",
        "Call",
        "Do",
        "Create",
        "AlterTable",
        "Index",
        "View",
        "CreateSeq",
        "AlterSeq",
        "CreateSchema",
        "CreateDomain",
        "AlterDomain",
        "CreateRole",
        "AlterRole",
        "AlterRoleSet",
        "DropRole",
        "CreateFunction",
        "Drop",
        "Rename",
        "AlterOwner",
        "AlterObjectSchema",
        "Comment",
        "Grant",
        "GrantRole",
        "AlterDefaultPrivileges",
        "Vacuum",
        "Deallocate",
        "CreateStats",
        "AlterStats",
    ]
)

ROUTINES = frozenset(["FUNCTION", "PROCEDURE", "ROUTINE"])
DROPPABLE = frozenset(["TABLE", "VIEW", "INDEX", "SEQUENCE", "SCHEMA", "DOMAIN", "STATISTIC_EXT"]) | ROUTINES
RENAMABLE = ROUTINES | frozenset(
    [
        "TABLE",
        "COLUMN",
        "TABCONSTRAINT",
        "VIEW",
        "SEQUENCE",
        "INDEX",
        "SCHEMA",
        "DOMAIN",
        "DOMCONSTRAINT",
        "ROLE",
        "STATISTIC_EXT",
    ]
)
MOVABLE = frozenset(["TABLE", "VIEW", "SEQUENCE", "DOMAIN", "STATISTIC_EXT"]) | ROUTINES
OWNABLE = MOVABLE | {"SCHEMA"}
GRANTABLE = frozenset(["TABLE", "COLUMN", "SEQUENCE", "SCHEMA", "DOMAIN"]) | ROUTINES
SYSTEM_SCHEMAS = frozenset({"public", "sys", "pg_catalog", "information_schema"})
