from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("packages_feed", "0005_indexes_of_space")]

    operations = [
        migrations.AddField(
            model_name="packagepatch",
            name="is_exact",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
