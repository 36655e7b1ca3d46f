"""Settings of a project on Aurora DSQL."""

import os

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "only for tests")
ROOT_URLCONF = "payments.views"
INSTALLED_APPS = ["payments"]
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "aurora_dsql_django",
        "HOST": os.environ["CLUSTER_ENDPOINT"],
        "NAME": "postgres",
        "USER": "admin",
        "OPTIONS": {"sslmode": "verify-full", "sslrootcert": "system"},
        "CONN_MAX_AGE": 3300,  # DSQL ends a connection after 60 minutes
    }
}
