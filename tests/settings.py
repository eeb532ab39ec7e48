"""The settings of the tests: the real ones, with a folder, a key and a database of their own."""

from tests.support.environment import prepare_environment

prepare_environment()

from octopus_site.settings import *  # noqa: E402, F403 the environment comes first
from octopus_site.settings import DATABASES, OCTOPUS  # noqa: E402

if OCTOPUS.is_sqlite:
    # A file, as in production: the memory database has neither WAL nor the turnstile.
    DATABASES["default"]["TEST"] = {"NAME": str(OCTOPUS.data_dir / "test.sqlite3")}

# The real algorithm at its lowest cost; a sign-in in every test would take minutes in all.
PASSWORD_HASHERS = ["tests.support.environment.QuickPasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

# Every test client makes the middleware anew; looking all static files up each time takes longest.
WHITENOISE_AUTOREFRESH = True
