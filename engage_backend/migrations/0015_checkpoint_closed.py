from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('engage', '0014_scores_compared'),
    ]

    operations = [
        migrations.AddField(
            model_name='checkpoint',
            name='closed',
            field=models.JSONField(default=dict, help_text='Lost records that were backfilled or given up: see `live.gaps`.'),
        ),
        migrations.AddField(
            model_name='checkpoint',
            name='replaced_at',
            field=models.DateTimeField(blank=True, help_text="When the operator said that another source took this one's place.", null=True),
        ),
    ]
