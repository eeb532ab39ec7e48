"""Models without an index of the space alone have another that begins with it, in the database."""

import pytest
from django.apps import apps
from django.db import connection, models

from deployments.base.models import SpaceIndexed

MODELS = [model for model in apps.get_models() if issubclass(model, SpaceIndexed)]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_an_index_of_all_rows_begins_with_the_space(model: type[models.Model]) -> None:
    conditional = {
        index.name
        for index in (*model._meta.indexes, *model._meta.constraints)
        if getattr(index, "condition", None) is not None
    }
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    indexes = {
        tuple(each["columns"] or ())
        for name, each in found.items()
        if each["index"] or each["unique"]
        if name not in conditional
    }
    assert ("space_id",) not in indexes
    assert any(columns[:1] == ("space_id",) for columns in indexes)
