"""Django's settings, derived from the environment (octopus_site.conf)."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from octopus_site.conf import database_settings, read_configuration, uploads_folder
from octopus_site.logs import configure_logging

OCTOPUS = read_configuration(os.environ)
configure_logging()
BASE_DIR = Path(__file__).resolve().parent.parent


def _django_key(master_key: bytes) -> str:
    return HKDF(SHA256(), 32, salt=None, info=b"django").derive(master_key).hex()


SECRET_KEY = _django_key(OCTOPUS.master_key)
# Sessions outlive a rotation of the master key while the old one is configured.
SECRET_KEY_FALLBACKS = [_django_key(key) for key in OCTOPUS.other_master_keys]
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "octopus_site.urls"
ASGI_APPLICATION = "octopus_site.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False

INSTALLED_APPS = [
    "octopus_site.apps.SiteConfig",
    "deployments.insights.apps.InsightsConfig",
    "deployments.gateway.apps.GatewayConfig",
    "deployments.execution.apps.ExecutionConfig",
    "deployments.releases.apps.ReleasesConfig",
    "tenants.apps.TenantsConfig",
    "deployments.projects.apps.ProjectsConfig",
    "packages_feed.apps.PackagesFeedConfig",
    "deployments.infrastructure.apps.InfrastructureConfig",
    "deployments.library.apps.LibraryConfig",
    "deployments.server_tasks.apps.ServerTasksConfig",
    "deployments.audit.apps.AuditConfig",
    "deployments.access.apps.AccessConfig",
    "deployments.base.apps.BaseConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_cotton",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
]

MIDDLEWARE = [
    "octopus_site.middleware.request_id.RequestIdMiddleware",
    "octopus_site.middleware.security.SecurityHeadersMiddleware",
    "octopus_site.middleware.browsers.BrowsersMiddleware",
    "deployments.access.web.middleware.AuthenticationMiddleware",
    "deployments.access.web.middleware.CsrfMiddleware",
    "octopus_site.middleware.maintenance.MaintenanceMiddleware",
    "octopus_site.middleware.errors.ErrorsMiddleware",
]
BROWSER_MIDDLEWARE = [
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "octopus_site.context.portal",
            ],
        },
    }
]

DATABASES = {"default": {**database_settings(OCTOPUS.database_url), "CONN_MAX_AGE": 0}}
ATOMIC_REQUESTS = False

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

AUTH_USER_MODEL = "access.User"
# auth.W004: usernames are unique ignoring case, by a constraint Django does not recognize.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = [
    "deployments.access.backends.PasswordBackend",
    "deployments.access.backends.ScopedRoleBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_USER_OBJ_PERMS_MODEL = "access.UserObjectGrant"
GUARDIAN_GROUP_OBJ_PERMS_MODEL = "access.TeamObjectGrant"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "/app/sign-in"

SESSION_COOKIE_NAME = "OctopusIdentificationToken"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = OCTOPUS.server_url.startswith("https:")
SESSION_ENGINE = "deployments.access.signing_in.session_store"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "octopus_site" / "static"]
STATIC_ROOT = OCTOPUS.data_dir / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = str(uploads_folder(OCTOPUS.data_dir))
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "octopus_site.api.schema.OctopusSchema",
    "DEFAULT_RENDERER_CLASSES": ["deployments.base.api.renderers.QuickJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "deployments.base.api.renderers.AlwaysTheFirst",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "deployments.base.api.errors.handle",
}

CELERY_BROKER_URL = OCTOPUS.redis_url.replace("unix://", "redis+socket://")
# Celery itself would close the connection around every task; octopus_site.celery sees to it.
CELERY_DB_REUSE_MAX = 1_000_000_000
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 60}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

SPECTACULAR_SETTINGS = {
    "TITLE": "Octopus API",
    "DESCRIPTION": "Resources are shown below a space; the same paths exist without one (the"
    " default space) and below /api/spaces/{space}/.",
    "VERSION": "3.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # What is answered has more than what is taken: ids, links, moments.
    "COMPONENT_SPLIT_REQUEST": True,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "ApiKey": {"type": "apiKey", "in": "header", "name": "X-Octopus-ApiKey"}
        }
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False},
}
CELERY_BEAT_SCHEDULE = {
    "execution.sweep": {"task": "execution.sweep", "schedule": 2.0, "options": {"expires": 10}},
    "base.consume_all": {
        "task": "base.consume_all",
        "schedule": 2.0,
        "options": {"expires": 10},
    },
    "infrastructure.check_health": {
        "task": "infrastructure.check_health",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "releases.run_due_schedules": {
        "task": "releases.run_due_schedules",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "releases.continue_rollouts": {
        "task": "releases.continue_rollouts",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "releases.answer_calls": {
        "task": "releases.answer_calls",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "releases.deploy_to_waiting_targets": {
        "task": "releases.deploy_to_waiting_targets",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "releases.watch_feeds": {
        "task": "releases.watch_feeds",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "releases.watch_repositories": {
        "task": "releases.watch_repositories",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "releases.forget_old_decisions": {
        "task": "releases.forget_old_decisions",
        "schedule": 86400.0,
    },
    "audit.notify": {"task": "audit.notify", "schedule": 5.0, "options": {"expires": 10}},
    "audit.archive": {
        "task": "audit.archive",
        "schedule": 900.0,
        "options": {"expires": 900},
    },
    "execution.archive_logs": {"task": "execution.archive_logs", "schedule": 600.0},
    "execution.queue_retention": {"task": "execution.queue_retention", "schedule": 300.0},
    "access.check_directories": {"task": "access.check_directories", "schedule": 3600.0},
    "access.forget_old_groups": {"task": "access.forget_old_groups", "schedule": 3600.0},
    "base.empty_deleted_spaces": {
        "task": "base.empty_deleted_spaces",
        "schedule": 60.0,
        "options": {"expires": 15},
    },
    "base.look_again_at_deleted_spaces": {
        "task": "base.look_again_at_deleted_spaces",
        "schedule": 3600.0,
    },
    "packages_feed.sweep": {"task": "packages_feed.sweep", "schedule": 3600.0},
    "access.tidy": {"task": "access.tidy", "schedule": 14_400.0},
    "library.tell_of_expiry": {"task": "library.tell_of_expiry", "schedule": 14_400.0},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s [%(levelname)s] %(name)s: %(message)s"}},
    "filters": {"without_links": {"()": "octopus_site.logs.WithoutLinks"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["without_links"],
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
}
