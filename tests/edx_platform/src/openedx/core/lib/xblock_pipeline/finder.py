"""openedx/core/lib/xblock_pipeline/finder.py: lists the public files of every installed block for `collectstatic`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import utils
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from xblock.core import XBlock


class XBlockPipelineFinder(BaseFinder):
    """Finds nothing by name, as the platform's does not: outside DEBUG only what was collected is served."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        packages = {class_.__module__.partition(".")[0] for _, class_ in XBlock.load_classes(fail_silently=True)}
        self._storages = []
        for package in sorted(packages):
            if (folder := Path(str(files(package)), "public")).is_dir():
                storage: Any = FileSystemStorage(folder)
                storage.prefix = f"xblock/resources/{package}/public"
                self._storages.append(storage)

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Any]]:
        for storage in self._storages:
            for path in utils.get_files(storage, ignore_patterns):
                yield path, storage

    def find(self, path: str, *args: Any, **kwargs: Any) -> list[str]:
        return []
