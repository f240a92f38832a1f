from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engage", "0022_sending_latest")]

    operations = [
        migrations.AddField(
            model_name="courserun",
            name="last_removal_version",
            field=models.BigIntegerField(
                default=0,
                help_text="The version under which learners were last deleted; older cursors are answered 410.",
            ),
        ),
    ]
