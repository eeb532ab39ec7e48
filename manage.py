#!/usr/bin/env python3
"""Django's own command line; `octopus-server` is the one for operators."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octopus_site.settings")
    execute_from_command_line(sys.argv)
