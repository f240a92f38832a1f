from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engage", "0026_roster_differences")]

    operations = [
        migrations.AddField(
            model_name="checkpoint",
            name="reader",
            field=models.CharField(
                blank=True, help_text="Which consumer wrote this last: host/process/random part.", max_length=255
            ),
        ),
        migrations.AddField(
            model_name="checkpoint",
            name="other_reader",
            field=models.CharField(
                blank=True, help_text="The consumer that was seen to read the source beside it.", max_length=255
            ),
        ),
        migrations.AddField(
            model_name="checkpoint",
            name="other_seen",
            field=models.DateTimeField(blank=True, help_text="When that was last seen.", null=True),
        ),
    ]
