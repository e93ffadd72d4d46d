"""The benchmark of the input pipeline."""

from benchmarks import bm_input_pipeline
from tests.data.folders import write_folder


def test_a_folder_and_its_shards_are_measured(tmp_path, capsys):
    folder = write_folder(tmp_path / "photos", "fasion", (256, 256), (256, 176))
    few = ["--pairs", "8", "--batch-size", "4", "--repeats", "1", "--step-batch", "0"]
    bm_input_pipeline.main(["--folder", str(folder), *few])
    printed = capsys.readouterr().out
    rows = [line.split("|")[1].strip() for line in printed.splitlines() if line.startswith("|")]
    assert rows[2:] == [
        "plain decode",
        "plain decode, accurate DCT",
        "folder",
        "shards",
        "shards, scaled to float32",
    ]
    assert "shards / plain decode: " in printed
