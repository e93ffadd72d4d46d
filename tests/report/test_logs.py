import math

import pytest

from gfla_tf.errors import InputError
from gfla_tf.report.logs import curves, read_log


def write(folder, text):
    path = folder / "log.csv"
    path.write_text(text)
    return path


def test_columns_and_curves(tmp_path):
    path = write(tmp_path, "epoch,l1,learning_rate,loss,val_loss\n1,1,1e-4,3.5,4\n2,nan,1e-4,2.5,NA\n")
    log = read_log(path)
    assert log["epoch"] == [1, 2]
    assert log["loss"] == [3.5, 2.5]
    assert math.isnan(log["val_loss"][1])
    found = curves(log)
    assert list(found) == ["loss", "l1"]
    assert list(found["loss"]) == ["training", "held-out"]
    assert list(found["l1"]) == ["training"]


@pytest.mark.parametrize("first", [0, 1])
def test_epochs_are_counted_from_1(tmp_path, first):
    """Also those of Keras's own `CSVLogger`, and of earlier versions."""
    rows = "".join(f"{first + index},2.5\n" for index in range(3))
    assert read_log(write(tmp_path, f"epoch,loss\n{rows}"))["epoch"] == [1, 2, 3]


def test_a_quantity_that_is_only_validated_has_a_curve(tmp_path):
    log = read_log(write(tmp_path, "epoch,loss,val_loss,val_flow_error\n0,1,2,0.5\n"))
    assert curves(log)["flow_error"] == {"held-out": [0.5]}


def test_an_incomplete_last_line_is_ignored(tmp_path):
    assert read_log(write(tmp_path, "epoch,loss\n0,1\n1"))["loss"] == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a training log"),
        ("a,b\n1,2\n", "its first line has no column 'epoch'"),
        ("epoch,loss\n0,x\n", "line 2, column 'loss': 'x' is not a number"),
        ("epoch,loss\n0,1,2\n1,2\n", "line 2: 3 cells"),
        ("epoch,loss\n1,3\n3,2\n", "line 3: epoch 3 instead of 2; epochs must be consecutive, from 1"),
        ("epoch,loss\n5,3\n", "line 2: epoch 5 instead of 1"),
        ("epoch,loss\nNA,3\n", "line 2: epoch nan instead of 1"),
    ],
)
def test_errors_name_the_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_log(write(tmp_path, text))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot read the training log"):
        read_log(tmp_path / "none.csv")
