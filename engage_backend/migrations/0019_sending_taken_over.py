from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engage", "0018_understood_share")]

    operations = [
        migrations.AddField(
            model_name="sending",
            name="taken_over",
            field=models.JSONField(
                default=list,
                help_text=(
                    "Deliveries of earlier sendings that this one uses again, as they were: [[values], [delivery]]."
                ),
            ),
        ),
    ]
