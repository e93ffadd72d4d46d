"""Names of images in pose files: spaces of Unicode, quoted cells, ids of COCO, and names of outputs."""

import json
import unicodedata

import pytest

from gfla_tf.errors import InputError
from gfla_tf.pose.batch import PoseOptions, write_poses
from gfla_tf.pose.formats import encode_people, read_people, read_pose
from gfla_tf.pose.keypoints import format_annotation, read_annotations
from tests.pose.pose_files import coco, make_image, make_person, write

NAMES = [
    *(f"Screenshot at 3.14.15{space}PM.png" for space in "\u202f\u00a0\u3000\u2009\u200b"),
    *("\u00a0a.jpg\u3000", "a\u2028b.jpg", 'a "1".jpg', "a:b.jpg", "a, b.jpg", " a.jpg"),
]
NFC, NFD = unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "é.jpg")


def _photograph(folder, name):
    from gfla_tf.images.io import encode_image
    from tests.images.pictures import gradient

    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(encode_image("x.png", gradient(256, 176)))


def _convert(inputs, output, **options):
    return write_poses([str(path) for path in inputs], output and str(output), PoseOptions(**options), None)


@pytest.mark.parametrize("kind", ["coco17", "coco17-results", "csv", "coco18"])
@pytest.mark.parametrize("name", NAMES)
def test_names_are_kept(tmp_path, name, kind):
    path = tmp_path / ("a.csv" if kind == "csv" else "a.json")
    path.write_bytes(encode_people([make_image(make_person(), name=name)], kind))
    assert [image.name for image in read_people(path)] == [name]
    assert read_people(f"{path}#{name}")


def test_a_coco_file_of_screenshots(tmp_path):
    document = coco()
    document["images"][0]["file_name"] = NAMES[0]
    (image,) = read_people(write(tmp_path, document))
    assert image.name == NAMES[0]
    summary = _convert([write(tmp_path, document)], tmp_path / "out")
    assert summary.written == [str(tmp_path / "out" / "Screenshot at 3.14.15\u202fPM.json")]


def test_quoted_cells_of_annotations(tmp_path):
    row = format_annotation("a.jpg", make_person()[:18, :2])
    y, x = row.split(":")[1:]
    path = tmp_path / "a.csv"
    path.write_text(f'"name":"keypoints_y":"keypoints_x"\n"a.jpg":"{y}":"{x}"\n"b:""1"".jpg":{y}:{x}\n')
    assert list(read_annotations(path)) == ["a.jpg", 'b:"1".jpg']
    path.write_text(f'name:keypoints_y:keypoints_x\n"a.jpg:{y}:{x}\n')
    with pytest.raises(InputError, match="line 2: the quotes are not those of a CSV cell"):
        read_annotations(path)


def test_names_in_another_normalization(tmp_path):
    path = write(tmp_path, encode_people([make_image(make_person(), name=NFD)], "csv"), "a.csv")
    with pytest.raises(InputError, match="the same name in another Unicode normalization: it is in NFD"):
        read_pose(f"{path}#{NFC}")
    _photograph(tmp_path / "photos", NFC)
    (message,) = _convert([path], tmp_path / "b.csv", photographs=str(tmp_path / "photos")).failed
    assert "in another Unicode normalization: it is in NFC" in message
    (tmp_path / NFD.replace("jpg", "json")).touch()
    with pytest.raises(InputError, match=r"does not exist .*another Unicode normalization: it is in NFD"):
        read_people(tmp_path / NFC.replace("jpg", "json"))


@pytest.mark.parametrize("file", ["000000397133.jpg", "COCO_val2014_000000397133.jpg", "397133.png"])
def test_ids_match_the_names_of_coco(tmp_path, file):
    (result,) = json.loads(encode_people([make_image(make_person(), name=file)], "coco17-results"))
    assert result["image_id"] == 397133
    path = write(tmp_path, [result, {**result, "image_id": 5}])
    assert [image.name for image in read_people(f"{path}#{file}")] == ["397133"]
    _photograph(tmp_path / "photos", file)
    summary = _convert([f"{path}#397133"], tmp_path / "b.json", photographs=str(tmp_path / "photos"))
    assert summary.failed == []
    (image,) = read_people(tmp_path / "b.json")
    assert (image.name, image.frame) == (file, (256, 176))


def test_the_frame_is_that_of_the_upright_photograph(tmp_path):
    from tests.images.pictures import gradient
    from tests.images.samples import exif, with_exif

    path = write(tmp_path, encode_people([make_image(make_person(), name="a.png")], "csv"), "a.csv")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(with_exif("PNG", gradient(176, 256), exif(8)))
    assert _convert([path], tmp_path / "b.json", photographs=str(tmp_path / "photos")).failed == []
    (image,) = read_people(tmp_path / "b.json")
    assert image.frame == (256, 176)


def test_two_images_of_one_id(tmp_path):
    images = [make_image(make_person(), name=name) for name in ("1.jpg", "0001.jpg")]
    with pytest.raises(InputError, match=r"'1\.jpg' and '0001\.jpg' have the same id 1"):
        encode_people(images, "coco17-results")
    assert len(json.loads(encode_people(images, "coco17"))["images"]) == 2


def test_outputs_of_names_with_dots(tmp_path):
    person = {"pose_keypoints_2d": [9.0, 30.0, 1.0] * 18}
    first, second = (write(tmp_path, {"people": [person]}, f"2024.05.0{n}_keypoints.json") for n in (1, 2))
    out = tmp_path / "out"
    _convert([first], out)
    summary = _convert([first, second], out, resume=True)
    assert (summary.skipped, summary.written) == (1, [str(out / "2024.05.02.json")])
    assert sorted(path.name for path in out.iterdir()) == ["2024.05.01.json", "2024.05.02.json"]
    assert [image.name for image in read_people(out / "2024.05.02.json")] == ["2024.05.02"]


@pytest.mark.parametrize("output", ["out", "all.csv"])
def test_equal_names_of_outputs_are_refused_before_any_pose_is_estimated(tmp_path, output):
    for folder in ("x", "y"):
        _photograph(tmp_path / folder, "a.png")
    with pytest.raises(InputError, match="two images "):
        _convert([tmp_path / "x/a.png", tmp_path / "y/a.png"], tmp_path / output)
    assert not (tmp_path / output).exists()


def test_folders_with_files_of_macos(tmp_path):
    for name in ("a.json", "._a.json", ".DS_Store"):
        write(tmp_path, {"people": []} if name == "a.json" else b"\0\5\x16\7", name)
    summary = _convert([tmp_path], None)
    assert (len(summary.empty), summary.failed) == (1, [])


def test_a_name_that_is_not_utf8_is_refused_for_csv_before_any_pose_is_estimated(tmp_path):
    _photograph(tmp_path, "\udcff.png")
    with pytest.raises(InputError, match=r"'\\udcff\.png' is not valid UTF-8, as CSV files are: rename"):
        _convert([tmp_path / "\udcff.png"], tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_names_that_are_too_long_are_refused_before_any_pose_is_estimated(tmp_path):
    people = [make_image(make_person(), name=name) for name in ("a.png", "b" * 300)]
    (tmp_path / "a.json").write_bytes(encode_people(people, "coco17"))
    with pytest.raises(InputError, match="too long"):
        _convert([tmp_path / "a.json"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
