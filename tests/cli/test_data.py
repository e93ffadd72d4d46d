"""`gfla data synthetic`: folders of synthetic people."""

import cv2
import pytest

from gfla_tf.cli.main import main
from gfla_tf.data import DeepFashion, Market1501

FEW = ("--identities", "2", "--test-identities", "1", "--workers", "0")


@pytest.mark.parametrize(
    ("layout", "reader", "size", "config"),
    [("deepfashion", DeepFashion, (256, 176), "fashion"), ("market1501", Market1501, (128, 64), "market")],
)
def test_a_folder_of_people_reads_back(tmp_path, capsys, layout, reader, size, config):
    out = tmp_path / "people"
    assert main(["data", "synthetic", "-o", str(out), "--layout", layout, *FEW]) == 0
    assert capsys.readouterr().out == (
        f"{out}: 24 train pairs, 12 test pairs.\n"
        f"Train on it with: gfla train {config} data.root={out} "
        f"features.weights=imagenet -o runs/{config}\n"
    )
    dataset = reader(out, size)
    assert (dataset.num_pairs("train"), dataset.num_pairs("test")) == (24, 12)
    assert cv2.imread(dataset.load("train").images.paths[0]).shape == (*size, 3)


def test_size_and_seed(tmp_path):
    paths = []
    for seed in ("0", "0", "1"):
        out = tmp_path / str(len(paths))
        assert main(["data", "synthetic", "-o", str(out), "--size", "48x32", "--seed", seed, *FEW]) == 0
        paths.append(DeepFashion(out, (48, 32)).load("train").images.paths[0])
    pictures = [cv2.imread(path) for path in paths]
    assert pictures[0].shape == (48, 32, 3)
    assert (pictures[0] == pictures[1]).all()
    assert (pictures[0] != pictures[2]).any()


def test_what_is_there_stays_unless_forced(tmp_path, capsys):
    arguments = ["data", "synthetic", "--size", "32x32", *FEW, "-o"]
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "thesis.tex").write_text("mine")
    assert main([*arguments, str(thesis)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main([*arguments, str(thesis), "--force"]) == 2
    assert "--force overwrites dataset folders, and" in capsys.readouterr().err
    assert (thesis / "thesis.tex").read_text() == "mine"
    people = tmp_path / "people"
    assert main([*arguments, str(people)]) == 0
    assert main([*arguments, str(people)]) == 2
    assert main([*arguments, str(people), "--force"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"people", "thesis"}


def test_a_folder_that_cannot_be_made_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert main(["data", "synthetic", *FEW, "-o", str(tmp_path / "file" / "people")]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "31x64"], "each 32 to 1024 pixels"),
        (["--size", "64"], "must be HEIGHTxWIDTH"),
        (["--identities", "0"], "must be a whole number of at least 1, got '0'"),
        (["--seed", "one"], "must be a whole number of at least 0, got 'one'"),
        (["--layout", "vogue"], "invalid choice"),
    ],
)
def test_wrong_numbers_are_named(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        main(["data", "synthetic", "-o", str(tmp_path / "people"), *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_the_layouts_of_the_options_are_those_of_the_datasets():
    from gfla_tf.cli import arguments
    from gfla_tf.data.layout import LAYOUTS

    assert set(arguments.LAYOUTS) == set(LAYOUTS)
