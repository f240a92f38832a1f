from django.db import migrations, models
from django.db.models import F


def earlier_ones_erased(apps, schema_editor):
    """Until now an objection erased in the moment in which it was stored."""
    apps.get_model("engage", "Objection").objects.update(hidden_at=F("since"), erased_at=F("since"))


class Migration(migrations.Migration):
    dependencies = [("engage", "0019_sending_taken_over")]

    operations = [
        migrations.AddField(
            model_name="objection",
            name="hidden_at",
            field=models.DateTimeField(
                blank=True, null=True, help_text="When the clock had open pages drop the learner; null: to be done."
            ),
        ),
        migrations.AddField(
            model_name="objection",
            name="erased_at",
            field=models.DateTimeField(
                blank=True,
                null=True,
                help_text="When the clock erased what was counted; null: it can be undone until then.",
            ),
        ),
        migrations.RunPython(earlier_ones_erased, migrations.RunPython.noop),
    ]
