"""Aurora DSQL in anyone's tests: a truthful cluster on this machine, conflicts on demand, a storm with a verdict."""
