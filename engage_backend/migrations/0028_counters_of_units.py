from django.db import migrations


def forget(apps, schema_editor):
    """States count more than they did: each is made anew from its learner's history."""
    apps.get_model("engage", "LearnerState").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('engage', '0027_checkpoint_readers'),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
