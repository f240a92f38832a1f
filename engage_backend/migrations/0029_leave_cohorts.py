import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engage", "0028_counters_of_units")]

    operations = [
        migrations.AddField(
            model_name="courserun",
            name="leave_fact",
            field=models.JSONField(
                blank=True,
                help_text="[day, how many were active then, how many of them were not back 14 days later].",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="courserun",
            name="leave_correction",
            field=models.JSONField(
                blank=True, help_text="[slope, intercept] by which `leave` is a percentage; null: it is a rank.", null=True
            ),
        ),
        migrations.CreateModel(
            name="LeaveCohort",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                (
                    "model",
                    models.CharField(blank=True, help_text="Which one showed it; empty: more than one.", max_length=64),
                ),
                ("shown", models.JSONField(help_text="[[per mille, learners, how many of them left]]")),
                (
                    "course_run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="leave_cohorts", to="engage.courserun"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["course_run", "day"], name="engage_leave_cohort_once")],
            },
        ),
    ]
