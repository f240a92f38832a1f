from datetime import timedelta

from django.db import migrations, models
from django.db.models import F


def bound_open_ones(apps, schema_editor):
    """What waits, or is going out, is bound as new sendings are: to a day after it was to go out."""
    sendings = apps.get_model("engage", "Sending").objects.filter(state__in=["waiting", "sending"])
    for name, rows in (("created", sendings.filter(send_at=None)), ("send_at", sendings.exclude(send_at=None))):
        rows.update(latest_at=F(name) + timedelta(hours=24))


class Migration(migrations.Migration):
    dependencies = [("engage", "0021_states_count_scores")]

    operations = [
        migrations.AddField(
            model_name="sending",
            name="latest_at",
            field=models.DateTimeField(
                blank=True, null=True, help_text="Nothing goes out after this, by the site's clock; null: no bound."
            ),
        ),
        migrations.AddField(
            model_name="sending",
            name="late",
            field=models.PositiveIntegerField(default=0, help_text="For how many learners it came too late."),
        ),
        migrations.AddField(
            model_name="sending",
            name="told_at",
            field=models.DateTimeField(
                blank=True, null=True, help_text="When the author was told that it came too late, by the world's clock."
            ),
        ),
        migrations.AddField(
            model_name="sending",
            name="announced_at",
            field=models.DateTimeField(
                blank=True,
                null=True,
                help_text="When a worker was last told to tell the author, by the world's clock.",
            ),
        ),
        migrations.RunPython(bound_open_ones, migrations.RunPython.noop),
    ]
