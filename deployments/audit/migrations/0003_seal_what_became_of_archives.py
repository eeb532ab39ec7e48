from django.db import migrations

from deployments.base.secrets import SecretUnreadable, secret_box


def seal_anew(apps: object, schema_editor: object) -> None:
    """Seal what became of each file too; a row that was altered before stays one that was."""
    EventArchive = apps.get_model("audit", "EventArchive")
    box = secret_box()
    for row in EventArchive.objects.iterator():
        place = f"event-archive:{row.day:%Y-%m-%d}"
        link = f"{row.day:%Y-%m-%d} {row.sha256} {row.previous} {row.count}"
        try:
            is_sealed = box.open(bytes(row.sealed_link), place=place).reveal() == link
        except SecretUnreadable:
            is_sealed = False
        if is_sealed:
            emptied, deleted = (at.isoformat() if at else "-" for at in (row.emptied, row.deleted))
            link = f"{link} {emptied} {deleted} {row.deleted_by}"
            row.sealed_link = box.seal(link, place=place)
            row.save(update_fields=["sealed_link"])


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_subscriptions"),
    ]

    operations = [
        migrations.RunPython(seal_anew, migrations.RunPython.noop),
    ]
