"""openedx/core/djangoapps/content/block_structure/block_structure.py: a course as a graph of collected blocks.

A field that was not collected for a block is an AttributeError, as there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class FieldData:
    """Fields as attributes."""

    def __init__(self) -> None:
        self.__dict__["fields"] = {}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["fields"][name]
        except KeyError:
            raise AttributeError(f"Field {name} does not exist") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self.fields[name] = value


class TransformerDataMap(dict[str, FieldData]):
    """By a transformer's name or class."""

    def __getitem__(self, key: Any) -> FieldData:
        return super().__getitem__(key if isinstance(key, str) else key.name())


class BlockData(FieldData):
    """One block."""

    def __init__(self, usage_key: Any) -> None:
        super().__init__()
        self.__dict__["location"] = usage_key
        self.__dict__["transformer_data"] = TransformerDataMap()


class BlockStructureBlockData:
    """The blocks of one course run."""

    def __init__(self, root_block_usage_key: Any) -> None:
        self.root_block_usage_key = root_block_usage_key
        self._blocks: dict[Any, BlockData] = {root_block_usage_key: BlockData(root_block_usage_key)}
        self._children: dict[Any, list[Any]] = {root_block_usage_key: []}

    def add(self, parent: Any, usage_key: Any, transformed: dict[str, dict[str, Any]], **fields: Any) -> Any:
        """For tests: a block with its collected fields, and what transformers collected."""
        block = self._blocks[usage_key] = BlockData(usage_key)
        for name, value in fields.items():
            setattr(block, name, value)
        for transformer, values in transformed.items():
            block.transformer_data[transformer] = FieldData()
            for name, value in values.items():
                setattr(block.transformer_data[transformer], name, value)
        self._children[usage_key] = []
        self._children[parent].append(usage_key)
        return usage_key

    def get_children(self, usage_key: Any) -> list[Any]:
        return self._children[usage_key]

    def get_parents(self, usage_key: Any) -> list[Any]:
        return [parent for parent, children in self._children.items() if usage_key in children]

    def __getitem__(self, usage_key: Any) -> BlockData:
        return self._blocks[usage_key]

    def topological_traversal(self, start_node: Any = None) -> Iterator[Any]:
        start = start_node or self.root_block_usage_key
        yield start
        for child in self._children[start]:
            yield from self.topological_traversal(child)

    def get_xblock_field(self, usage_key: Any, field_name: str, default: Any = None) -> Any:
        block = self._blocks.get(usage_key)
        return getattr(block, field_name, default) if block else default

    def get_transformer_block_field(self, usage_key: Any, transformer: Any, key: str, default: Any = None) -> Any:
        try:
            return getattr(self._blocks[usage_key].transformer_data[transformer], key, default)
        except KeyError:
            return default
