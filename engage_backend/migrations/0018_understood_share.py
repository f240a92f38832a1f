from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('engage', '0017_own_due_dates'),
    ]

    operations = [
        migrations.AddField(
            model_name='courserun',
            name='understood_share',
            field=models.FloatField(blank=True, help_text='Of the latest clicks at the last pass, what that model goes by understands, 0 to 1.', null=True),
        ),
    ]
