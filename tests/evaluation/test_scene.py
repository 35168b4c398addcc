"""A scene with a fault is refused by its line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError
from civiscope.evaluation import read_scene
from civiscope.evaluation.json_lines import JsonText

GOOD = """{
  "version": 1,
  "zones": [
    {"name": "door", "points": [[0, 0], [1, 0], [1, 1]]}
  ],
  "lines": [{"name": "kerb", "points": [[0, 0.5], [1, 0.5]]}],
  "analytics": [
    {"plugin": "zone", "zone": "door", "settings": {"classes": ["person"]}},
    {"plugin": "line", "line": "kerb"}
  ]
}
"""


def scene_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scene.json"
    path.write_text(text)
    return path


def test_geometry_goes_into_the_settings_by_name(tmp_path: Path) -> None:
    scene, _ = read_scene(scene_file(tmp_path, GOOD))
    zone, line = scene.analytics
    assert scene.settings_of(zone) == {
        "classes": ["person"], "zone": [[0, 0], [1, 0], [1, 1]], "name": "door"
    }  # fmt: skip
    assert scene.settings_of(line) == {"line": [[0, 0.5], [1, 0.5]], "name": "kerb"}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('"version": 1', '"version": 2', "line 2: version"),
        ("[1, 1]]}", "[1, 1.5]]}", "line 4: zones.0.points.2.1"),
        ("[1, 0], [1, 1]]", "[1, 0]]", "line 4: zones.0.points"),
        ('"kerb", "points"', '"door", "points"', "line 6: lines.0.name: 'door' is the name of another"),
        ('"zone": "door"', '"zone": "gate"', "line 8: analytics.0.zone: there is no zone 'gate'"),
        ('"line": "kerb"', '"line": "edge"', "line 9: analytics.1.line"),
        ('"plugin": "line"', '"plug": "line"', "line 9: analytics.1"),
        ("  ]\n}", "  ]\n", "line 12"),
        ('"version": 1,', '"version": 1', "line 3"),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, before: str, after: str, words: str) -> None:
    assert before in GOOD
    with pytest.raises(AppError) as caught:
        read_scene(scene_file(tmp_path, GOOD.replace(before, after, 1)))
    assert words in caught.value.message


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    for depth in (100, 100_000):
        with pytest.raises(AppError, match="deep"):
            read_scene(scene_file(tmp_path, "[" * depth + "]" * depth))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from([None, 1]))
def test_every_value_has_its_place(value: object, indent: int | None) -> None:
    text = JsonText("any", json.dumps(value, indent=indent))
    assert text.value == value
    assert text.line_of(()) == 1
    if isinstance(value, dict) and indent:
        for at, key in enumerate(value):
            before = json.dumps(dict(list(value.items())[:at]), indent=indent)
            assert text.line_of((key,)) == (before.count("\n") + 1 if at else 2)
