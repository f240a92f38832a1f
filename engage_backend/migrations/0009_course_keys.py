from django.db import migrations


def compare_by_letters(apps, schema_editor):
    """As in 0002, for course keys: two runs whose keys differ in a capital are two runs, as edx-platform has them."""
    if schema_editor.connection.vendor == "mysql":
        schema_editor.execute(
            "ALTER TABLE engage_courserun MODIFY course_key varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
        )


class Migration(migrations.Migration):

    dependencies = [
        ('engage', '0008_reasons'),
    ]

    operations = [
        migrations.RunPython(compare_by_letters, migrations.RunPython.noop, atomic=False),
    ]
