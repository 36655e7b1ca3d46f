"""A message's text, its tokens and its tree: PostgreSQL's parser, and the syntax that only DSQL has."""
