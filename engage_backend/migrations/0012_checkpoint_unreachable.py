from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('engage', '0011_reasons_in_any_language'),
    ]

    operations = [
        migrations.AddField(
            model_name='checkpoint',
            name='unreachable_since',
            field=models.DateTimeField(blank=True, help_text='Since when the source has not answered its consumer; empty while it does.', null=True),
        ),
    ]
