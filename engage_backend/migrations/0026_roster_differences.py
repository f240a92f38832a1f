from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engage", "0025_engagement_level")]

    operations = [
        migrations.AddField(
            model_name="readagain",
            name="user_id",
            field=models.BigIntegerField(blank=True, help_text="Of whom it changed; null: of anybody.", null=True),
        ),
        migrations.AddField(
            model_name="courserun",
            name="roster_read",
            field=models.DateTimeField(
                blank=True,
                help_text="The site's clock when its whole roster was last compared with the platform's; null: never.",
                null=True,
            ),
        ),
    ]
