"""PostgreSQL's own parser: all that the dialect knows of the library that it is in, so that another can take its place.

pglast is GPL-3.0-or-later; it runs in the stand-in's own process, which no program of a user's imports.
"""

from pglast import ast
from pglast.parser import ParseError, Token, parse_sql, scan

__all__ = ["ParseError", "Token", "ast", "parse_sql", "scan"]
