"""What DSQL refuses and how it says so, as dated data, one module a topic.

Sources: `rec` = answers of a real cluster recorded by the public dsql-emulator project, 2026-09-15..18;
`docs` = AWS user guide; `guide` = its pages as of 2026-11; `skill` = AWS agent plugin "dsql", 2026-10; `lint` =
cluster tests of AWS dsql-lint, 2026-08-07; `suite` = integration tests that AWS runs on live clusters; `live` = other
public live-cluster protocols; `wild` = users' reports, verbatim; `analogy` = no text is on record, the wording follows
a recorded sibling; `PostgreSQL` = its own answer; `own` = a limit of the stand-in, not of the service. Rules look
texts up here and nowhere else.
"""

from . import connections, functions, indexes, limits, queries, settings, statements, tables, transactions
from .connections import *  # noqa: F403
from .fact import *  # noqa: F403
from .functions import *  # noqa: F403
from .indexes import *  # noqa: F403
from .limits import *  # noqa: F403
from .plans import *  # noqa: F403
from .queries import *  # noqa: F403
from .settings import *  # noqa: F403
from .statements import *  # noqa: F403
from .tables import *  # noqa: F403
from .transactions import *  # noqa: F403

TOPICS = (statements, tables, indexes, queries, functions, transactions, settings, limits, connections)
"""The modules, in the order of the page that is made of them."""
