"""The distribution `tutor-contrib-engage`: Engage on an Open edX that Tutor runs. Needs Tutor; neither Django nor torch."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="tutor-contrib-engage",
    version="22.0.0",  # the first number is that of the newest Tutor that it is for: 22 is Verawood
    description="Engage for Tutor: the plugin, a worker image, consumers, and a Redis that keeps what it has.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.9",
    packages=find_packages(include=["tutorengage"]),
    include_package_data=True,
    package_data={"tutorengage": ["patches/*", "templates/engage/**/*", "templates/engage/tasks/lms/*"]},
    install_requires=["tutor>=20.0.0,<23.0.0"],
    entry_points={"tutor.plugin.v1": ["engage = tutorengage.plugin"]},
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
    ],
)
