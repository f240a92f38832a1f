"""What training takes: memory for fifteen million events, and how fast the LSTM learns, beside packed sequences."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from engage_backend.engagement.dataset import Run
from engage_backend.engagement.lstm_fit import fit_lstm, untrained
from engage_backend.engagement.prepared import CONTENTS, read_prepared, size_of
from engage_backend.engagement.training import LstmSettings, Pace
from engage_backend.engagement.trees import TARGETS
from engage_backend.engagement.trees_fit import cores

EVENTS = 15_000_000
MOST_MEMORY = 4.0  # GB
PREPARE = "import sys; from engage_backend.cli import main; status = main(sys.argv[1:])"
# One pass and few trees: what is in memory at a time is the same, and the bench ends before the day does.
TRAIN = """
import sys
from pathlib import Path
from engage_backend.engagement.prepared import read_prepared
from engage_backend.engagement.training import LstmSettings, Pace, Settings, train
pace = Pace()
runs, kinds = read_prepared(Path(sys.argv[1]))
train(runs, kinds, seed=1, settings=Settings(lstm=LstmSettings(epochs=1), rounds=10), pace=pace)
print("the LSTM:", pace)
"""
PEAK = "; import resource; print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 'GB')"


def packages() -> list[Path]:
    """The four real runs, from the folder ENGAGE_RUNS."""
    found = sorted(
        path.parent for path in Path(os.environ.get("ENGAGE_RUNS", "/tmp/runs")).glob("OUx-*/*events.log.gz")
    )
    if not found:
        pytest.skip("no course runs in ENGAGE_RUNS")
    return found


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs made ready, in a process of its own whose memory is told."""
    out = tmp_path_factory.mktemp("prepared") / "runs"
    words = ["prepare", *map(str, packages()), "--out", str(out), "--sequence"]
    began = time.perf_counter()
    print(f"\nprepare: {ran(PREPARE + PEAK, *words)}, {time.perf_counter() - began:.0f} s")
    return out


def ran(code: str, *words: str) -> str:
    """What a process of its own says."""
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return " | ".join(done.stdout.split("\n")).strip(" |")


@pytest.mark.bench
def test_memory_of_training_on_fifteen_million_events(prepared: Path, tmp_path: Path) -> None:
    """The runs over and over, each time as runs of other courses, until they are enough."""
    contents = json.loads((prepared / CONTENTS).read_text())
    runs, more = contents["runs"], []
    while sum(run["events"] for run in more) < EVENTS:
        number = len(more)
        again = runs[number % len(runs)]
        shutil.copytree(prepared / f"run{number % len(runs):03}", tmp_path / f"run{number:03}")
        more.append({**again, "course": f"{again['course']}x{number}", "name": f"{again['name']}x{number}"})
    (tmp_path / CONTENTS).write_text(json.dumps({**contents, "runs": more}))
    events, began = sum(run["events"] for run in more), time.perf_counter()
    size = size_of(tmp_path)
    told = ran(TRAIN + PEAK.removeprefix("; "), str(tmp_path))
    seconds = time.perf_counter() - began
    print(
        f"\n{len(more)} runs, {events:,} events, {size / 1e6:,.0f} MB on disk, {size / events:.1f} bytes an event; "
        f"{told}; {seconds:.0f} s"
    )
    assert float(told.split("peak ")[1].split()[0]) < MOST_MEMORY


@pytest.mark.bench
def test_the_lstm_beside_packed_sequences(prepared: Path) -> None:
    runs, kinds = read_prepared(prepared)
    run = runs[0].with_examples(runs[0].who < 192)
    tokens = np.arange(len(kinds.names), dtype=np.int64) + 1
    for threads in (1, 2):
        torch.set_num_threads(threads)
        windows, packed = max(_windows(run, tokens) for _ in range(2)), max(_packed(run, tokens) for _ in range(2))
        print(
            f"\n{threads} threads, backward steps included: {windows:,.0f} events/s in windows; "
            f"{packed:,.0f} packed; ratio {windows / packed:.1f}"
        )
    torch.set_num_threads(cores())


def _windows(run: Run, tokens: np.ndarray) -> float:
    """Events a second, as training learns."""
    margins, weights, pace = np.zeros((len(run.who), len(TARGETS))), np.ones(len(run.who)), Pace()
    begin = untrained(len(tokens) + 1, seed=1)
    fit_lstm([run], [margins], [weights], tokens, begin=begin, seed=1, settings=LstmSettings(epochs=1), pace=pace)
    return pace.events / pace.seconds


def _packed(run: Run, tokens: np.ndarray, batch: int = 96, most: int = 512) -> float:
    """Events a second of the same LSTM over the first `most` events of each learner, packed.

    Of whole sequences, thousands of events long, one pass was not done after five minutes.
    """
    lstm = untrained(len(tokens) + 1, seed=1)
    optimizer = torch.optim.AdamW(lstm.parameters(), lr=1e-3)
    lengths = np.minimum(np.diff(run.begins)[np.unique(run.who)], most)
    people = np.unique(run.who)[np.argsort(-lengths)]
    events, began = 0, time.perf_counter()
    for at in range(0, len(people), batch):
        ends = ((int(run.begins[who]), int(run.begins[who + 1])) for who in people[at : at + batch])
        group = [slice(begin, min(end, begin + most)) for begin, end in ends]
        counts = torch.tensor([part.stop - part.start for part in group])
        pad = torch.nn.utils.rnn.pad_sequence
        read = pad([torch.from_numpy(tokens[run.kinds[part]]) for part in group], batch_first=True)
        carried = pad([torch.from_numpy(np.array(run.carried[part])) for part in group], batch_first=True)
        inputs = torch.cat((lstm.embed(read), carried), dim=2)
        after, _ = lstm.lstm(pack_padded_sequence(inputs, counts, batch_first=True))
        hidden = pad_packed_sequence(after, batch_first=True)[0]
        optimizer.zero_grad()
        hidden.pow(2).mean().backward()
        optimizer.step()
        events += int(counts.sum())
    return events / (time.perf_counter() - began)
