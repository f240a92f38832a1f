"""The distribution `openedx-engage`: an XBlock, and a Django app that plugs into LMS and Studio."""

from pathlib import Path

from setuptools import find_packages, setup

WORKER = ["numpy>=1.26,<3", "safetensors>=0.4", "prometheus-client>=0.19"]
LSTM = ["torch>=2.6,<3"]  # to serve, or to train, a model that has an LSTM; the one that ships has none
TRAIN = [*WORKER, "xgboost-cpu>=3,<4", "scikit-learn>=1.4", "rich>=13"]
DEMO = [*WORKER, "XBlock[django]>=5.2,<7", "waitress>=3", "rich>=13"]
MAIL = ["django-anymail>=12,<15"]  # 15 asks for a Django that a Teak LMS does not have
# What an LMS has beside Engage, and what tests it: enough for the tests of a web process, which loads no torch.
TEST_WEB = [
    "XBlock[django]>=5.2,<7",
    "aiosmtpd>=1.4",
    "edx-django-utils>=7",
    "event-tracking>=3.3",
    "hypothesis>=6.100",
    "numpy>=1.26,<3",
    "openedx-events>=9",
    "openedx-filters>=2.1",
    "psycopg[binary]>=3.1",
    "PyMySQL>=1.1",
    "pytest>=8",
    "pytest-django>=4.9",
    "pytest-xdist>=3.6",
    "PyYAML>=6",
]
TEST = [
    *TRAIN,
    *LSTM,
    *DEMO,
    *TEST_WEB,
    "playwright>=1.50",
    "tutor>=20,<23",
    "xblock-sdk>=0.14,<0.15",
]
LINT = [
    *DEMO,
    *LSTM,
    "django-stubs>=5.1",
    "djangorestframework-stubs>=3.15",
    "import-linter>=2.1",
    "mypy>=1.13",
    "ruff>=0.8",
    "types-requests",
]

setup(
    name="openedx-engage",
    version="0.1.0",
    description="Live predictions of who certifies, completes or leaves, and messages to just those learners, inside Open edX.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["engage_xblock", "engage_xblock.*", "engage_backend", "engage_backend.*"]),
    include_package_data=True,
    # Lower bounds as low as the oldest release we run beside (Teak) needs: the base install moves no pin of an LMS.
    install_requires=[
        "Django>=4.2",
        "XBlock>=5.2,<7",
        "celery>=5.4,<6",
        "djangorestframework>=3.14",
        "edx-opaque-keys>=2.11",
        "markdown-it-py>=3,<5",
        "msgspec>=0.18",
        "redis>=4.5",
        "requests>=2.31",
    ],
    extras_require={
        "worker": WORKER,
        "lstm": LSTM,
        "train": TRAIN,
        "demo": DEMO,
        "mail": MAIL,
        "test-web": TEST_WEB,
        "test": TEST,
        "lint": LINT,
    },
    entry_points={
        "xblock.v1": [
            "engage_communicator = engage_xblock:CommunicatorXBlock",
            "engage_learner = engage_xblock:LearnerXBlock",
        ],
        "lms.djangoapp": ["engage_backend = engage_backend.apps:EngageConfig"],
        "cms.djangoapp": ["engage_backend = engage_backend.apps:EngageConfig"],
        "console_scripts": ["engage = engage_backend.cli:main"],
    },
    classifiers=[
        "Framework :: Django :: 4.2",
        "Framework :: Django :: 5.2",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
    ],
)
