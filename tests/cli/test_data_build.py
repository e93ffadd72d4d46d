"""`gfla data build`: packing a folder into shards, and verifying them."""

import pytest

from gfla_tf.cli.main import main
from gfla_tf.data import Market1501, PairFile
from tests.data.folders import write_folder


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "photos", "market", (128, 64), (128, 64))


def test_a_folder_becomes_shards_that_verify(folder, tmp_path, capsys):
    out = str(tmp_path / "shards")
    assert main(["data", "build", str(folder), "-o", out, "--workers", "3", "--shard-size", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        f"{out}: 6 train pairs of 6 images, 6 test pairs of 6 images in 2 shards, 0.0 MiB."
    )
    assert lines[1] == (
        f"Train on it with: gfla train market data.root={out} features.weights=imagenet -o runs/market"
    )
    assert Market1501(out).num_pairs("train") == 6
    assert main(["data", "build", out, "--verify"]) == 0
    assert capsys.readouterr().out == f"{out}: every file matches its checksum.\n"
    assert main(["data", "build", str(folder), "-o", out]) == 2
    assert "gfla: error: the shards" in capsys.readouterr().err
    assert main(["data", "build", str(folder), "-o", out, "--force"]) == 0


def test_a_folder_becomes_an_hdf5_file(folder, tmp_path, capsys):
    out = str(tmp_path / "pairs.h5")
    command = ["data", "build", str(folder), "-o", out, "--format", "hdf5"]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: 6 train pairs, 6 test pairs.",
        f"Train on it with: gfla train market data.source=hdf5 data.root={out} "
        "features.weights=imagenet -o runs/market",
    ]
    assert PairFile(out).num_pairs("test") == 6
    assert main(command) == 2
    assert "exists already: choose another name, or overwrite it with --force" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0


def test_damage_is_a_fault(folder, tmp_path, capsys):
    out = tmp_path / "shards"
    assert main(["data", "build", str(folder), "-o", str(out)]) == 0
    shard = out / "test-00000-of-00001.tfrecord"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 255
    shard.write_bytes(data)
    capsys.readouterr()
    assert main(["data", "build", str(out), "--verify"]) == 1
    fault = f"record 3 of the shard {str(shard)!r} is damaged (image 'test1_1.jpg')"
    assert capsys.readouterr().out.splitlines()[0] == fault
    shard.unlink()
    assert main(["data", "build", str(out), "--verify"]) == 2
    assert "gfla: error: the shards have no file" in capsys.readouterr().err


def test_an_interruption_says_how_to_go_on(folder, tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("gfla_tf.data.shards.builder.build_shards", interrupted)
    assert main(["data", "build", str(folder), "-o", str(tmp_path / "shards")]) == 130
    printed = capsys.readouterr()
    assert "to resume: run the same command again" in printed.out
    assert printed.err == "gfla: interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the output: gfla data build FOLDER -o SHARDS"),
        (["-o", "shards", "--verify"], "omit -o"),
        (["--verify"], "shards.json' does not exist"),
        (["--verify", "--format", "hdf5"], "an HDF5 file has no checksums"),
        (["-o", "pairs.h5", "--format", "hdf5", "--shard-size", "9"], "--shard-size applies to shards"),
        (["-o", "pairs.h5", "--format", "hdf5", "--layout", "deepfashion"], "is not a data folder"),
        (["-o", "shards", "--layout", "deepfashion"], "is not a data folder"),
        (["-o", "photos"], "would overwrite the data folder"),
    ],
)
def test_wrong_usage_is_one_sentence(folder, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["data", "build", "photos", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("gfla: error: ")
    assert message in error
    assert error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"photos"}
