"""The front's one function: the text of a message in, a verdict per statement out. Pure, no I/O."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.catalog import Catalog
from pytest_dsql.local.dialect.parse.extensions import IamStatement, PreparedText, prepare
from pytest_dsql.local.dialect.parse.parser import ParseError, ast, parse_sql
from pytest_dsql.local.dialect.parse.text import Edits, Source
from pytest_dsql.local.dialect.refuse.context import RuleContext
from pytest_dsql.local.dialect.refuse.kinds import classify
from pytest_dsql.local.dialect.refuse.statements import refuse_statement
from pytest_dsql.local.dialect.rewrite.definitions import rewrite_analyze, rewrite_copy, rewrite_definition
from pytest_dsql.local.dialect.rewrite.explanations import explained, flag
from pytest_dsql.local.dialect.rewrite.found import Found
from pytest_dsql.local.dialect.rewrite.handlers import HANDLERS
from pytest_dsql.local.dialect.rewrite.walk import Rewriter, Scope
from pytest_dsql.local.dialect.routines.definitions import rewrite_do, rewrite_function
from pytest_dsql.local.dialect.statement import IamMapping, Kind, Refusal, RefusedError, Setting, Statement


def analyse(sql: str, catalog: Catalog, search_path: tuple[str, ...], *, inside: bool = False) -> list[Statement]:
    """Judge and rewrite every statement of a message, or of a routine's body (`inside`).

    `search_path` holds schema names, "$user" already replaced. A later statement of the message sees a
    search path that an earlier one sets.
    """
    prepared = prepare(sql)
    try:
        trees = parse_sql(prepared.text)
    except ParseError as error:
        return [_unparsed(sql, prepared, error)]
    source = Source(prepared.text)
    found = [_iam(sql, item) for item in prepared.iam]
    for tree in trees:
        start, end = _range(source, tree)
        asynchronous = any(start <= position < end for position in prepared.asynchronous)
        context = RuleContext(source, catalog, search_path, start, end, asynchronous, inside)
        statement = _statement(sql, tree.stmt, context)
        search_path = _later_path(statement, search_path)
        found.append(statement)
    if not found:
        return [Statement(Kind.EMPTY, sql, sql)]
    return sorted(found, key=lambda item: item.offset)


def _unparsed(sql: str, prepared: PreparedText, error: ParseError) -> Statement:
    """PostgreSQL answers for text it cannot parse, unless the text had syntax it would stumble over first."""
    refusal = None
    if prepared.asynchronous or prepared.iam:
        message, *position = error.args
        at = position[0] if position and position[0] is not None else len(sql)
        refusal = Refusal("42601", message, position=at + 1)
    return Statement(Kind.INVALID, sql, sql, refusal=refusal)


def _range(source: Source, tree: Any) -> tuple[int, int]:
    start = tree.stmt_location or 0
    end = start + tree.stmt_len if tree.stmt_len else len(source.text)
    # A statement starts at its first token: white space and comments in front are not its own.
    if source.text[start : start + 1].isspace() or source.text[start : start + 2] in ("--", "/*"):
        start = source.start(source.index(start))
    return start, start + len(source.text[start:end].rstrip())


def _iam(sql: str, item: IamStatement) -> Statement:
    text = sql[item.start : item.end]
    kind = Kind.IAM_GRANT if item.grants else Kind.IAM_REVOKE
    refusal = item.outcome if isinstance(item.outcome, Refusal) else None
    details = item.outcome if isinstance(item.outcome, IamMapping) else None
    tag = "GRANT" if item.grants else "REVOKE"
    return Statement(kind, text, text, item.start, tag, refusal, counts_as_ddl=True, details=details)


def _statement(sql: str, node: Any, context: RuleContext) -> Statement:
    verdict = classify(node, context)
    original = sql[context.start : context.end]
    rewriter = Rewriter(context.source, context.catalog, context.search_path, HANDLERS, partial(analyse, inside=True))
    refusal = refuse_statement(node, context) or _refused(rewriter, node, context)
    found = rewriter.found
    names = found.routines.names | found.names
    statement = Statement(
        kind=verdict.kind,
        original=original,
        sql=original,
        offset=context.start,
        tag=verdict.tag,
        refusal=refusal,
        counts_as_ddl=verdict.counts_as_ddl,
        writes=found.writes or verdict.writes,
        may_write=found.writes or verdict.writes or found.routines.writes,
        called=found.called,
        calls=found.calls or verdict.kind is Kind.CALL,
        changes_search_path=verdict.changes_search_path,
        tables=found.routines.tables | found.tables,
        names=names,
        relations=context.catalog.numbers(names),
        details=verdict.details,
    )
    if refusal:
        return statement
    if isinstance(node, ast.ExplainStmt):
        return explained(statement, rewriter.edits, node, context)
    return _rewritten(statement, rewriter.edits, found, node, context)


def _refused(rewriter: Rewriter, node: Any, context: RuleContext) -> Refusal | None:
    """Rewrite a statement; the refusal that the walk comes upon."""
    try:
        _rewrite(rewriter, node, context)
    except RefusedError as refused:
        return refused.refusal
    except RecursionError:
        return facts.STACK_DEPTH.refusal()
    return None


def _rewritten(statement: Statement, edits: Edits, found: Found, node: Any, context: RuleContext) -> Statement:
    upsert = found.upsert is node
    edited = edits.within(context.start, context.end)
    return replace(
        statement,
        sql=edits.render(context.start, context.end),
        hide_last_columns=found.marks,
        tag_as_insert=upsert,
        hide_rows=upsert and node.returningClause is None,
        shifts=tuple((edit.start - context.start, edit.end - edit.start, len(edit.text)) for edit in edited),
    )


def _rewrite(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    rewrite = REWRITES.get(type(node))
    if rewrite:
        rewrite(rewriter, node, context)


def _query(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    rewriter.visit(node, Scope(top=None if context.inside else node, inside=context.inside))


def _explain(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    runs = flag(node.options, "analyze")
    with rewriter.apart(lambda found: replace(found, writes=found.writes and runs)) as query:
        _query(query, node.query, context)


def _view(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    rewriter.visit(node.query, Scope(inside=context.inside))


def _schema(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    for element in node.schemaElts or ():
        _rewrite(rewriter, element, context)


def _setting(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    renamed = facts.RENAMED_SETTINGS.get((node.name or "").lower())
    if renamed is None:
        return
    source, at = context.source, context.source.index(context.start)
    while source.raw(at).strip('"').lower() != node.name.lower():
        at += 1
    rewriter.edits.replace(source.start(at), source.end(at), renamed)


REWRITES: dict[type[Any], Callable[[Rewriter, Any, RuleContext], None]] = {
    ast.AlterTableStmt: rewrite_definition,
    ast.CallStmt: _query,
    ast.CopyStmt: rewrite_copy,
    ast.CreateDomainStmt: rewrite_definition,
    ast.CreateFunctionStmt: rewrite_function,
    ast.CreateSchemaStmt: _schema,
    ast.CreateStmt: rewrite_definition,
    ast.DeleteStmt: _query,
    ast.DoStmt: rewrite_do,
    ast.ExplainStmt: _explain,
    ast.IndexStmt: rewrite_definition,
    ast.InsertStmt: _query,
    ast.SelectStmt: _query,
    ast.UpdateStmt: _query,
    ast.VacuumStmt: rewrite_analyze,
    ast.VariableSetStmt: _setting,
    ast.VariableShowStmt: _setting,
    ast.ViewStmt: _view,
}


def _later_path(statement: Statement, search_path: tuple[str, ...]) -> tuple[str, ...]:
    details = statement.details
    if statement.refusal or not isinstance(details, Setting) or statement.kind is not Kind.SET:
        return search_path
    return details.values if details.name == "search_path" and details.values else search_path
