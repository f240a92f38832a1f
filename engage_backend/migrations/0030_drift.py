from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engage", "0029_leave_cohorts")]

    operations = [
        migrations.AddField(
            model_name="courserun",
            name="drift",
            field=models.JSONField(
                blank=True,
                help_text="Whether the model still sees what it was trained on: {colour, why, nights}, see `verdict`.",
                null=True,
            ),
        ),
    ]
